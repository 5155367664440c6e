"""A loopback server that speaks OpenAI's chat completions, well by default and badly on request."""

import json
from typing import Any

from tests.servers.base import Reply, Request, ScriptedServer, Step, json_reply, raw_reply

DEFAULT_USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}


class OpenAIServer(ScriptedServer):
    """`with OpenAIServer(api_key="sk-…", models=["a"]) as server: server.url`; echoes the last message."""

    path_prefix = "/v1"

    def answer(self, request: Request) -> Reply:
        if self.api_key is not None and request.headers.get("authorization") != f"Bearer {self.api_key}":
            return error_reply(401, "Incorrect API key provided.", code="invalid_api_key")
        if request.method == "GET" and request.path.split("?")[0] == "/v1/models" and self.models is not None:
            rows = [{"id": model, "object": "model"} if isinstance(model, str) else model for model in self.models]
            return json_reply({"object": "list", "data": rows})
        if request.method != "POST" or request.path != "/v1/chat/completions":
            return error_reply(404, f"Invalid URL ({request.method} {request.path})")
        return echo_reply(request, pace_s=self.pace_s)


def echo_reply(request: Request, *, pace_s: float = 0.0) -> Reply:
    """Return the last message of the request, word by word, with usage if it was asked for."""
    text = str(request.json["messages"][-1]["content"])
    asked = request.json.get("stream_options", {}).get("include_usage")
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1].removesuffix(" ")
    usage = {"prompt_tokens": len(request.body) // 4, "completion_tokens": len(words)} if asked else None
    return stream_reply(*words, model=request.model, usage=usage, pace_s=pace_s)


def stream_reply(
    *words: str,
    model: str = "test-model",
    usage: dict[str, Any] | None = DEFAULT_USAGE,
    finish: str | None = "stop",
    pace_s: float = 0.0,
    reasoning: str = "",
) -> Reply:
    """Return a well-formed answer of these words."""
    steps: list[Step] = [sse(chunk({"role": "assistant", "content": ""}, model=model))]
    if reasoning:
        steps.append(sse(chunk({"reasoning_content": reasoning}, model=model)))
    for word in words:
        steps += [pace_s] if pace_s else []
        steps.append(sse(chunk({"content": word}, model=model)))
    if finish:
        steps.append(sse(chunk({}, finish=finish, model=model)))
    if usage is not None:
        steps.append(sse({**chunk(None, model=model), "usage": usage}))
    return raw_reply(*steps, b"data: [DONE]\n\n")


def chunk(delta: dict[str, Any] | None, *, finish: str | None = None, model: str = "test-model") -> dict[str, Any]:
    """Return one chunk; without a delta one that has no choices, like the one for usage."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": model, "choices": choices}


def completion(text: str, *, finish: str = "stop", usage: dict[str, Any] | None = DEFAULT_USAGE) -> dict[str, Any]:
    """Return a whole answer, as it comes without streaming."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "test-model", "choices": [choice], "usage": usage}


def sse(value: object, *, event: str | None = None) -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(value)}\n\n".encode()


def error_reply(
    status: int, message: str, *, code: str | None = None, type: str = "invalid_request_error", **headers: str
) -> Reply:
    """Return OpenAI's error body; keyword headers have _ for -."""
    error = {"message": message, "type": type, "param": None, "code": code}
    return json_reply({"error": error}, status, {name.replace("_", "-"): text for name, text in headers.items()})
