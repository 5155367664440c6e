"""A loopback Messages API for the agent runner's tests: scripted answers, recorded requests, seen hang-ups."""

import json
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_S = 20.0  # a test that needs longer has failed


@dataclass(frozen=True, slots=True)
class Use:
    """A tool that the model wants to use."""

    tool: str
    input: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `error` comes after the text, as an event; with another status than 200 it is the whole answer."""

    blocks: tuple[str, ...] = ("Hello from the loopback.",)
    uses: tuple[Use, ...] = ()  # after the text; the stop reason is then "tool_use"
    thinking: str = ""
    status: int = 200
    error: tuple[str, str] | None = None  # type and message
    holds: bool = False  # after the text nothing more is sent until the client hangs up
    breaks: bool = False  # the connection ends in the middle of the last block
    gate: threading.Event | None = None  # waited for after the first piece of text
    stop_reason: str | None = "end_turn"


@dataclass(frozen=True, slots=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass(slots=True)
class ClaudeMessages:
    """Answers each request with the next reply; the last one is repeated."""

    replies: list[Reply]
    received: list[Received] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)  # a reply that holds has said all it says
    hung_up: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: Received) -> Reply:
        with self.lock:
            self.received.append(request)
            return self.replies[min(len(self.received), len(self.replies)) - 1]


@contextmanager
def serve(*replies: Reply) -> Iterator[ClaudeMessages]:
    """Serve the replies on a free port of this machine."""
    state = ClaudeMessages(list(replies) or [Reply()])

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(WAIT_S)


class _Handler(BaseHTTPRequestHandler):
    server_state: ClaudeMessages
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        request = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        reply = self.server_state.take(request)
        try:
            if reply.status == 200:
                self._stream(reply, len(self.server_state.received))
            else:
                self._refuse(reply)
        except (BrokenPipeError, ConnectionResetError):
            self.server_state.hung_up.set()
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_CONNECT = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def _refuse(self, reply: Reply) -> None:
        kind, message = reply.error or ("api_error", "refused")
        body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, reply: Reply, number: int) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("request-id", f"req_{number}")
        self.end_headers()
        for event in _opening(self.server_state.received[-1].json["model"], number):
            self._send(event)
        index = 0
        if reply.thinking:
            self._block(index, {"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", reply.thinking)
            index += 1
        for text in reply.blocks:
            self._block(index, {"type": "text", "text": ""}, "text_delta", text, gate=reply.gate)
            index += 1
        if reply.breaks:
            self._send({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}})
            self._send(
                {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": "Unfini"}}
            )
            return
        if reply.error:
            self._send({"type": "error", "error": {"type": reply.error[0], "message": reply.error[1]}})
            return
        if reply.holds:
            self._wait_for_hang_up()
            return
        for place, use in enumerate(reply.uses):
            self._use(index + place, f"toolu_{number}_{place}", use)
        stop_reason = "tool_use" if reply.uses else reply.stop_reason
        self._send(
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop_reason, "stop_sequence": None},
                "usage": {"output_tokens": 7},
            }
        )
        self._send({"type": "message_stop"})

    def _block(
        self, index: int, start: dict[str, str], delta: str, text: str, gate: threading.Event | None = None
    ) -> None:
        self._send({"type": "content_block_start", "index": index, "content_block": start})
        key = delta.removesuffix("_delta")
        for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
            self._send({"type": "content_block_delta", "index": index, "delta": {"type": delta, key: piece}})
            if gate is not None:
                gate.wait(WAIT_S)
        self._send({"type": "content_block_stop", "index": index})

    def _use(self, index: int, id_: str, use: Use) -> None:
        start = {"type": "tool_use", "id": id_, "name": use.tool, "input": {}}
        self._send({"type": "content_block_start", "index": index, "content_block": start})
        delta = {"type": "input_json_delta", "partial_json": json.dumps(use.input)}
        self._send({"type": "content_block_delta", "index": index, "delta": delta})
        self._send({"type": "content_block_stop", "index": index})

    def _wait_for_hang_up(self) -> None:
        self.server_state.held.set()
        readable, _, _ = select.select([self.connection], [], [], WAIT_S)
        if readable and not self.connection.recv(1):
            self.server_state.hung_up.set()

    def _send(self, event: dict[str, Any]) -> None:
        self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()


def _opening(model: str, number: int) -> Iterator[dict[str, Any]]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 30, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    yield {"type": "message_start", "message": message}
