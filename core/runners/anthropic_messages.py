"""Speak Anthropic's Messages protocol, with Anthropic and with whoever imitates it.

The SDK builds and sends the request; the answer's bytes are read by `core.runners.sse` (its docstring says why).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast
from urllib.parse import urlsplit

import anthropic
import httpx2

from core.events import StreamEvent
from core.runners import Timeouts
from core.runners.anthropic_events import MessagesAnswer
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
from core.runners.listing import Listing, read_listing
from core.runners.messages import alternating, user_first
from core.runners.parameters import DEFAULT_MAX_TOKENS, fit, thinking_fields
from core.runners.refusals import Draft
from core.text import storable
from core.types import ChatRequest, ModelInfo, Route

API_VERSION = "2026-10-21"  # the one anthropic 2.12 is written for; the environment may not choose another
_OWN_HOST = "api.anthropic.com"
_PAGE_LIMIT = 20  # pages of 1,000 models


class AnthropicMessagesRunner:
    def __init__(self, timeouts: Timeouts) -> None:
        self._wire = Wire(timeouts)

    async def stream(self, route: Route, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """Yield the answer's events. A refused parameter is left out once, and what was learned reported."""
        check_key(route)
        failures, draft = Failures(route), Draft(_body(route, request))
        response = await self._open(route, draft, failures)
        try:
            for lesson in draft.lessons:
                yield lesson
            answer = MessagesAnswer(failures, request_id=request_id(response.headers))
            async with aclosing(read_answer(response, answer)) as events:
                async for event in events:
                    yield event
        finally:
            await response.aclose()

    async def models(self, route: Route) -> list[ModelInfo]:
        """Return the provider's own list, all pages of it. Raises ProviderError."""
        check_key(route)
        found: dict[str, ModelInfo] = {}
        after: str | None = None
        for _ in range(_PAGE_LIMIT):
            listing = await self._list(route, after)
            is_new = any(info.id not in found for info in listing.models)
            found.update((info.id, info) for info in listing.models)
            after = listing.next_after
            if after is None or not is_new:  # a gateway that ignores the cursor sends the same page for ever
                break
        return list(found.values())

    async def close(self) -> None:
        await self._wire.close()

    def _client(self, route: Route) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(
            api_key=route.secret or "none",
            base_url=route.provider.base_url,
            http_client=self._wire.client,
            timeout=self._wire.timeout(),
            max_retries=0,
        )

    async def _open(self, route: Route, draft: Draft, failures: Failures) -> httpx2.Response:
        """Return the open response; the draft learns from refusals on the way there. Raises ProviderError."""
        while True:
            try:
                response = await self._client(route).post(
                    "/v1/messages",
                    cast_to=httpx2.Response,
                    body=draft.body,
                    options={"headers": _headers(route)},
                    stream=True,
                    stream_cls=anthropic.AsyncStream[object],
                )
            except (anthropic.APIError, *UNANSWERED) as error:
                failure, answer = failure_of(error, failures), error_answer(error)
                if answer is None or not draft.adapt(answer, failure.kind):
                    raise failure from None
            else:
                return cast(httpx2.Response, response)

    async def _list(self, route: Route, after: str | None) -> Listing:
        failures = Failures(route, is_listing=True)
        params: dict[str, object] = {"limit": 1000}
        if after is not None:
            params["after_id"] = after
        try:
            response = await self._client(route).get(
                "/v1/models",
                cast_to=httpx2.Response,
                options={"headers": _headers(route), "params": params, "timeout": self._wire.listing_timeout},
            )
        except (anthropic.APIError, *UNANSWERED) as error:
            raise failure_of(error, failures) from None
        return read_listing(await read_body(response, failures), failures)


def _headers(route: Route) -> dict[str, str | anthropic.Omit]:
    """Return the key as the SDK sends it, and for everyone else also where gateways look for it."""
    # Omit, since a header that is only left out may come from ANTHROPIC_CUSTOM_HEADERS.
    no = anthropic.Omit()
    is_own = urlsplit(route.provider.base_url).hostname == _OWN_HOST
    return {
        **our_headers(),
        "anthropic-version": API_VERSION,
        "Authorization": f"Bearer {route.secret}" if route.secret else no,
        "x-api-key": route.secret if route.secret and not is_own else no,
    }


def _body(route: Route, request: ChatRequest) -> dict[str, object]:
    """Return the request. Never a temperature (400 since version 2026-10-21), never thinking unasked."""
    settings = fit(route, request)
    limit = settings.max_output_tokens or route.model.max_output_tokens or DEFAULT_MAX_TOKENS
    body: dict[str, object] = {
        "model": route.model.id,
        "max_tokens": limit,
        "messages": user_first(alternating(request.messages)),
        "stream": True,
    }
    if request.system and request.system.strip():
        body["system"] = storable(request.system)
    return body | thinking_fields(route, settings.thinking, max_tokens=limit)
