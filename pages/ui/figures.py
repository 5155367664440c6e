"""Numbers as people read them: durations, tokens, money. Unknown is a dash, never a zero."""

from decimal import Decimal

UNKNOWN = "–"


def duration(ms: float | None) -> str:
    if ms is None:
        return UNKNOWN
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    return f"{int(ms // 60_000)} min {int(ms % 60_000 // 1000)} s"


def count(number: int | None) -> str:
    """Return a count in full up to 9,999, then in thousands or millions."""
    if number is None:
        return UNKNOWN
    if number < 10_000:
        return f"{number:,}"
    if number < 1_000_000:
        return f"{number / 1000:.1f}k"
    return f"{number / 1_000_000:.2f}M"


def money(usd: Decimal | float | None) -> str:
    """Return USD with cents from a dollar on, and with enough digits to tell small amounts apart below."""
    if usd is None:
        return UNKNOWN
    amount = Decimal(usd)
    if amount == 0:
        return "$0"
    if amount >= 1:
        return f"${amount:,.2f}"
    if amount >= Decimal("0.01"):
        return f"${amount:.4f}"
    return f"${amount:.6f}" if amount >= Decimal("0.000001") else "<$0.000001"


def size(count_bytes: int) -> str:
    """Return a size in bytes, kB, MB or GB."""
    amount = float(count_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
