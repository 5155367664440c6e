"""Read what an error says, whatever the shape of its body. Pure.

Shapes: `{"error": {…}}` (OpenAI, Anthropic), `[{"error": {…}}]`
(Gemini), `"text"`, `{"detail": …}` (Mistral, FastAPI), `{"code", "error": "…"}` (xAI), `{"base_resp": {…}}` (MiniMax),
`error.metadata.raw` with the upstream's own body as a string (OpenRouter), JSON inside a message (LiteLLM), HTML from
whatever stands in front, and JSON sent as octet-stream (DeepSeek).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

_MESSAGES = ("message", "msg", "status_msg", "error_msg", "error_message", "description", "title", "quotaId")
_CODES = ("code", "type", "status", "reason", "status_code", "error_code", "param")
_CHILDREN = (
    "error",
    "errors",
    "detail",
    "details",
    "metadata",
    "raw",
    "base_resp",
    "innererror",
    "violations",
    "body",
    "cause",
)
_BODY_LIMIT = 200_000  # bytes of an error body that are read
_MESSAGE_LIMIT = 4_000  # characters, before the table's patterns run over them
_DEPTH_LIMIT = 10  # Gemini's quota violations are at 7
_RETRY_DELAY = re.compile(r"^(\d+(?:\.\d+)?)s$")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>|<h1[^>]*>(.*?)</h1>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wording:
    """An error's words: `codes` lower-cased, `message` every different message from the outside in."""

    codes: frozenset[str] = frozenset()
    message: str = ""
    status: int | None = None  # a status that the body states itself
    retry_after_s: float | None = None
    is_page: bool = False  # HTML: not from the API but from something in front of it

    def names(self, parameter: str) -> bool:
        """Whether the error speaks of this request parameter."""
        return parameter in self.codes or re.search(rf"(?<![a-z_]){parameter}(?![a-z_])", self.message) is not None


def read_wording(body: object) -> Wording:
    """Return what the body says; bytes and strings are tried as JSON first."""
    if isinstance(body, bytes | bytearray):
        body = bytes(body[:_BODY_LIMIT]).decode("utf-8", "replace")
    if isinstance(body, str):
        text = body.lstrip("\ufeff \t\r\n")
        if text.startswith("<"):
            return Wording(message=_page_title(text), is_page=True)
        body = _parsed(text)
    found = list(_walk(body, 0))
    messages = list(dict.fromkeys(text for kind, text in found if kind == "message"))
    codes = frozenset(text.lower() for kind, text in found if kind == "code")
    return Wording(
        codes, " — ".join(messages)[:_MESSAGE_LIMIT], _status(codes), _retry_delay(codes | {t for _, t in found})
    )


def _walk(value: object, depth: int) -> Iterator[tuple[str, str]]:
    """Yield ("code" | "message", text) from the outside in."""
    if depth > _DEPTH_LIMIT:
        return
    if isinstance(value, list):
        for item in value[:20]:
            yield from _walk(item, depth + 1)
    elif isinstance(value, dict):
        yield from _walk_dict(value, depth)
    elif isinstance(value, str) and value.strip():
        inner = _parsed(value)
        if isinstance(inner, str):
            yield "message", inner.strip()
        else:
            yield from _walk(inner, depth + 1)


def _walk_dict(value: dict[object, object], depth: int) -> Iterator[tuple[str, str]]:
    for name in _CODES:
        code = value.get(name)
        if isinstance(code, str | int) and not isinstance(code, bool) and str(code):
            yield "code", str(code)
    if isinstance(delay := value.get("retryDelay"), str):
        yield "delay", delay
    where = value.get("loc")
    prefix = ".".join(map(str, where)) + ": " if isinstance(where, list) else ""
    for name in _MESSAGES:
        for kind, text in _walk(value.get(name), depth + 1):
            yield kind, prefix + text if kind == "message" else text
    for name in _CHILDREN:
        yield from _walk(value.get(name), depth + 1)


def _parsed(text: str) -> object:
    """Return the JSON value that the text is, or the text itself."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _status(codes: frozenset[str]) -> int | None:
    numbers = [int(code) for code in codes if code.isascii() and code.isdigit() and 400 <= int(code) <= 599]
    return max(numbers, default=None)


def _retry_delay(texts: frozenset[str]) -> float | None:
    """Return Gemini's RetryInfo ("retryDelay": "23s")."""
    return next((float(match[1]) for text in texts if (match := _RETRY_DELAY.match(text))), None)


def _page_title(page: str) -> str:
    match = _TITLE.search(page[:50_000])
    text = (match[1] or match[2] or "") if match else ""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split()) or "an HTML page"
