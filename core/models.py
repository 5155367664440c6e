"""What a model and its prices may be, whoever types them: the form, a file, a provider's list. Pure."""

from dataclasses import replace
from itertools import combinations

from core.errors import InvalidInput
from core.pricing import AMOUNTS, overlap
from core.runners.parameters import thinking_kinds
from core.text import clean_identifier, clean_name, storable
from core.types import EVERY_DAY, Model, Price, Tier, Window

TOKENS_LIMIT = 1_000_000_000
PRICE_LIMIT = 1_000_000
FACTOR_LIMIT = 10
ROWS_LIMIT = 20  # tiers or windows of one model
SOURCE_LIMIT = 500


def check_model(model: Model) -> Model:
    """Return a model as it may be stored, without writing it. Raises InvalidInput naming the field."""
    clean = replace(model, id=clean_identifier(model.id, what="model id", field="id"))
    clean = replace(clean, name=clean_name(model.name.strip() or clean.id, what="name"))
    if clean.context_tokens is not None and not 1 <= clean.context_tokens <= TOKENS_LIMIT:
        raise InvalidInput("The context length is a number of tokens above 0.", field="context_tokens")
    if clean.max_output_tokens is not None and not 1 <= clean.max_output_tokens <= TOKENS_LIMIT:
        raise InvalidInput("The longest answer is a number of tokens above 0.", field="max_output_tokens")
    if clean.thinking is not None and clean.thinking not in thinking_kinds():
        raise InvalidInput(f"Thinking is one of {', '.join(thinking_kinds())}, or left out.", field="thinking")
    return replace(clean, price=check_price(clean.price))


def check_price(price: Price) -> Price:
    """Return prices as they may be stored: tiers in order, windows without overlap. Raises InvalidInput."""
    for row in (price, *price.tiers):
        for amount in (getattr(row, name) for name in AMOUNTS):
            if amount is not None and not (amount.is_finite() and 0 <= amount <= PRICE_LIMIT):
                raise InvalidInput("A price is between 0 and 1,000,000 USD per million tokens.", field="price")
    source = storable(price.source or "").strip()
    if len(source) > SOURCE_LIMIT:
        raise InvalidInput(f"The source has {len(source):,} characters; {SOURCE_LIMIT} is the most.", field="source")
    return replace(price, source=source or None, tiers=_tiers(price.tiers), windows=_windows(price.windows))


def _tiers(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    field = "tiers"
    if len(tiers) > ROWS_LIMIT:
        raise InvalidInput(f"A model has {ROWS_LIMIT} tiers at most.", field=field)
    for tier in tiers:
        if not 1 <= tier.above_tokens <= TOKENS_LIMIT:
            raise InvalidInput("A tier begins above a number of tokens such as 200,000.", field=field)
        if all(getattr(tier, name) is None for name in AMOUNTS):
            raise InvalidInput(f"The tier above {tier.above_tokens:,} tokens has no price.", field=field)
    if len({tier.above_tokens for tier in tiers}) < len(tiers):
        raise InvalidInput("Two tiers begin at the same number of tokens.", field=field)
    return tuple(sorted(tiers, key=lambda tier: tier.above_tokens))


def _windows(windows: tuple[Window, ...]) -> tuple[Window, ...]:
    field = "windows"
    if len(windows) > ROWS_LIMIT:
        raise InvalidInput(f"A model has {ROWS_LIMIT} windows at most.", field=field)
    for window in windows:
        factor = window.factor
        if not (factor.is_finite() and 0 <= factor <= FACTOR_LIMIT and factor == round(factor, 6)):
            raise InvalidInput(
                f"The factor of a window is a number from 0 to {FACTOR_LIMIT}, such as 0.5 for half price.", field=field
            )
        if not window.days or not window.days <= EVERY_DAY:
            raise InvalidInput("Choose at least one day of each window.", field=field)
        if any(moment.second or moment.microsecond or moment.tzinfo for moment in (window.start, window.end)):
            raise InvalidInput("A window begins and ends at a full minute, in UTC.", field=field)
    if any(overlap(one, other) for one, other in combinations(windows, 2)):
        raise InvalidInput("Two windows have hours in common: which one held would not be clear.", field=field)
    return windows
