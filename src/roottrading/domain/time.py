"""Time as data: int microseconds since 1970 UTC inside, ISO 8601 in files and for people.

T is the close instant of a candle: its open time plus its timeframe, exactly.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

Time = int  # UTC microseconds: the cause's time, never the wall's

MILLISECOND: Final = 1_000
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

TIMEFRAMES: Final[dict[str, int]] = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration(timeframe: str) -> int:
    """Return the length of a timeframe in microseconds.

    Raises ValueError naming what is allowed where the timeframe is unknown.
    """
    try:
        return TIMEFRAMES[timeframe]
    except KeyError:
        raise ValueError(f"unknown timeframe {timeframe!r}: use one of {', '.join(TIMEFRAMES)}") from None


def iso(time: Time) -> str:
    """Return the instant as ISO 8601 in UTC; the fraction only where there is one."""
    moment = _EPOCH + timedelta(microseconds=time)
    return moment.isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> Time:
    """Read an ISO 8601 date or instant; a date alone is its midnight, UTC.

    Raises ValueError for a text that is no date, and for an instant without its offset from UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if len(text) > len("2024-01-01"):
            raise ValueError(f"{text!r} has no offset from UTC: write it with a Z at its end")
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def start_of_day(time: Time) -> Time:
    """Return 00:00 UTC of the instant's day."""
    return time - time % DAY
