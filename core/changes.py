"""Two tabs edit the same row: the second is told what the first has changed. Pure."""

from core.errors import ChangedMeanwhile
from core.pricing import AMOUNTS
from core.types import Model, Price, Provider

# What their forms edit, in words. Flags and limits that the wire teaches are not theirs.
PROVIDER_FIELDS = {
    "name": "the name",
    "protocol": "the protocol",
    "base_url": "the base URL",
    "requires_key": "whether it needs a key",
}
MODEL_FIELDS = {"name": "the name", "context_tokens": "the context length", "price": "the price"}


def require_unchanged(opened: Provider | Model, current: Provider | Model | None) -> None:
    """Raise ChangedMeanwhile when a row is no longer what a form was opened with, in what the form edits."""
    if current is None:
        raise ChangedMeanwhile(f"{opened.name} was deleted meanwhile, in another tab. Nothing was saved.")
    fields = PROVIDER_FIELDS if isinstance(opened, Provider) else MODEL_FIELDS
    changed = [name for name in fields if getattr(opened, name) != getattr(current, name)]
    if changed:
        words = "; ".join(f"{fields[name]} is now {_words(getattr(current, name))}" for name in changed)
        raise ChangedMeanwhile(
            f"{opened.name} was changed meanwhile, in another tab: {words}. Nothing was saved. Save again to put "
            "what stands here in its place.",
            current=current,
        )


def _words(value: object) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case Price():
            known = [
                f"{name.replace('_', ' ')} {amount.normalize():f}"
                for name in AMOUNTS
                if (amount := getattr(value, name)) is not None
            ]
            more = [
                f"{len(rows)} {kind}" for kind, rows in (("tiers", value.tiers), ("windows", value.windows)) if rows
            ]
            return ", ".join([*known, *more]) or "unknown"
        case _:
            return str(value)
