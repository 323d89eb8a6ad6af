"""Binance's kline intervals: where their buckets begin and end, also for days that begin in another time zone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from roottrading.domain.time import DAY, HOUR, MINUTE, SECOND, TIMEFRAMES, Time

_SPANS: Final[dict[str, int]] = {"1s": SECOND, **TIMEFRAMES, "3d": 3 * DAY, "1w": 7 * DAY}
INTERVALS: Final = (*_SPANS, "1M")
MONDAY: Final = 4 * DAY  # 1970-01-05, the first Monday
_ZONE: Final = re.compile(r"([+-]?)(\d{1,2})(?::?([0-5]\d))?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def open_of(interval: str, time: Time, offset: int = 0) -> Time:
    """Return when the bucket that holds `time` opens; `offset` is the time zone's, in microseconds.

    Raises KeyError where the interval is not one of INTERVALS.
    """
    if interval == "1M":
        return _month(time + offset, 0) - offset
    span = _SPANS[interval]
    anchor = (MONDAY if interval == "1w" else 0) - offset
    return time - (time - anchor) % span


def next_open(interval: str, opened: Time, offset: int = 0) -> Time:
    """Return when the bucket after the one that opens at `opened` opens."""
    if interval == "1M":
        return _month(opened + offset, 1) - offset
    return opened + _SPANS[interval]


def previous_open(interval: str, opened: Time, offset: int = 0) -> Time:
    """Return when the bucket before the one that opens at `opened` opened."""
    return open_of(interval, opened - 1, offset)


def zone_offset(text: str) -> int | None:
    """Read a time zone as Binance takes it (`0`, `-1:00`, `05:45`, `+08:00`); None outside -12:00 to +14:00."""
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    offset = int(match[2]) * HOUR + int(match[3] or 0) * MINUTE
    if match[1] == "-":
        offset = -offset
    return offset if -12 * HOUR <= offset <= 14 * HOUR else None


def _month(time: Time, later: int) -> Time:
    """Return the start of the month that holds `time`, or of the one after it."""
    moment = _EPOCH + timedelta(microseconds=time)
    months = moment.year * 12 + moment.month - 1 + later
    first = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    return (first - _EPOCH) // timedelta(microseconds=1)
