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
from roottrading.domain.time import Time
from roottrading.services.signal_aggregator.buy_opinions import NEVER, BuyOpinions
from roottrading.services.signal_aggregator.shadow_market import ShadowMarket
from roottrading.services.signal_aggregator.shadow_outcomes import HORIZON, Costs, Outcomes, micro_r, net_r

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
    market: ShadowMarket,
    opinions: BuyOpinions,
    costs: Costs,
    manager: Manager,
    row_at: Callable[[Time], Mapping[str, Decimal]],
) -> Outcomes:
    """Return the outcomes of the opinions whose entry was possible, in their order, as `shadow_outcomes` does.

    `candles` are those of the strategy's timeframe, at whose closes it is asked; `market` is made of the finest ones.
    `row_at` gives the strategy's own columns at a T. Once `manage` has moved a stop or target, the target no longer
    rests at the exchange: it is met at a close, and left at the next open (trading-rules 1.9).
    """

    def manage(position: Position, at: Time) -> Adjustment:
        return manager.manage(position, row_at(at))

    columns = columns_of(candles)
    known: list[int] = []
    prices: list[tuple[float, float, float]] = []
    for index in range(len(opinions)):
        held = _entered(market, opinions, index, costs)
        if held is None:
            continue
        stop = held.stop
        left = _walk(held, columns, market, costs, candles.symbol, manage)
        known.append(held.at + HORIZON * market.span)
        prices.append((left, held.entry, stop))
    left_at, entry, first_stop = np.array(prices, dtype=np.float64).reshape(-1, 3).T
    return Outcomes(np.array(known, dtype=np.int64), micro_r(net_r(left_at, entry, first_stop, costs)))


def _entered(market: ShadowMarket, opinions: BuyOpinions, index: int, costs: Costs) -> _Held | None:
    """Return the position after the entry at the open of T, or None where there was none to be had."""
    at = int(opinions.at[index])
    row = int(np.searchsorted(market.open_time, at))
    if row >= len(market.open_time) or market.open_time[row] != at:
        return None
    opened = float(market.open[row])
    close, distance = float(opinions.close[index]), float(opinions.target_distance[index])
    entry = opened * (1.0 + costs.slippage)
    stop = close - float(opinions.stop_distance[index])
    target = inf if isnan(distance) else close + distance
    if not (0 < stop < min(opened, close) and entry < target):
        return None
    limit = int(opinions.time_limit[index])
    leave_at = min(int(opinions.sell_at[index]), at + limit * market.span if limit > 0 else NEVER)
    atr = float(opinions.atr[index])
    return _Held(at, entry, stop, target, leave_at, 0.0 if isnan(atr) else _STEP * atr)


def _walk(
    held: _Held,
    columns: Columns,
    market: ShadowMarket,
    costs: Costs,
    symbol: str,
    manage: Callable[[Position, Time], Adjustment],
) -> float:
    """Return the price at which the position was left."""
    last_close, taken = held.entry, 1.0 - costs.slippage
    end = held.at + HORIZON * market.span
    for current in range(int(np.searchsorted(columns.open_time, held.at)), len(columns)):
        open_time = int(columns.open_time[current])
        if open_time >= end:
            break
        held.leaving = held.leaving or open_time >= held.leave_at
        first, last = np.searchsorted(market.open_time, (open_time, open_time + market.span)).tolist()
        if first < last:
            if held.leaving:
                return float(market.open[first]) * taken
            left = _left_inside(held, market, first, last, taken)
            if left is not None:
                return left
            last_close = float(market.close[last - 1])
        close = float(columns.close[current])
        held.highest = max(held.highest, close)
        if not held.leaving:
            _adjust(held, manage(_position(held, symbol), open_time + market.span), close)
    return last_close * taken


def _left_inside(held: _Held, market: ShadowMarket, first: int, last: int, taken: float) -> float | None:
    """Return the price at which a leg was met in the finest candles of these rows, None where none was."""
    for row in range(first, last):
        if market.low[row] <= held.stop:
            return min(held.stop, float(market.open[row])) * taken
        if held.resting and market.open_time[row] > held.at and market.high[row] > held.target:
            return held.target
    return None


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
