"""Quote volume, exact: the mean of the last 20 closed finest candles, and the sum of the previous UTC day."""

from bisect import bisect_left, bisect_right
from decimal import Decimal
from operator import mul
from typing import Final, Protocol

import numpy as np

from roottrading.domain.columns import MAX_UNITS, UNITS_DIGITS, Candles, Ints, candle_at
from roottrading.domain.money import ONE, ZERO, quotient_down
from roottrading.domain.open_times import OpenTimes
from roottrading.domain.time import DAY, Time, duration, start_of_day

MEAN_OF: Final = 20
_WRAP: Final = 2**64 - 1
_UNIT: Final = ONE.scaleb(-UNITS_DIGITS)


class Turnover(Protocol):
    """Says how much of a symbol is traded, in quote, rounded down to 1e-8."""

    def mean(self, at: Time) -> Decimal:
        """Return the mean close x volume of the last 20 finest candles closed at T.

        None older than the previous UTC day counts, so that it does not depend on how much history is at hand; 0 =
        unknown.
        """

    def day(self, at: Time, begins: Time | None) -> Decimal:
        """Return the sum of close x volume over the UTC day before T's.

        0 = unknown: the history `begins` inside that day or after it.
        """


class RunningTurnover:
    """The turnover of one symbol as its finest candles come."""

    def __init__(self, timeframe: str) -> None:
        """Start with nothing known."""
        self._span = duration(timeframe)
        self._open_times: list[Time] = []
        self._quotes: list[Decimal] = []
        self._days: dict[Time, Decimal] = {}

    def add(self, open_time: Time, close: Decimal, volume: Decimal) -> None:
        """Add the next candle."""
        quote = close * volume
        self._open_times.append(open_time)
        self._quotes.append(quote)
        day = start_of_day(open_time)
        self._days[day] = self._days.get(day, ZERO) + quote

    def extend(self, candles: Candles) -> None:
        """Add many candles at once; only those of the last day and the one before can still count."""
        first = bisect_left(candles.open_time, start_of_day(int(candles.at[-1])) - DAY)
        for row in range(first, len(candles)):
            candle = candle_at(candles, row)
            self.add(candle.open_time, candle.close, candle.volume)

    def forget(self, before: Time) -> None:
        """Drop the candles that opened before `before`, the start of a UTC day."""
        first = bisect_left(self._open_times, before)
        del self._open_times[:first]
        del self._quotes[:first]
        for day in [day for day in self._days if day < before]:
            del self._days[day]

    def mean(self, at: Time) -> Decimal:
        """See `Turnover`."""
        last = bisect_right(self._open_times, at - self._span)
        first = max(bisect_left(self._open_times, start_of_day(at) - DAY), last - MEAN_OF)
        return quotient_down(sum(self._quotes[first:last], ZERO), Decimal(last - first)) if first < last else ZERO

    def day(self, at: Time, begins: Time | None) -> Decimal:
        """See `Turnover`."""
        day = start_of_day(at) - DAY
        if begins is None or begins > day:
            return ZERO
        return quotient_down(self._days.get(day, ZERO), ONE)

    def since(self, start: Time) -> tuple[tuple[Time, Decimal], ...]:
        """Return what is known since `start`, for comparison."""
        first = bisect_left(self._open_times, start)
        return tuple(zip(self._open_times[first:], self._quotes[first:], strict=True))


class TapeTurnover:
    """The turnover of one symbol from all its finest candles."""

    def __init__(self, candles: Candles) -> None:
        """Take the tape's candles of the symbol."""
        self._span = duration(candles.timeframe)
        self._candles = candles
        self._open_times = candles.open_time.data
        self._rows = OpenTimes(candles.open_time, self._span)
        self.begins = self._open_times[0] if len(candles) else None
        self._scale = 10**candles.volume_digits  # a close times a volume, in units of 1e-8
        self._days: dict[Time, Decimal] = {}
        self._today = -1  # 00:00 UTC of the day that was asked of last: of it are known ...
        self._oldest = 0  # ... the first row that a mean may take
        self._yesterday = ZERO  # ... and the turnover of the day before
        sums, self._factor, self._room = _running_sums(candles)
        self._sums = None if sums is None else sums.data

    def mean(self, at: Time) -> Decimal:
        """See `Turnover`."""
        return self.by(at)[0]

    def day(self, at: Time, begins: Time | None) -> Decimal:
        """See `Turnover`."""
        day = start_of_day(at) - DAY
        if begins is None or begins > day:
            return ZERO
        known = self._days.get(day)
        if known is None:
            total = self._sum(bisect_left(self._open_times, day), bisect_left(self._open_times, day + DAY))
            known = self._days[day] = self._quotient(total, 1)
        return known

    def by(self, at: Time) -> tuple[Decimal, Decimal]:
        """Return both, of a history that begins with the tape."""
        today = at - at % DAY
        if today != self._today:
            self._today = today
            self._oldest = bisect_left(self._open_times, today - DAY)
            self._yesterday = self.day(at, self.begins)
        last = self._rows.last_by(at - self._span) + 1
        first = last - MEAN_OF
        first = max(first, self._oldest)
        if first >= last:
            return ZERO, self._yesterday
        return self._quotient(self._sum(first, last), last - first), self._yesterday

    def _sum(self, first: int, last: int) -> int:
        if self._sums is not None and last - first <= self._room:
            difference: int = self._sums[last] - self._sums[first]
            return (difference & _WRAP) * self._factor
        closes = self._candles.close[first:last].tolist()
        volumes = self._candles.volume[first:last].tolist()
        return sum(map(mul, closes, volumes))

    def _quotient(self, total: int, count: int) -> Decimal:
        whole: int = total // (count * self._scale)
        return _UNIT * whole


def _running_sums(candles: Candles) -> tuple[Ints | None, int, int]:
    """Return the sums of close x volume before each row, wrapped to 64 bits, and their unit in units of both columns.

    The sum over some rows is the difference of two: over how many it surely fits is returned third. None where that is
    less than MEAN_OF.
    """
    if not len(candles):
        return None, 1, 0
    close, close_unit = _without_idle_zeros(candles.close)
    volume, volume_unit = _without_idle_zeros(candles.volume)
    most = int(close.max()) * int(volume.max())
    room = MAX_UNITS // max(most, 1)
    if room < MEAN_OF:
        return None, 1, 0
    sums = np.zeros(len(candles) + 1, dtype=np.int64)
    np.cumsum(close * volume, out=sums[1:])
    return sums, close_unit * volume_unit, room


def _without_idle_zeros(units: Ints) -> tuple[Ints, int]:
    for digits in range(UNITS_DIGITS, 0, -1):
        unit = 10**digits
        if not (units[:100] % unit).any() and not (units % unit).any():
            return units // unit, unit
    return units, 1
