"""The candles of one stream as they come: float columns that grow at one end and are cut at the other."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from roottrading.domain.candle import Candle
from roottrading.domain.columns import (
    MAX_UNITS,
    UNITS_DIGITS,
    Candles,
    Columns,
    Floats,
    Ints,
    columns_of,
    to_float,
    to_floats,
    volume_float,
    volume_floats,
)
from roottrading.domain.time import Time, iso

_FIELDS: Final = 5  # open, high, low, close, volume


def floats_of(candle: Candle) -> list[float]:
    """Return open, high, low, close and volume as the very floats that exact columns of the candle give.

    Without arrays: making six of them for one candle takes as long as a strategy does.
    """
    exact = [price.scaleb(UNITS_DIGITS) for price in (candle.open, candle.high, candle.low, candle.close)]
    units = [int(price) for price in exact]
    if units != exact:
        raise ValueError(
            f"{candle.symbol} {candle.timeframe} candle of {iso(candle.open_time)}: a price has more than "
            f"{UNITS_DIGITS} digits after the point; no exchange has such prices: look at where it came from"
        )
    exponent = candle.volume.as_tuple().exponent
    digits = max(0, -exponent) if isinstance(exponent, int) else 0
    return [*map(to_float, units), volume_float(int(candle.volume.scaleb(digits)), digits)]


def floats_of_many(candles: Sequence[Candle]) -> Floats:
    """Return the same floats of many candles, a row a field."""
    prices = [
        [price.scaleb(UNITS_DIGITS) for price in column]
        for column in zip(*[(each.open, each.high, each.low, each.close) for each in candles], strict=True)
    ]
    units = [list(map(int, column)) for column in prices]
    exponents = [candle.volume.as_tuple().exponent for candle in candles]
    digits = max(0, *(-exponent for exponent in exponents if isinstance(exponent, int)))
    volumes = [int(candle.volume.scaleb(digits)) for candle in candles]
    if units != prices or max(volumes) > MAX_UNITS:
        return np.array([floats_of(candle) for candle in candles]).T  # which one it is, is told there
    return np.stack((*(to_floats(np.array(column)) for column in units), volume_floats(np.array(volumes), digits)))


class CandleBuffer:
    """Closed candles of one stream, oldest first, each later than the one before."""

    def __init__(self, room: int) -> None:
        """Start empty, with room for so many candles; it grows where more are needed."""
        self._room = room
        self._open_time: Ints = np.empty(room, dtype=np.int64)
        self._floats: Floats = np.empty((_FIELDS, room))
        self._stop = 0
        self._columns: Columns | None = None  # made once, when asked for

    @property
    def newest(self) -> Time | None:
        """The open time of the last candle."""
        return int(self._open_time[self._stop - 1]) if self._stop else None

    def append(self, candle: Candle, oldest_needed: Callable[[], Time]) -> None:
        """Add the next candle; where room is short, those that opened before `oldest_needed()` go first."""
        self._columns = None
        if self._stop == len(self._open_time):
            self._make_room(1, oldest_needed)
        self._open_time[self._stop] = candle.open_time
        self._floats[:, self._stop] = floats_of(candle)
        self._stop += 1

    def append_all(self, candles: Sequence[Candle]) -> None:
        """Add many candles, each later than the one before."""
        self._add(np.array([candle.open_time for candle in candles], dtype=np.int64), floats_of_many(candles))

    def extend(self, candles: Candles) -> None:
        """Add many candles, those that are later than the newest."""
        newest = self.newest
        if newest is not None:
            candles = candles.slice(int(candles.open_time.searchsorted(newest, side="right")), len(candles))
        columns = columns_of(candles)
        self._add(columns.open_time, np.stack((columns.open, columns.high, columns.low, columns.close, columns.volume)))

    def _add(self, open_time: Ints, floats: Floats) -> None:
        self._columns = None
        if self._stop + len(open_time) > len(self._open_time):
            self._make_room(len(open_time), lambda: 0, spare=0)  # what is idle goes with the next candle
        stop = self._stop + len(open_time)
        self._open_time[self._stop : stop] = open_time
        self._floats[:, self._stop : stop] = floats
        self._stop = stop

    def _make_room(self, count: int, oldest_needed: Callable[[], Time], spare: int = 1) -> None:
        first = int(self._open_time[: self._stop].searchsorted(oldest_needed()))
        kept = self._stop - first
        capacity = max(self._room, (1 + spare) * (kept + count))
        open_time: Ints = np.empty(capacity, dtype=np.int64)
        floats: Floats = np.empty((_FIELDS, capacity))
        open_time[:kept] = self._open_time[first : self._stop]
        floats[:, :kept] = self._floats[:, first : self._stop]
        self._open_time, self._floats, self._stop = open_time, floats, kept

    def columns(self) -> Columns:
        """Return the candles as views that cannot be written to."""
        if self._columns is not None:
            return self._columns
        open_time, floats = self._open_time[: self._stop], self._floats[:, : self._stop]
        open_time.flags.writeable = False
        floats.flags.writeable = False
        self._columns = Columns(open_time, *floats)
        return self._columns
