"""Months and days of UTC, by which the archive and the catalog cut candles into files; spans are half open."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from roottrading.domain.time import DAY, Time

Span = tuple[Time, Time]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def month_of(time: Time) -> str:
    """Return the month of an instant, such as 2024-01."""
    return f"{_EPOCH + timedelta(microseconds=time):%Y-%m}"


def day_of(time: Time) -> str:
    """Return the day of an instant, such as 2024-01-31."""
    return f"{_EPOCH + timedelta(microseconds=time):%Y-%m-%d}"


def month_span(month: str) -> Span:
    """Return the span of a month; ValueError where it is none."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    following = (first + timedelta(days=32)).replace(day=1)
    return _microseconds(first), _microseconds(following)


def months_in(span: Span) -> Iterator[tuple[str, Span]]:
    """Yield each month that a span touches, with the part of the span in it."""
    start, end = span
    while start < end:
        month = month_of(start)
        part_end = min(end, month_span(month)[1])
        yield month, (start, part_end)
        start = part_end


def days_in(spans: Iterable[Span]) -> list[Time]:
    """Return the beginnings of all days that spans touch, in order."""
    found: set[Time] = set()
    for start, end in spans:
        found.update(range(start - start % DAY, end, DAY))
    return sorted(found)


def without(span: Span, taken: Iterable[Span]) -> list[Span]:
    """Return what is left of a span where others are taken out of it, in order."""
    left = []
    start, end = span
    for first, last in sorted(taken):
        if last <= start or first >= end:
            continue
        if first > start:
            left.append((start, first))
        start = max(start, last)
    if start < end:
        left.append((start, end))
    return left


def _microseconds(moment: datetime) -> Time:
    return (moment - _EPOCH) // timedelta(microseconds=1)
