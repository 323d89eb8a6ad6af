"""A symbol's market made ready for shadow outcomes: its finest candles, and extremes of ever longer stretches."""

from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import Candles, Columns, Floats, Ints, columns_of
from roottrading.domain.open_times import OpenTimes
from roottrading.domain.time import duration

Booleans = npt.NDArray[np.bool_]

STRETCHES: Final = (64, 32, 16, 8, 4, 2, 1)  # candles passed over at once: any number up to 127 is a sum of some


class ShadowMarket(Struct, frozen=True):
    """One symbol and timeframe made ready for outcomes, once for all strategies; only candles that had volume count.

    `open_time` to `high` are the finest candles, which `rows` finds by their time; `begins` are the rows at which those
    of a candle of the timeframe begin, and one after the last, and `begun` is how many begin before each row. `lows`
    and `highs` are the extremes of so many of those candles from each one on as `STRETCHES` name. `later_highs` leave
    a candle's first finest one out: a target there does not stand in the candle of its entry.
    """

    span: int
    open_time: Ints
    rows: OpenTimes
    open: Floats
    close: Floats
    low: Floats
    high: Floats
    begins: Ints
    begun: Ints
    lows: tuple[Floats, ...]
    highs: tuple[Floats, ...]
    later_highs: Floats


def shadow_market(finest: Candles, timeframe: str, columns: Columns | None = None) -> ShadowMarket:
    """Return the market of these candles for strategies of a timeframe, the same or a slower one.

    `columns` are their floats, where they are there already.
    """
    columns, span = columns_of(finest) if columns is None else columns, duration(timeframe)
    traded = finest.volume > 0
    if not traded.all():
        columns = _only(columns, traded)
    times, low, high = columns.open_time, columns.low, columns.high
    candle = times // span
    begins = np.flatnonzero(np.append(True, candle[1:] != candle[:-1])) if len(times) else np.zeros(0, dtype=np.int64)
    if len(begins) == len(times):  # the finest candles themselves
        lows, highs, later_highs = low, high, np.full(len(times), -np.inf)
    else:
        later = high.copy()
        later[begins] = -np.inf
        lows, highs = np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)
        later_highs = np.maximum.reduceat(later, begins)
    ends = np.append(begins, len(times))
    return ShadowMarket(
        span,
        times,
        OpenTimes(times, duration(finest.timeframe)),
        columns.open,
        columns.close,
        low,
        high,
        ends,
        np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1)),
        _extremes(np.minimum, lows, np.inf),
        _extremes(np.maximum, highs, -np.inf),
        later_highs,
    )


def _only(columns: Columns, rows: Booleans) -> Columns:
    return Columns(
        columns.open_time[rows],
        columns.open[rows],
        columns.high[rows],
        columns.low[rows],
        columns.close[rows],
        columns.volume[rows],
    )


def _extremes(extreme: np.ufunc, values: Floats, beyond: float) -> tuple[Floats, ...]:
    """Return the extremes of so many values from each one on as `STRETCHES` name, `beyond` after the last value."""
    stretches = [values]
    for length in STRETCHES[:0:-1]:
        shorter = stretches[-1]
        stretch = np.full(len(values), beyond)
        stretch[: max(0, len(values) - length)] = shorter[length:]
        stretches.append(extreme(shorter, stretch))
    return tuple(reversed(stretches))
