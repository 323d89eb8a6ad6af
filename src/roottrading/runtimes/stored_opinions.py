"""What learning reads out of stored `signals` rows: where opinions changed, and what they planned (trading-rules 3.8).

It is what `opinion_records` reads out of a strategy's columns, from rows instead: both give the same weights.
"""

from collections.abc import Mapping, Sequence
from math import nan
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Ints
from roottrading.domain.time import Time
from roottrading.messages.signals import SignalType
from roottrading.runtimes.opinion_records import StopRule, at_the_door
from roottrading.services.analyzer.market_state import ATR
from roottrading.services.analyzer.opinion_columns import OpinionColumns
from roottrading.services.analyzer.state import SignalRow
from roottrading.services.signal_aggregator.buy_opinions import BuyOpinions, buy_opinions
from roottrading.services.signal_aggregator.correlation import Directions

_SIGNS: Final[Mapping[SignalType, int]] = {"BUY": 1, "NEUTRAL": 0, "SELL": -1}


class OpinionChange(Struct, frozen=True, gc=False):
    """As much of a `signals` row as learning reads; distances are in quote price units (NaN: none)."""

    at: Time
    direction: int  # 1, 0, -1
    close: float = nan
    stop_distance: float = nan
    target_distance: float = nan
    time_limit: int = 0  # candles, 0 for none


def change_of(row: SignalRow) -> OpinionChange:
    """Return what learning reads of a row; only of one that buys is there more than its direction."""
    if row.signal_type != "BUY":
        return OpinionChange(row.timestamp, _SIGNS[row.signal_type])
    said = row.metadata
    return OpinionChange(
        row.timestamp,
        1,
        float(row.price),
        float(said.get("stop_distance", nan)),
        float(said.get("target_distance", nan)),
        int(said.get("time_limit", "0")),
    )


def stored_directions(changes: Sequence[OpinionChange]) -> Directions:
    """Return the directions in which an opinion stood; `changes` are in the order of time."""
    return Directions(_whole([change.at for change in changes]), _whole([change.direction for change in changes]))


def stored_buys(changes: Sequence[OpinionChange], market: OpinionColumns, stops: StopRule) -> BuyOpinions:
    """Return the BUY opinions among the changes of one strategy and symbol, which are in the order of time.

    `market` are its stream's own measures, of which ATR(14) is read at the T of each.
    """
    at, directions = _whole([change.at for change in changes]), _whole([change.direction for change in changes])
    rows = np.minimum(market.at.searchsorted(at), max(0, len(market.at) - 1))
    there = (directions > 0) & (market.at[rows] == at) if len(market.at) else np.zeros(len(at), dtype=np.bool_)
    atr = at_the_door(market.own.get(ATR), rows, there)
    close = np.array([change.close for change in changes], dtype=np.float64)
    named = np.array([change.stop_distance for change in changes], dtype=np.float64)
    return buy_opinions(
        at,
        directions,
        close,
        stops.distances(named, close, atr),
        np.array([change.target_distance for change in changes], dtype=np.float64),
        _whole([change.time_limit for change in changes]),
        atr,
    )


def _whole(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)
