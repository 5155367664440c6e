"""Speak OpenAI's chat completions with whoever understands them.

The SDK builds and sends the request; the answer's bytes are read by `core.runners.sse` (its docstring says why).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import httpx2
import openai

from core.events import StreamEvent
from core.runners import Timeouts
from core.runners.failures import Failures, request_id
from core.runners.http import (
    UNANSWERED,
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
from core.runners.parameters import fit, thinking_fields
from core.runners.refusals import Draft, Lesson
from core.text import storable
from core.types import ChatRequest, ModelInfo, ProviderFlag, Route


class OpenAIChatRunner:
    def __init__(self, timeouts: Timeouts) -> None:
        self._wire = Wire(timeouts)

    async def stream(self, route: Route, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """Yield the answer's events. A refused parameter is left out once, and what was learned reported."""
        check_key(route)
        failures = Failures(route)
        response, learned = await self._open(route, request, failures)
        try:
            for lesson in learned:
                yield lesson
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
    ) -> tuple[httpx2.Response, list[Lesson]]:
        """Return the open response, and what refusals taught on the way there. Raises ProviderError."""
        draft = Draft(_body(route, request))
        while True:
            try:
                response = await self._client(route).post(
                    "/chat/completions",
                    cast_to=httpx2.Response,
                    body=draft.body,
                    options={"headers": _headers(route)},
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
            except (openai.APIError, *UNANSWERED) as error:
                failure, answer = failure_of(error, failures), error_answer(error)
                if answer is None or not draft.adapt(answer, failure.kind):
                    raise failure from None
            else:
                return cast(httpx2.Response, response), draft.lessons


def _headers(route: Route) -> dict[str, str | openai.Omit]:
    authorization = f"Bearer {route.secret}" if route.secret else openai.Omit()
    return {**our_headers(), "Authorization": authorization}


def _body(route: Route, request: ChatRequest) -> dict[str, object]:
    """Return the request: nothing unasked, nothing null, since Gemini and Mistral refuse what they do not know."""
    settings, flags = fit(route, request), route.provider.flags
    messages = alternating(request.messages)
    if request.system and request.system.strip():
        messages.insert(0, {"role": "system", "content": storable(request.system)})
    body: dict[str, object] = {"model": route.model.id, "messages": messages, "stream": True}
    if ProviderFlag.NO_STREAM_OPTIONS not in flags:
        body["stream_options"] = {"include_usage": True}
    if settings.max_output_tokens is not None:
        name = "max_completion_tokens" if ProviderFlag.MAX_COMPLETION_TOKENS in flags else "max_tokens"
        body[name] = settings.max_output_tokens
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    return body | thinking_fields(route, settings.thinking)
