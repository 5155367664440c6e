"""A real HTTP server on a loopback port that answers as scripted, records what it got and notices a client's hang-up.

A script is a list of `Reply`: `server.next = Reply(...)` for one request, `server.replies += [...]` for several,
`server.by_model["name"] = Reply(...)` for a model whenever it is asked. Without one the server answers well.
"""

import json
import select
import socket
import ssl
import sys
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

WAIT_S = 10.0  # the longest any test waits for anything


class Framing(Enum):
    """How the client learns where the body ends."""

    CHUNKED = auto()
    LENGTH = auto()
    CLOSE = auto()
    RAW = auto()  # the steps are everything that is sent, status line included


class Stop(Enum):
    """The last step of a reply that does not end as it should."""

    CLOSE = auto()  # close the connection in the middle
    RESET = auto()  # the same with a TCP reset
    HANG = auto()  # send nothing more until the client hangs up


Step = bytes | float | threading.Event | Stop
"""Bytes are sent, seconds are waited, an Event is waited for; waiting ends at once when the client hangs up."""


@dataclass(frozen=True)
class Reply:
    """One scripted answer."""

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: Framing = Framing.CHUNKED


@dataclass
class Request:
    """One recorded request. Header names are lower case; `json` is None where the body is none."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    json: Any
    port: int  # the client's: two requests with the same one came over one connection
    hung_up: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)  # answered, or given up

    @property
    def model(self) -> str:
        return str(self.json.get("model", "")) if isinstance(self.json, dict) else ""


Answer = Reply | Callable[[Request], Reply]


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was killed: that is what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ScriptedServer(ABC):
    """A context manager; `url` is what a provider's base URL would be."""

    path_prefix = ""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        models: Iterable[Any] | None = None,
        pace_s: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.api_key = api_key
        # Ids, or rows as the provider would send them; None: there is no model list.
        self.models: list[Any] | None = None if models is None else list(models)
        self.pace_s = pace_s  # between the words of an unscripted answer
        self.requests: list[Request] = []
        self.replies: deque[Answer] = deque()
        self.by_model: dict[str, Answer] = {}
        self.errors: list[BaseException] = []  # bugs of the server itself
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._http = _HTTPServer(("127.0.0.1", 0), _handler(self))
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """Return the unscripted answer to a request."""

    @property
    def origin(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        return self.origin + self.path_prefix

    @property
    def chats(self) -> list[Request]:
        """The requests for an answer, without the model lists."""
        return [request for request in self.requests if request.method == "POST"]

    @property
    def next(self) -> Answer | None:
        return self.replies[0] if self.replies else None

    @next.setter
    def next(self, reply: Answer) -> None:
        self.replies.append(reply)

    def wait_for(self, number: int = 1) -> Request:
        """Return the request with this number, counted from 1, as soon as it is there."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.requests) >= number, WAIT_S)
        assert arrived, f"{len(self.requests)} of {number} requests came"
        return self.requests[number - 1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(WAIT_S)
        if error is None and self.errors:
            raise self.errors[0]

    def record(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def choose(self, request: Request) -> Reply:
        """Return the scripted reply, by model or in order, else the unscripted one."""
        scripted: Answer | None = self.by_model.get(request.model) if request.model else None
        if scripted is None and self.replies:
            scripted = self.replies.popleft()
        if scripted is None:
            return self.answer(request)
        return scripted if isinstance(scripted, Reply) else scripted(request)

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(
        (json.dumps(value).encode(),),
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        framing=Framing.LENGTH,
    )


def page_reply(status: int = 200, title: str = "Welcome") -> Reply:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply((page.encode(),), status=status, headers={"Content-Type": "text/html"}, framing=Framing.LENGTH)


def raw_reply(*steps: Step, status: int = 200, content_type: str = "text/event-stream") -> Reply:
    """Return a stream of exactly these bytes, one chunk a step."""
    return Reply(steps, status=status, headers={"Content-Type": content_type})


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _serve(self) -> None:
            request = self._read()
            server.record(request)
            try:
                self._send(request, server.choose(request))
            except OSError:
                request.hung_up.set()
                self.close_connection = True
            except Exception as error:  # shown by the context manager: a broken script must fail its test
                server.errors.append(error)
                self.close_connection = True
            finally:
                request.done.set()

        def _read(self) -> Request:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                value = json.loads(body) if body else None
            except ValueError:
                value = None
            headers = {name.lower(): text for name, text in self.headers.items()}
            return Request(self.command, self.path, headers, body, value, self.client_address[1])

        def _send(self, request: Request, reply: Reply) -> None:
            if reply.framing is not Framing.RAW:
                self.send_response(reply.status)
                for name, text in reply.headers.items():
                    self.send_header(name, text)
                self._send_framing(reply)
                self.end_headers()
            for step in reply.steps:
                if not self._take(request, step, is_chunked=reply.framing is Framing.CHUNKED):
                    self.close_connection = True
                    return
            if reply.framing is Framing.CHUNKED:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = self.close_connection or reply.framing in (Framing.CLOSE, Framing.RAW)

        def _send_framing(self, reply: Reply) -> None:
            match reply.framing:
                case Framing.CHUNKED:
                    self.send_header("Transfer-Encoding", "chunked")
                case Framing.LENGTH:
                    length = sum(len(step) for step in reply.steps if isinstance(step, bytes))
                    self.send_header("Content-Length", str(length))
                case _:
                    self.send_header("Connection", "close")

        def _take(self, request: Request, step: Step, *, is_chunked: bool) -> bool:
            """Do one step; False ends the reply."""
            match step:
                case bytes():
                    if step:
                        self.wfile.write(b"%x\r\n%b\r\n" % (len(step), step) if is_chunked else step)
                    return True
                case threading.Event():
                    return self._wait(request, step, WAIT_S)
                case Stop.HANG:
                    self._wait(request, threading.Event(), WAIT_S)
                    return False
                case Stop.RESET:
                    # Lingering for 0 s makes close() send a reset.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    return False
                case Stop.CLOSE:
                    return False
                case _:
                    self._wait(request, threading.Event(), step)
                    return not request.hung_up.is_set()

        def _wait(self, request: Request, event: threading.Event, limit_s: float) -> bool:
            """Wait for the event, the time or the client's hang-up; False for the hang-up and at the server's end."""
            waited_s, slice_s = 0.0, 0.005
            while not event.is_set() and waited_s < limit_s:
                readable, _, _ = select.select([self.connection], [], [], 0)
                if server.is_closing or (readable and self._is_hung_up()):
                    request.hung_up.set()
                    return False
                event.wait(min(slice_s, limit_s - waited_s))
                waited_s += slice_s
            return True

        def _is_hung_up(self) -> bool:
            try:
                return not self.connection.recv(1, socket.MSG_PEEK)
            except OSError:
                return True

    return Handler
