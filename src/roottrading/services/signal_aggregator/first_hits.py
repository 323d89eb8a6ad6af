"""Which leg a path meets first, and where: among a timeframe's candles by stretches, then inside that candle.

Within a candle the path is open, low, high, close: the stop comes before the target (trading-rules 5.2); a target is
filled where it is traded through (5.3).
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from roottrading.domain.columns import Floats, Ints
from roottrading.services.signal_aggregator.shadow_market import STRETCHES, Booleans, ShadowMarket

_BLOCK: Final = 16_384  # opinions searched at once
_CELLS: Final = 1 << 20  # finest candles looked at at once


def first_hits(market: ShadowMarket, row: Ints, path_end: Ints, stop: Floats, target: Floats) -> tuple[Ints, Booleans]:
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
    for length, lows, highs in zip(STRETCHES, market.lows, market.highs, strict=True):
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


def _windows(values: Floats, beyond: float, width: int) -> Floats:
    """Return each value with those after it, `beyond` after the last."""
    found: Floats = sliding_window_view(np.append(values, np.full(width, beyond)), width)
    return found
