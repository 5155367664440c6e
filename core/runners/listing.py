"""Read a provider's list of its models, in the shapes of both protocols and of their imitators. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.runners.answer import count
from core.runners.failures import Failures
from core.text import storable
from core.types import ModelInfo

# OpenRouter, Groq, vLLM, Mistral, Anthropic, Together, Google; in this order where a row has several.
_CONTEXT = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "max_input_tokens",
    "max_context_tokens",
)
_OUTPUT = ("max_output_tokens", "max_completion_tokens", "max_tokens", "output_token_limit")
_RETIRES = ("shutdown_date", "retires_at", "retirement_date", "expiration_date", "sunset_at")
_NAME = ("display_name", "name")


@dataclass(frozen=True, slots=True)
class Listing:
    models: list[ModelInfo]
    next_after: str | None = None  # the id after which the next page begins


def read_listing(body: bytes, failures: Failures) -> Listing:
    """Return the models of {"data": […]}, {"models": […]} or […], of objects or of ids. Raises ProviderError."""
    if body.lstrip().startswith(b"<"):
        raise failures.page(body)
    try:
        value = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        raise failures.malformed("The model list is not JSON.", body=body) from None
    page = value if isinstance(value, dict) else {}
    if page.get("error"):
        raise failures.refused(page, status=200)
    rows = page.get("data", page.get("models")) if page else value
    if not isinstance(rows, list):
        raise failures.malformed("The answer is JSON, but no model list.", body=body)
    models = {info.id: info for info in map(_model, rows) if info is not None}
    last = page.get("last_id")
    return Listing(list(models.values()), last if page.get("has_more") is True and isinstance(last, str) else None)


def _model(row: object) -> ModelInfo | None:
    if isinstance(row, str):
        row = {"id": row}
    if not isinstance(row, dict):
        return None
    model_id = row.get("id") or row.get("model") or row.get("name")
    if not isinstance(model_id, str) or not model_id.strip():
        return None
    # Gemini lists "models/gemini-…" and takes the bare id, which is what its documentation and our catalogue write.
    model_id = storable(model_id.strip()).removeprefix("models/")
    name = next((row[key] for key in _NAME if isinstance(row.get(key), str) and row[key].strip()), None)
    top = row.get("top_provider")
    return ModelInfo(
        id=model_id,
        name=storable(name) if name and name != model_id else None,
        context_tokens=_first_count(row, _CONTEXT),
        max_output_tokens=_first_count(row, _OUTPUT) or _first_count(top if isinstance(top, dict) else {}, _OUTPUT),
        retires_on=next((day for key in _RETIRES if (day := _day(row.get(key)))), None),
    )


def _first_count(row: dict[str, object], keys: tuple[str, ...]) -> int | None:
    return next((number for key in keys if (number := count(row.get(key)))), None)


def _day(value: object) -> date | None:
    """Return the day of an ISO date or time, or of seconds since 1970."""
    try:
        if isinstance(value, str):
            return date.fromisoformat(value[:10])
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(value, UTC).date()
    except (ValueError, OverflowError, OSError):
        pass
    return None
