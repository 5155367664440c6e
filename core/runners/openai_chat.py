"""Speak OpenAI's chat completions with whoever understands them.

The SDK builds and sends the request; the answer's bytes are read by `core.runners.sse` (its docstring says why).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import cast

import httpx2
import openai

from core.errors import ErrorKind
from core.events import FlagLearned, StreamEvent
from core.runners import Timeouts
from core.runners.failures import Failures, request_id
from core.runners.http import (
    UNANSWERED,
    ErrorAnswer,
    Wire,
    check_key,
    error_answer,
    failure_of,
    our_headers,
    read_answer,
    read_body,
)
from core.runners.listing import read_listing
from core.runners.messages import alternating
from core.runners.openai_chunks import ChatAnswer
from core.runners.wording import read_wording
from core.text import storable
from core.types import ChatRequest, ModelInfo, ProviderFlag, Route

_REFUSED_PARAMETER = (400, 404, 422, 500, 501)  # the statuses compatible servers were seen to use for one


@dataclass(frozen=True, slots=True)
class _Habits:
    """Which of the parameters that servers disagree on are sent. Each is changed at most once for a request."""

    asks_usage: bool
    limit_name: str
    is_limit_settled: bool

    @classmethod
    def of(cls, route: Route, request: ChatRequest) -> "_Habits":
        flags = route.provider.flags
        return cls(
            asks_usage=ProviderFlag.NO_STREAM_OPTIONS not in flags,
            limit_name="max_completion_tokens" if ProviderFlag.MAX_COMPLETION_TOKENS in flags else "max_tokens",
            is_limit_settled=request.max_output_tokens is None,
        )

    def learn(self, answer: ErrorAnswer, kind: ErrorKind) -> "tuple[_Habits, ProviderFlag] | None":
        """Return what to send instead and what was learned; None if the refusal is about something else."""
        wording = read_wording(answer.body)
        if answer.status not in _REFUSED_PARAMETER:
            return None
        if self.asks_usage and (wording.names("stream_options") or wording.names("include_usage")):
            return replace(self, asks_usage=False), ProviderFlag.NO_STREAM_OPTIONS
        if self.is_limit_settled:
            return None
        is_unknown = kind is ErrorKind.UNSUPPORTED_PARAMETER
        settled = replace(self, is_limit_settled=True)
        if self.limit_name == "max_tokens":
            if wording.names("max_completion_tokens") or (is_unknown and wording.names("max_tokens")):
                return replace(settled, limit_name="max_completion_tokens"), ProviderFlag.MAX_COMPLETION_TOKENS
        elif is_unknown and wording.names("max_completion_tokens"):
            return replace(settled, limit_name="max_tokens"), ProviderFlag.MAX_TOKENS
        return None


class OpenAIChatRunner:
    def __init__(self, timeouts: Timeouts) -> None:
        self._wire = Wire(timeouts)

    async def stream(self, route: Route, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """Yield the answer's events. A refused parameter is left out once, and the provider's flag reported."""
        check_key(route)
        failures = Failures(route)
        response, learned = await self._open(route, request, failures)
        try:
            for flag in learned:
                yield FlagLearned(flag)
            answer = ChatAnswer(failures, request_id=request_id(response.headers))
            async with aclosing(read_answer(response, answer)) as events:
                async for event in events:
                    yield event
        finally:
            await response.aclose()

    async def models(self, route: Route) -> list[ModelInfo]:
        """Return the provider's own list. Raises ProviderError."""
        check_key(route)
        failures = Failures(route, is_listing=True)
        try:
            response = await self._client(route).get(
                "/models",
                cast_to=httpx2.Response,
                options={"headers": _headers(route), "timeout": self._wire.listing_timeout},
            )
        except (openai.APIError, *UNANSWERED) as error:
            raise failure_of(error, failures) from None
        return read_listing(await read_body(response, failures), failures).models

    async def close(self) -> None:
        await self._wire.close()

    def _client(self, route: Route) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            api_key=route.secret or "none",
            base_url=route.provider.base_url,
            http_client=self._wire.client,
            timeout=self._wire.timeout(),
            max_retries=0,
        )

    async def _open(
        self, route: Route, request: ChatRequest, failures: Failures
    ) -> tuple[httpx2.Response, list[ProviderFlag]]:
        """Return the open response, and what refusals taught on the way there. Raises ProviderError."""
        habits, learned = _Habits.of(route, request), list[ProviderFlag]()
        while True:
            try:
                response = await self._client(route).post(
                    "/chat/completions",
                    cast_to=httpx2.Response,
                    body=_body(route, request, habits),
                    options={"headers": _headers(route)},
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
            except (openai.APIError, *UNANSWERED) as error:
                failure, answer = failure_of(error, failures), error_answer(error)
                lesson = habits.learn(answer, failure.kind) if answer is not None else None
                if lesson is None:
                    raise failure from None
                habits, flag = lesson
                learned.append(flag)
            else:
                return cast(httpx2.Response, response), learned


def _headers(route: Route) -> dict[str, str | openai.Omit]:
    authorization = f"Bearer {route.secret}" if route.secret else openai.Omit()
    return {**our_headers(), "Authorization": authorization}


def _body(route: Route, request: ChatRequest, habits: _Habits) -> dict[str, object]:
    """Return the request: nothing unasked, nothing null, since Gemini and Mistral refuse what they do not know."""
    messages = alternating(request.messages)
    if request.system and request.system.strip():
        messages.insert(0, {"role": "system", "content": storable(request.system)})
    body: dict[str, object] = {"model": route.model.id, "messages": messages, "stream": True}
    if habits.asks_usage:
        body["stream_options"] = {"include_usage": True}
    if request.max_output_tokens is not None:
        body[habits.limit_name] = request.max_output_tokens
    return body
