"""Stretches of local days, and what a zone's clock says in them. Pure: no clock, no SQL."""

import re
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
    today = now.astimezone(zone).date()
    return days(today - timedelta(days=PRESET_DAYS[preset] - 1), today, now, zone=zone)


def days(first: date, last: date, now: datetime, *, zone: ZoneInfo) -> Period:
    """Return the borders of whole days, both included, and of as many before them."""
    length = last - first + timedelta(days=1)
    local = now.astimezone(zone)
    is_running = first <= local.date() <= last
    # Arithmetic on the wall clock: days of 23 and 25 hours count.
    until = (local - length).astimezone(UTC) if is_running else _midnight(first, zone)
    return Period(
        since=_midnight(first, zone),
        until=_midnight(last + timedelta(days=1), zone),
        previous_since=_midnight(first - length, zone),
        previous_until=until,
    )


_STEP = re.compile(r"(\d{4})-(?:(\d\d)(?:-(\d\d)(?:T(\d\d))?)?|W(\d\d))", re.ASCII)


def step(text: str, *, zone: ZoneInfo) -> Period:
    """Return the borders of one hour (2026-11-03T14), day, week (2026-W45) or month, and of the one before it.

    An hour that the clock shows twice is both. Raises ValueError.
    """
    found = _STEP.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no hour, day, week or month")
    year, month, day, hour, week = (int(part) if part else None for part in found.groups())
    assert year is not None
    if not 1970 <= year <= 2200:
        raise ValueError(f"{text!r} is out of range")
    if week is not None:
        start = datetime.combine(date.fromisocalendar(year, week, 1), time.min)
        before, end = start - timedelta(days=7), start + timedelta(days=7)
    elif day is None:
        start = datetime(year, month or 1, 1)
        before, end = (start - timedelta(days=1)).replace(day=1), (start + timedelta(days=31)).replace(day=1)
    else:
        start = datetime(year, month or 1, day, hour or 0)
        length = timedelta(days=1) if hour is None else timedelta(hours=1)
        before, end = start - length, start + length
    borders = [moment.replace(tzinfo=zone).astimezone(UTC) for moment in (start, end, before, start)]
    return Period(*borders)


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
