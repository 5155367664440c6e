"""Stretches of local days, and what a zone's clock says in them. Pure: no clock, no SQL."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Preset(StrEnum):
    """The periods a page offers."""

    TODAY = "today"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    ALL = "all"


PRESET_DAYS = {Preset.TODAY: 1, Preset.WEEK: 7, Preset.MONTH: 30, Preset.QUARTER: 90}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of whole local days up to the end of today, and the one before it, up to this time of its last day."""

    since: datetime | None = None
    until: datetime | None = None
    previous_since: datetime | None = None
    previous_until: datetime | None = None


def period(preset: Preset, now: datetime, *, zone: ZoneInfo) -> Period:
    """Return the borders of a preset on the zone's clock. ALL has none."""
    if preset is Preset.ALL:
        return Period()
    days = timedelta(days=PRESET_DAYS[preset])
    local = now.astimezone(zone)
    tomorrow = local.date() + timedelta(days=1)
    return Period(
        since=_midnight(tomorrow - days, zone),
        until=_midnight(tomorrow, zone),
        previous_since=_midnight(tomorrow - 2 * days, zone),
        previous_until=(local - days).astimezone(UTC),  # arithmetic on the wall clock: days of 23 and 25 hours count
    )


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The moment at which a zone's clock is set anew, and by how much it was ahead of UTC before."""

    at: datetime
    offset_before_s: int


def clock_changes(since: datetime, until: datetime, *, zone: ZoneInfo) -> list[ClockChange]:
    """Return the changes of a zone's clock between two moments, oldest first."""
    changes: list[ClockChange] = []
    moment = since
    while moment < until:
        following = moment + timedelta(days=1)
        if (before_s := offset_s(moment, zone)) != offset_s(following, zone):
            changes.append(ClockChange(_change(moment, following, zone), before_s))
        moment = following
    return changes


def offset_s(moment: datetime, zone: ZoneInfo) -> int:
    """Return by how much the zone's clock is ahead of UTC."""
    return int((moment.astimezone(zone).utcoffset() or timedelta(0)).total_seconds())


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second between two moments at which the zone's offset becomes that of `after`."""
    old_s = offset_s(before, zone)
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if offset_s(datetime.fromtimestamp(middle, UTC), zone) == old_s:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
