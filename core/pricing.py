"""What an attempt cost, and by which rule. Pure, exact decimals; what is not known stays unknown and is never 0."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal

from core.types import EVERY_DAY, CostSource, Price, Tier, Usage, Window

_MILLION = Decimal(1_000_000)
_NANO = Decimal("0.000000001")  # the log keeps nine decimals
_LIMIT = Decimal(10) ** 9  # and nine digits before them: a provider that reports more is talking nonsense
_DAY = 24 * 60  # minutes
_WEEK = 7 * _DAY
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Writing into Anthropic's cache for an hour costs twice the input, for every Claude model of both price tables
# (genai-prices 0.2.3, litellm 1.109). Nobody else tells such tokens apart.
_HOUR_FACTOR = 2
BASE = "base"
AMOUNTS = ("input", "output", "cache_read", "cache_write")  # the fields of a price


@dataclass(frozen=True, slots=True)
class Cost:
    """USD. The parts add up to the total where we priced it; they are None where the provider said only the sum."""

    total: Decimal | None
    source: CostSource
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    price: Price = field(default_factory=Price)  # of the tier and window that applied
    rule: str | None = None  # in words, see `applied`; None: no price is known

    @property
    def parts(self) -> tuple[Decimal | None, ...]:
        return self.input, self.output, self.cache_read, self.cache_write, self.cache_write_1h


def cost(usage: Usage, price: Price, at: datetime) -> Cost:
    """Price the tokens of an attempt that began then, an aware time.

    A cost above zero that the provider itself reports wins (OpenRouter does).
    """
    prompt_tokens = usage.input_tokens if usage.longest_prompt_tokens is None else usage.longest_prompt_tokens
    price, rule = applied(price, prompt_tokens, at)
    if usage.reported_cost_usd is not None and usage.reported_cost_usd > 0:
        if usage.reported_cost_usd >= _LIMIT:
            return Cost(total=None, source=CostSource.UNPRICED, price=price, rule=rule)
        return Cost(total=_nano(usage.reported_cost_usd), source=CostSource.REPORTED, price=price, rule=rule)
    if price.input == 0 and price.output == 0:
        return Cost(total=Decimal(0), source=CostSource.FREE, price=price, rule=rule)
    if usage.input_tokens is None or usage.output_tokens is None:
        return Cost(total=None, source=CostSource.UNPRICED, price=price, rule=rule)
    fresh, read, written, written_1h = prompt_parts(usage)
    made = Cost(
        total=None,
        source=CostSource.UNPRICED,
        input=_part(fresh, price.input),
        output=_part(usage.output_tokens, price.output),
        cache_read=_part(read, price.cache_read),
        cache_write=_part(written, price.cache_write),
        cache_write_1h=_part(written_1h, hour_price(price)),
        price=price,
        rule=rule,
    )
    known = [part for part in made.parts if part is not None]
    total = sum(known, Decimal(0))
    if len(known) < len(made.parts) or total >= _LIMIT:
        return made
    return replace(made, total=total, source=CostSource.PRICED)


def applied(price: Price, prompt_tokens: int | None, at: datetime) -> tuple[Price, str | None]:
    """Return the prices that hold for a prompt of this length at this time, and by which rule.

    The rule is `base`, `over 200,000 tokens`, `off-peak 16:30-00:30 UTC x 0.5` or the last two together. Where a prompt
    of unknown length could be in a tier, nothing is known.
    """
    rates = Tier(0, price.input, price.output, price.cache_read, price.cache_write)
    rules = []
    if price.tiers and prompt_tokens is None:
        rates = Tier(0)
    for tier in price.tiers:
        if prompt_tokens is not None and prompt_tokens > tier.above_tokens:
            rates, rules = tier, [f"over {tier.above_tokens:,} tokens"]
    if window := next((window for window in price.windows if is_open(window, at)), None):
        rates = _times(rates, window.factor)
        rules.append(f"{'peak' if window.factor > 1 else 'off-peak'} {window_words(window)} x {window.factor:f}")
    is_known = any(getattr(rates, name) is not None for name in AMOUNTS)
    rule = (", ".join(rules) or BASE) if is_known else None
    found = Price(rates.input, rates.output, rates.cache_read, rates.cache_write, price.source, price.as_of)
    return found, rule


def is_open(window: Window, at: datetime) -> bool:
    """Say whether a time, whatever its zone, lies in the window."""
    moment = at.astimezone(UTC)
    minute = moment.weekday() * _DAY + moment.hour * 60 + moment.minute
    return any((minute - begin) % _WEEK < length for begin, length in _spans(window))


def overlap(one: Window, other: Window) -> bool:
    """Say whether there is a minute of the week that lies in both."""
    return any(
        (begin - start) % _WEEK < length or (start - begin) % _WEEK < span
        for begin, span in _spans(one)
        for start, length in _spans(other)
    )


def _spans(window: Window) -> list[tuple[int, int]]:
    """Return the minute of the week at which the window opens on each of its days, and for how many it is open."""
    start, end = _minutes(window.start), _minutes(window.end)
    length = (end - start) % _DAY or _DAY
    return [((day - 1) * _DAY + start, length) for day in sorted(window.days)]


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def window_words(window: Window) -> str:
    """Return the hours of a window and, where it is not open on every day, its days: `Mon-Fri 10:00-24:00 UTC`."""
    end = "24:00" if window.end == time(0) else f"{window.end:%H:%M}"
    hours = f"{window.start:%H:%M}-{end} UTC"
    return hours if window.days == EVERY_DAY else f"{day_words(window.days)} {hours}"


def day_words(days: frozenset[int]) -> str:
    """Return days in order, three and more in a row as a range: `Mon-Fri`, `Mon, Wed`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = [[_DAY_NAMES[day - 1] for day in run] for run in runs]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(run) for run in names)


def prompt_parts(usage: Usage) -> tuple[int, int, int, int]:
    """Return a prompt's tokens by their price: fresh, read from the cache, written to it for minutes, for an hour.

    A provider that counts cached tokens on top of the prompt never makes the rest negative.
    """
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    written_1h = min(usage.cache_write_1h_tokens or 0, written)
    return max((usage.input_tokens or 0) - read - written, 0), read, written - written_1h, written_1h


def hour_price(price: Price) -> Decimal | None:
    """Return USD per million tokens that are written to the cache for an hour."""
    return None if price.input is None else price.input * _HOUR_FACTOR


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has: a quarter of its UTF-8 bytes, which is fair to Chinese text too."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def not_billed(made: Cost) -> Cost:
    """Return the cost of a request that the provider refused, or never had."""
    return replace(made, total=Decimal(0), source=CostSource.NOT_BILLED)


def _times(rates: Tier, factor: Decimal) -> Tier:
    changed = {name: _nano(amount * factor) for name in AMOUNTS if (amount := getattr(rates, name)) is not None}
    return Tier(rates.above_tokens, **changed)


def _part(tokens: int, per_million: Decimal | None) -> Decimal | None:
    if tokens == 0:
        return Decimal(0)
    return None if per_million is None else _nano(tokens * per_million / _MILLION)


def _nano(amount: Decimal) -> Decimal:
    return amount.quantize(_NANO, rounding=ROUND_HALF_EVEN)
