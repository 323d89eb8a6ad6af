"""Shadow outcomes of strategies that manage their positions: the same path, candle by candle (trading-rules 4.2)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import inf, isinf, isnan
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Candles, Columns, columns_of
from roottrading.domain.money import ONE, significant
from roottrading.domain.position import Adjustment, Manager, Position
from roottrading.domain.time import Time, duration
from roottrading.services.signal_aggregator.shadow_outcomes import (
    HORIZON,
    NEVER,
    BuyOpinions,
    Costs,
    Outcomes,
    micro_r,
    net_r,
)

_STEP: Final = 0.25  # x ATR at entry: smaller changes of stop and target are ignored


class _Held(Struct):
    """A shadow position on its way; `resting` while its target rests at the exchange, `leaving` once it must go."""

    at: Time
    entry: float
    stop: float
    target: float
    leave_at: Time
    step: float
    highest: float = 0.0
    resting: bool = True
    leaving: bool = False


def managed_outcomes(
    candles: Candles,
    opinions: BuyOpinions,
    costs: Costs,
    manager: Manager,
    row_at: Callable[[Time], Mapping[str, Decimal]],
) -> Outcomes:
    """Return the outcomes of the opinions whose entry was possible, in their order, as `shadow_outcomes` does.

    `row_at` gives the strategy's own columns at a T. Once `manage` has moved a stop or target, the target no longer
    rests at the exchange: it is met at a close, and left at the next open (trading-rules 1.9).
    """

    def manage(position: Position, at: Time) -> Adjustment:
        return manager.manage(position, row_at(at))

    market = columns_of(candles)
    span = duration(candles.timeframe)
    known: list[int] = []
    prices: list[tuple[float, float, float]] = []
    for index in range(len(opinions)):
        row = int(np.searchsorted(market.open_time, opinions.at[index]))
        held = _entered(market, opinions, index, row, span, costs)
        if held is None:
            continue
        stop = held.stop
        left = _walk(held, market, row, span, costs, candles.symbol, manage)
        known.append(held.at + HORIZON * span)
        prices.append((left, held.entry, stop))
    left_at, entry, first_stop = np.array(prices, dtype=np.float64).reshape(-1, 3).T
    return Outcomes(np.array(known, dtype=np.int64), micro_r(net_r(left_at, entry, first_stop, costs)))


def _entered(market: Columns, opinions: BuyOpinions, index: int, row: int, span: int, costs: Costs) -> _Held | None:
    """Return the position after the entry at the open of `row`, or None where there was none to be had."""
    at = int(opinions.at[index])
    if row >= len(market) or market.open_time[row] != at or market.volume[row] <= 0:
        return None
    opened = float(market.open[row])
    close, distance = float(opinions.close[index]), float(opinions.target_distance[index])
    entry = opened * (1.0 + costs.slippage)
    stop = close - float(opinions.stop_distance[index])
    target = inf if isnan(distance) else close + distance
    if not (0 < stop < min(opened, close) and entry < target):
        return None
    limit = int(opinions.time_limit[index])
    leave_at = min(int(opinions.sell_at[index]), at + limit * span if limit > 0 else NEVER)
    atr = float(opinions.atr[index])
    return _Held(at, entry, stop, target, leave_at, 0.0 if isnan(atr) else _STEP * atr)


def _walk(
    held: _Held,
    market: Columns,
    row: int,
    span: int,
    costs: Costs,
    symbol: str,
    manage: Callable[[Position, Time], Adjustment],
) -> float:
    """Return the price at which the position was left."""
    last_close = held.entry
    end = held.at + HORIZON * span
    for current in range(row, len(market)):
        open_time = int(market.open_time[current])
        if open_time >= end:
            break
        opened, close = float(market.open[current]), float(market.close[current])
        held.leaving = held.leaving or open_time >= held.leave_at
        if market.volume[current] > 0:
            last_close = close
            if held.leaving:
                return opened * (1.0 - costs.slippage)
            if market.low[current] <= held.stop:
                return min(held.stop, opened) * (1.0 - costs.slippage)
            if held.resting and current > row and market.high[current] > held.target:
                return held.target
        held.highest = max(held.highest, close)
        if not held.leaving:
            _adjust(held, manage(_position(held, symbol), open_time + span), close)
    return last_close * (1.0 - costs.slippage)


def _position(held: _Held, symbol: str) -> Position:
    target = None if isinf(held.target) else significant(held.target)
    return Position(
        symbol,
        ONE,
        significant(held.entry),
        significant(held.stop),
        target,
        held.at,
        significant(held.highest),
    )


def _adjust(held: _Held, wanted: Adjustment, close: float) -> None:
    """Do what `manage` wants, in the order exit, stop, target; looser stops and small changes are ignored."""
    if wanted.exit is not None:
        held.leaving = True
        return
    if wanted.stop is not None and float(wanted.stop) > held.stop and float(wanted.stop) - held.stop >= held.step:
        held.stop, held.resting = float(wanted.stop), False
        held.leaving = held.stop >= close  # it would trigger immediately
    if wanted.target is not None and abs(float(wanted.target) - held.target) >= held.step:
        held.target, held.resting = float(wanted.target), False
    if not held.resting and close >= held.target:
        held.leaving = True
