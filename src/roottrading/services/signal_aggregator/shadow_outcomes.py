"""Shadow outcomes: what every BUY opinion would have earned, traded or not, in net R (trading-rules 3.7).

Entry is at the open after T, as a taker. Within a candle the path is open, low, high, close: the stop comes before the
target, and the entry candle cannot meet the target (trading-rules 5.2); a target is filled where it is traded through
(5.3). A position is left at market at the open after the opinion turned SELL or its time limit ended, and at the close
of the horizon. A candle without volume fills and triggers nothing (5.4). R is what lies between entry and stop.

The path is that of the finest candles, whatever the strategy's timeframe (5.1): which of the strategy's candles meets a
leg first is searched among those, by the extremes of ever shorter stretches, and only inside that one the finest are
looked at.
Prices are floats here, not rounded to ticks: a weight is no money. Each outcome is rounded to 6 decimals; what follows
is integers.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from numpy.lib.stride_tricks import sliding_window_view

from roottrading.domain.columns import Candles, Columns, Floats, Ints, columns_of
from roottrading.domain.open_times import OpenTimes
from roottrading.domain.time import Time, duration

Booleans = npt.NDArray[np.bool_]

HORIZON: Final = 100  # candles of the strategy's timeframe
NEVER: Final[Time] = 2**62
DEFAULT_STOP: Final = 2.0  # x ATR(14), where the strategy names no stop distance (trading-rules 2.1)
BOUND: Final = 10.0  # R: an outcome counts for no more, so that one gap does not make a record
_MICRO: Final = 1e6
_STRETCHES: Final = (64, 32, 16, 8, 4, 2, 1)  # candles passed over at once: any number up to 127 is a sum of some
_BLOCK: Final = 16_384  # opinions searched at once
_CELLS: Final = 1 << 20  # finest candles looked at at once


class BuyOpinions(Struct, frozen=True):
    """The BUY opinions of one strategy and symbol as columns, in the order of time.

    `at` is the T at which the opinion began, `close` the price then, distances are in quote price units (NaN: none),
    `time_limit` counts candles (0: none), `sell_at` is the T at which the opinion turned SELL (NEVER: it did not),
    `atr` is ATR(14) then.
    """

    at: Ints
    close: Floats
    stop_distance: Floats
    target_distance: Floats
    time_limit: Ints
    sell_at: Ints
    atr: Floats

    def __len__(self) -> int:
        return len(self.at)


class Costs(Struct, frozen=True):
    """What trading takes, as fractions: the taker's fee on each side, and slippage on what is taken at market."""

    fee: float
    slippage: float


class Outcomes(Struct, frozen=True):
    """Net R in units of 1e-6, and when each was known: at the end of its opinion's horizon, however early it ended."""

    known_at: Ints
    net: Ints


class ShadowMarket(Struct, frozen=True):
    """One symbol and timeframe made ready for outcomes, once for all strategies; only candles that had volume count.

    `open_time` to `high` are the finest candles, which `rows` finds by their time; `begins` are the rows at which those
    of a candle of the timeframe begin, and one after the last, and `begun` is how many begin before each row. `lows`
    and `highs` are the extremes of so many of those candles from each one on as `_STRETCHES` name. `later_highs` leave
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


def buy_opinions(
    at: Ints,
    directions: Ints,
    close: Floats,
    stop_distance: Floats,
    target_distance: Floats,
    time_limit: Ints,
    atr: Floats,
) -> BuyOpinions:
    """Return the BUY opinions that begin in these rows: every candle's, or only those where the direction changed.

    `directions` are the signs of the convictions. An opinion that names no stop distance gets 2 x ATR(14).
    """
    before = np.concatenate(([0], directions[:-1]))
    begins = np.flatnonzero((directions > 0) & (before <= 0))
    sells = np.flatnonzero(directions < 0)
    following = np.searchsorted(sells, begins)
    sell_times = np.append(at[sells], NEVER)
    stops = stop_distance[begins]
    return BuyOpinions(
        at[begins],
        close[begins],
        np.where(np.isnan(stops), DEFAULT_STOP * atr[begins], stops),
        target_distance[begins],
        time_limit[begins],
        sell_times[following],
        atr[begins],
    )


def net_r(exit_price: Floats, entry: Floats, stop: Floats, costs: Costs) -> Floats:
    """Return what a position earned after fees, in multiples of what it risked; within -10 and 10, 6 decimals."""
    result = (exit_price * (1.0 - costs.fee) - entry * (1.0 + costs.fee)) / (entry - stop)
    bounded: Floats = np.clip(result, -BOUND, BOUND)
    return bounded


def micro_r(net: Floats) -> Ints:
    """Round outcomes to 6 decimals, as integers of 1e-6."""
    rounded: Ints = np.rint(net * _MICRO).astype(np.int64)
    return rounded


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
    """Return the extremes of so many values from each one on as `_STRETCHES` name, `beyond` after the last value."""
    stretches = [values]
    for length in _STRETCHES[:0:-1]:
        shorter = stretches[-1]
        stretch = np.full(len(values), beyond)
        stretch[: max(0, len(values) - length)] = shorter[length:]
        stretches.append(extreme(shorter, stretch))
    return tuple(reversed(stretches))


def _windows(values: Floats, beyond: float, width: int) -> Floats:
    """Return each value with those after it, `beyond` after the last."""
    found: Floats = sliding_window_view(np.append(values, np.full(width, beyond)), width)
    return found


def shadow_outcomes(market: ShadowMarket, opinions: BuyOpinions, costs: Costs) -> Outcomes:
    """Return the outcomes of the opinions whose entry was possible, in their order.

    The market reaches to the end of each horizon that is asked about. There is no entry without a stop, without a
    traded candle that opens at T, or where its open lies beyond a leg (the exchange would refuse the leg:
    trading-rules 2.1).
    """
    times, span = market.open_time, market.span
    if not len(times):
        return Outcomes(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    stops = opinions.close - opinions.stop_distance
    distances = opinions.target_distance
    targets = np.where(np.isnan(distances), np.inf, opinions.close + np.nan_to_num(distances))
    rows = np.minimum(market.rows.rows_from(opinions.at), len(times) - 1)
    opens = market.open[rows]
    possible = (times[rows] == opinions.at) & (opinions.stop_distance > 0) & (stops > 0) & (opens > stops)
    chosen = np.flatnonzero(possible & (opens * (1.0 + costs.slippage) < targets))
    at, row, stop, target = opinions.at[chosen], rows[chosen], stops[chosen], targets[chosen]
    entry = opens[chosen] * (1.0 + costs.slippage)
    limit = opinions.time_limit[chosen]
    leave_at = np.minimum(opinions.sell_at[chosen], np.where(limit > 0, at + limit * span, NEVER))
    known_at = at + HORIZON * span
    horizon_end = market.rows.rows_from(known_at)  # the row after the last one on the path
    leave_row = market.rows.rows_from(leave_at)
    forced = np.where(
        leave_row < horizon_end, market.open[np.minimum(leave_row, len(times) - 1)], market.close[horizon_end - 1]
    )
    hit, stopped = _first_hits(market, row, np.minimum(leave_row, horizon_end), stop, target)
    at_stop = np.minimum(stop, market.open[np.maximum(hit, 0)])
    at_market = np.where(hit >= 0, at_stop, forced) * (1.0 - costs.slippage)
    price = np.where((hit >= 0) & ~stopped, target, at_market)
    return Outcomes(known_at, micro_r(net_r(price, entry, stop, costs)))


def _first_hits(market: ShadowMarket, row: Ints, path_end: Ints, stop: Floats, target: Floats) -> tuple[Ints, Booleans]:
    """Return the row of the first finest candle on each path that met a leg (-1: none), and whether that was the stop.

    Paths begin and end with candles of the timeframe. For a target the row is that candle's first: nobody asks more.
    """
    hit = np.full(len(row), -1, dtype=np.int64)
    stopped = np.zeros(len(row), dtype=np.bool_)
    lows = market.lows[-1]
    for start in range(0, len(row), _BLOCK):
        some = slice(start, start + _BLOCK)
        entered, ended = market.begun[row[some]], market.begun[path_end[some]]  # in candles of the timeframe
        place = _first_met(market, entered, ended, stop[some], target[some])
        met = np.flatnonzero(place < ended)
        hit[start + met] = market.begins[place[met]]
        stopped[start + met] = lows[place[met]] <= stop[some][met]
    _look_inside(market, np.flatnonzero(stopped), hit, stopped, row, stop, target)
    return hit, stopped


def _first_met(market: ShadowMarket, entered: Ints, ended: Ints, stop: Floats, target: Floats) -> Ints:
    """Return the first candle of the timeframe on each path that met a leg; where none did, the path's end."""
    last = len(market.later_highs) - 1
    first = np.minimum(entered, last)
    at_once = (market.lows[-1][first] <= stop) | (market.later_highs[first] > target)
    place = entered + (~at_once & (entered < ended))  # any later candle may meet the target with all of its path
    ended = np.where(at_once, place, ended)
    for length, lows, highs in zip(_STRETCHES, market.lows, market.highs, strict=True):
        at = np.minimum(place, last)
        passes = (place + length <= ended) & (lows[at] > stop) & (highs[at] <= target)
        place += length * passes
    return place


def _look_inside(
    market: ShadowMarket, hits: Ints, hit: Ints, stopped: Booleans, row: Ints, stop: Floats, target: Floats
) -> None:
    """Find the finest candle that met the stop, unless an earlier one of the same candle had met the target."""
    begins = market.begins
    if len(begins) == len(market.open_time) + 1:  # these are the finest candles
        return
    width = int(np.diff(begins).max())
    lows, highs = _windows(market.low, np.inf, width), _windows(market.high, -np.inf, width)
    size = max(1, _CELLS // width)
    for start in range(0, len(hits), size):
        some = hits[start : start + size]
        first = hit[some]
        last = begins[np.searchsorted(begins, first) + 1]
        inside = np.arange(width) < (last - first)[:, None]
        at_stop = (lows[first] <= stop[some][:, None]) & inside
        at_target = (highs[first] > target[some][:, None]) & inside
        at_target[:, 0] &= first != row[some]
        place = (at_stop | at_target).argmax(axis=1)
        hit[some] = first + place
        stopped[some] = at_stop[np.arange(len(some)), place]
