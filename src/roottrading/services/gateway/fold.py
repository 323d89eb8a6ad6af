"""Folding: the candles of a longer timeframe out of those of a shorter one, as columns and candle by candle.

Both ways give the same candles, and those that Binance publishes: a candle without volume carries the price before it
as its open, so it counts only where a bucket holds nothing else; a missing candle is left out.
"""

from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.candle import Candle
from roottrading.domain.columns import MAX_UNITS, Candles, Ints, rescaled
from roottrading.domain.time import Time, duration

_ROOM: Final = MAX_UNITS * 0.999  # sums are estimated in floats first


def check_foldable(timeframe: str, longer: str) -> None:
    """Raise ValueError unless candles of `longer` are whole numbers of candles of `timeframe`."""
    if duration(longer) % duration(timeframe):
        raise ValueError(f"{longer} candles cannot be folded from {timeframe} candles: not a multiple")


def fold(candles: Candles, timeframe: str, until: Time | None = None) -> Candles:
    """Return the candles of `timeframe`; what has no candle at all has none there either.

    `until` is the instant up to which the market is known (default: the close of the last candle): a bucket that ends
    later is not closed yet and left out. Raises ValueError where `timeframe` is no multiple of the candles'.
    """
    check_foldable(candles.timeframe, timeframe)
    if timeframe == candles.timeframe or not len(candles):
        return replace(candles, timeframe=timeframe)
    span = duration(timeframe)
    known = int(candles.at[-1]) if until is None else until
    candles = candles.slice(0, int(np.searchsorted(candles.open_time, known - known % span)))
    if not len(candles):
        return replace(candles, timeframe=timeframe)
    buckets = candles.open_time // span
    volume, volume_digits = _summed(candles, _starts(buckets))
    kept = _counting(buckets, candles.volume > 0)
    buckets, opened, close = buckets[kept], candles.open[kept], candles.close[kept]
    starts = _starts(buckets)
    return Candles(
        candles.symbol,
        timeframe,
        buckets[starts] * span,
        opened[starts],
        np.maximum.reduceat(candles.high[kept], starts),
        np.minimum.reduceat(candles.low[kept], starts),
        close[np.append(starts[1:], len(close)) - 1],
        volume,
        volume_digits,
    )


def _starts(buckets: Ints) -> Ints:
    """Return the first row of every bucket."""
    return np.flatnonzero(np.concatenate(([True], buckets[1:] != buckets[:-1])))


def _counting(buckets: Ints, traded: npt.NDArray[np.bool_]) -> Ints:
    """Return the rows that make their bucket's prices: those with volume, or all where none has any."""
    if traded.all():
        return np.arange(len(buckets))
    starts = _starts(buckets)
    lengths = np.diff(np.append(starts, len(buckets)))
    silent = ~np.repeat(np.logical_or.reduceat(traded, starts), lengths)
    return np.flatnonzero(traded | silent)


def _summed(candles: Candles, starts: Ints) -> tuple[Ints, int]:
    """Return the volume per bucket and its digits: fewer where the sums would not fit 64 bits."""
    volume, digits = candles.volume, candles.volume_digits
    largest = float(np.add.reduceat(volume.astype(np.float64), starts).max())
    while largest > _ROOM:
        volume, digits, largest = rescaled(volume, digits, digits - 1), digits - 1, largest / 10
    return np.add.reduceat(volume, starts), digits


class Bucket(Struct):
    """A candle of a longer timeframe in the making; `traded` once one of its candles had volume."""

    open_time: Time
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    traded: bool

    def add(self, candle: Candle) -> None:
        """Fold one more candle in, in the order of time."""
        if not candle.volume:
            if not self.traded:
                self.high = max(self.high, candle.high)
                self.low = min(self.low, candle.low)
                self.close = candle.close
            return
        if not self.traded:
            self.open, self.high, self.low = candle.open, candle.high, candle.low
            self.traded = True
        else:
            self.high = max(self.high, candle.high)
            self.low = min(self.low, candle.low)
        self.close = candle.close
        self.volume += candle.volume

    def candle(self, symbol: str, timeframe: str) -> Candle:
        """Return what has been folded so far as a closed candle."""
        return Candle(symbol, timeframe, self.open_time, self.open, self.high, self.low, self.close, self.volume)


def bucket_of(candle: Candle, open_time: Time) -> Bucket:
    """Begin a bucket with its first candle."""
    traded = bool(candle.volume)
    return Bucket(open_time, candle.open, candle.high, candle.low, candle.close, candle.volume, traded)
