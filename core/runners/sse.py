"""Turn the bytes of a provider's response into our events. Pure: bytes in, events out, no I/O.

The SDKs send the request; the bytes of the answer are read here. Their own iteration gets these wrong (measured with
openai 3.54 and anthropic 2.12, 2026-11-23): a JSON or HTML body with status 200 ends without an exception and without
a chunk; one bad data line ends the answer; anthropic drops events without an `event:` line; a stream without its last
blank line loses its last event. One small decoder gets all of them right for both protocols.
"""

import json
from collections.abc import Iterator

from core.errors import ProviderError
from core.events import Notice, StreamEvent
from core.runners.answer import Answer

_HOLE = object()
_BOM = b"\xef\xbb\xbf"
_LINE_LIMIT = 16_000_000  # bytes without a line end, or of a whole JSON body: nothing honest is longer


class SSEDecoder:
    """Server-sent events from bytes that may be cut anywhere; LF, CRLF and CR end a line."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[tuple[str, str]]:
        """Yield the events (name, data) that this chunk completes."""
        for line in self._lines(chunk):
            if not line:
                yield from self._dispatch()
                continue
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "data":
                self._data.append(value)
            elif field == "event":
                self._name = value
            elif line.lstrip().startswith("{"):
                self._data.append(line)  # the data on the line after "data:" (0xPlaygrounds/rig#534)

    def end(self) -> Iterator[tuple[str, str]]:
        """Yield the last event, which some servers send without its blank line."""
        if self._pending:
            yield from self.feed(b"\n")
        yield from self._dispatch()

    @property
    def pending_bytes(self) -> int:
        return len(self._pending)

    def _dispatch(self) -> Iterator[tuple[str, str]]:
        if self._data:
            yield self._name, "\n".join(self._data)
        self._name, self._data = "", []

    def _lines(self, chunk: bytes) -> Iterator[str]:
        """Yield whole lines. Decoding waits for the line's end, so no character is ever cut."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return
        self._after_cr = chunk.endswith(b"\r")
        if b"\n" not in chunk and b"\r" not in chunk:
            self._pending += chunk
            return
        lines = (bytes(self._pending) + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._pending = bytearray(lines.pop())
        for line in lines:
            yield line.decode("utf-8", "replace")


class AnswerReader:
    """Feeds an `Answer` from a response body, whichever kind of body it turns out to be.

    The first character decides, not the Content-Type alone: an event stream can begin with neither `{`, `[` nor `<`,
    and gateways send streams as application/json or text/plain, and JSON errors as text/event-stream.
    """

    def __init__(self, answer: Answer, *, content_type: str = "") -> None:
        self._answer = answer
        self._content_type = content_type
        self._head = bytearray()
        self._whole: bytearray | None = None
        self._events: SSEDecoder | None = None
        self._has_hole = False

    def feed(self, chunk: bytes) -> Iterator[StreamEvent]:
        """Yield what this chunk says. Raises ProviderError, after the text that came before it."""
        if self._whole is not None:
            self._keep(chunk)
        elif self._events is not None:
            yield from self._read(self._events.feed(chunk))
            if self._events.pending_bytes > _LINE_LIMIT:
                raise self._answer.failures.malformed("A line of the answer has no end.")
        else:
            yield from self._begin(chunk)

    def end(self) -> Iterator[StreamEvent]:
        """Yield the rest and `Completed`. Raises ProviderError when the answer is not complete."""
        if self._events is not None:
            yield from self._read(self._events.end(), at_end=True)
            if not self._answer.has_data and "event-stream" not in self._content_type:
                raise self._unreadable(bytes(self._head))
            yield from self._answer.end()
        elif self._whole is not None:
            yield from self._read_whole(bytes(self._whole))
        else:
            raise self._answer.failures.nothing(self._content_type)

    def _begin(self, chunk: bytes) -> Iterator[StreamEvent]:
        self._head += chunk
        head = bytes(self._head)
        if _BOM.startswith(head):
            return  # also an empty head
        head = head.removeprefix(_BOM)
        first = head.lstrip()[:1]
        if first in (b"{", b"[", b"<"):
            self._whole = bytearray(head)
        elif first:
            self._events = SSEDecoder()
            yield from self._read(self._events.feed(head))

    def _keep(self, chunk: bytes) -> None:
        assert self._whole is not None
        self._whole += chunk
        if len(self._whole) > _LINE_LIMIT:
            raise self._answer.failures.malformed("The answer is a single JSON text of more than 16 MB.")

    def _read(self, events: Iterator[tuple[str, str]], *, at_end: bool = False) -> Iterator[StreamEvent]:
        for name, data in events:
            if self._answer.is_done:
                return
            for value in self._values(name, data):
                if value is not _HOLE:
                    self._answer.has_data = True
                    yield from self._answer.event(name, value)
                elif not at_end and not self._has_hole:
                    self._has_hole = True
                    yield Notice("A part of the answer could not be read and is missing.")

    def _values(self, name: str, data: str) -> Iterator[object]:
        """Yield the JSON values of one event; _HOLE for one that was meant as JSON and is not."""
        text = data.strip()
        if text == "[DONE]":
            self._answer.is_done = True
            return
        try:
            yield json.loads(text)
            return
        except (ValueError, RecursionError):
            pass
        if "\n" in text:  # events that a server separated by one line end instead of two
            for line in text.split("\n"):
                yield from self._values(name, line)
        elif text.startswith(("{", "[{")):
            yield _HOLE
        elif text and name == "error":
            yield {"error": text}
        # Anything else is a keep-alive in a data line ("data: ping", "data: [HEARTBEAT]").

    def _read_whole(self, body: bytes) -> Iterator[StreamEvent]:
        failures = self._answer.failures
        if body.lstrip().startswith(b"<"):
            raise failures.page(body)
        text = body.decode("utf-8", "replace")
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            # A string or a bracket that is still open at the end: the body was cut, not wrong.
            is_cut = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip())
            raise (failures.interrupted() if is_cut else self._unreadable(body)) from None
        except RecursionError:
            raise self._unreadable(body) from None
        self._answer.has_data = True
        yield from self._answer.whole(value)
        yield from self._answer.end()

    def _unreadable(self, body: bytes) -> ProviderError:
        return self._answer.failures.malformed("The answer is neither an event stream nor JSON.", body=body)
