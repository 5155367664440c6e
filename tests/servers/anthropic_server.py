"""A loopback server that speaks Anthropic's Messages protocol, well by default and badly on request."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.base import Reply, Request, ScriptedServer, Step, json_reply, raw_reply


class AnthropicServer(ScriptedServer):
    """`with AnthropicServer(api_key="sk-…", models=["a"]) as server: server.url`; echoes the last message."""

    page_size = 20  # of the model list, whatever limit is asked for

    def answer(self, request: Request) -> Reply:
        keys = (request.headers.get("authorization", "").removeprefix("Bearer "), request.headers.get("x-api-key"))
        if self.api_key is not None and self.api_key not in keys:
            return error_reply(401, "authentication_error", "invalid x-api-key")
        path = urlsplit(request.path)
        if request.method == "GET" and path.path == "/v1/models" and self.models is not None:
            return json_reply(self._page(parse_qs(path.query).get("after_id", [""])[0]))
        if request.method != "POST" or path.path != "/v1/messages":
            return error_reply(404, "not_found_error", "Not Found")
        return echo_reply(request, pace_s=self.pace_s)

    def _page(self, after_id: str) -> dict[str, Any]:
        rows = [_model_row(model) if isinstance(model, str) else model for model in self.models or ()]
        start = next((number + 1 for number, row in enumerate(rows) if row["id"] == after_id), 0)
        page = rows[start : start + self.page_size]
        has_more = start + self.page_size < len(rows)
        return {"data": page, "has_more": has_more, "last_id": page[-1]["id"] if page else None}


def _model_row(model: str) -> dict[str, Any]:
    return {"type": "model", "id": model, "display_name": model.title()}


def echo_reply(request: Request, *, pace_s: float = 0.0) -> Reply:
    """Return the last message of the request, word by word, with usage."""
    content = request.json["messages"][-1]["content"]
    text = content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1].removesuffix(" ")
    return stream_reply(*words, model=request.model, input_tokens=len(request.body) // 4, pace_s=pace_s)


def stream_reply(
    *words: str,
    model: str = "test-model",
    input_tokens: int = 12,
    finish: str | None = "end_turn",
    pace_s: float = 0.0,
    reasoning: str = "",
) -> Reply:
    """Return a well-formed answer of these words."""
    steps: list[Step] = [sse(message_start(model=model, usage={"input_tokens": input_tokens, "output_tokens": 1}))]
    index = 0
    if reasoning:
        steps += [block_start(index, {"type": "thinking", "thinking": "", "signature": ""})]
        steps += [delta(index, {"type": "thinking_delta", "thinking": reasoning})]
        steps += [delta(index, {"type": "signature_delta", "signature": "c2ln"}), block_stop(index)]
        index += 1
    steps += [block_start(index, {"type": "text", "text": ""}), sse({"type": "ping"})]
    for word in words:
        steps += [pace_s] if pace_s else []
        steps.append(delta(index, {"type": "text_delta", "text": word}))
    steps.append(block_stop(index))
    if finish:
        steps += [message_delta(finish, {"output_tokens": len(words)}), sse({"type": "message_stop"})]
    return raw_reply(*steps)


def message_start(*, model: str = "test-model", usage: dict[str, Any] | None = None) -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
    return {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}}


def block_start(index: int, block: dict[str, Any]) -> bytes:
    return sse({"type": "content_block_start", "index": index, "content_block": block})


def delta(index: int, value: dict[str, Any]) -> bytes:
    return sse({"type": "content_block_delta", "index": index, "delta": value})


def text_delta(text: str) -> bytes:
    return delta(0, {"type": "text_delta", "text": text})


def block_stop(index: int) -> bytes:
    return sse({"type": "content_block_stop", "index": index})


def message_delta(stop_reason: str | None, usage: dict[str, Any] | None = None) -> bytes:
    return sse({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage})


def message(text: str, *, finish: str = "end_turn") -> dict[str, Any]:
    """Return a whole answer, as it comes without streaming."""
    start = message_start(usage={"input_tokens": 12, "output_tokens": 7})["message"]
    return {**start, "content": [{"type": "text", "text": text}], "stop_reason": finish}


def sse(value: dict[str, Any]) -> bytes:
    """Return an event whose name is its type, as Anthropic sends it."""
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


def error_reply(status: int, type: str, message: str, **headers: str) -> Reply:
    """Return Anthropic's error body; keyword headers have _ for -."""
    body = {"type": "error", "error": {"type": type, "message": message}, "request_id": "req_1"}
    return json_reply(body, status, {name.replace("_", "-"): text for name, text in headers.items()})
