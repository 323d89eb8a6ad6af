"""Figures of a set of trade cycles: how often they won, what they earned, and what their curve did."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS, Candles, Floats, Ints
from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import SECOND, Time
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.reports import ratios
from roottrading.reports.equity import closes_at, midnights
from roottrading.reports.flows import Flows
from roottrading.reports.result import RunResult


class CycleNote(Struct, frozen=True):
    """A cycle worth naming."""

    id: str
    symbol: str
    strategy: str
    pnl: Decimal
    exit_reason: str
    created_at: Time


class Statistics(Struct, frozen=True, kw_only=True):
    """Figures of some closed cycles and of the curve that they drew.

    Amounts are in quote. `win_rate`, `total_return`, `max_drawdown` and `exposure` (the part of equity that was in
    positions, on average over time) are fractions; `turnover` is what was bought and sold over the capital;
    `average_duration` is in seconds. None stands where a figure would have no meaning.
    """

    cycles: int
    winners: int
    losers: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: Decimal | None
    expectancy_r: float | None
    net_profit: Decimal
    fees: Decimal
    best_cycle: CycleNote | None
    worst_cycle: CycleNote | None
    average_duration: float | None
    turnover: float
    total_return: float
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_from: Time | None
    max_drawdown_to: Time | None
    exposure: float


class Curve(Struct, frozen=True):
    """Equity and what of it was in positions at rising instants, in quote."""

    times: Ints
    equity: Floats
    exposure: Floats


def is_counted(cycle: TradeCycle) -> bool:
    """Say whether a cycle is in the statistics: closed, or manual and over (trading-rules 6.4)."""
    return cycle.pnl is not None and cycle.status in ("closed", "manual")


def statistics_of(
    result: RunResult,
    cycles: Iterable[TradeCycle],
    flows: Flows,
    curve: Curve,
    added: Sequence[tuple[Time, float]] = (),
) -> Statistics:
    """Return the figures of these cycles, their fills and the curve they drew; `added` came from outside, in quote."""
    counted = [cycle for cycle in cycles if is_counted(cycle)]
    exact = [cycle.pnl or ZERO for cycle in counted]
    pnls = np.array(exact, dtype=np.float64)
    won, lost = pnls > 0, pnls < 0
    risks = np.array([cycle.risk or ZERO for cycle in counted], dtype=np.float64)
    multiples = pnls[risks > 0] / risks[risks > 0]
    profit = sum(exact, ZERO)
    returns = ratios.daily_returns(curve.times, curve.equity, added)
    fall = ratios.drawdown_of(curve.times, curve.equity)
    capital = float(result.capital)
    final = float(curve.equity[-1]) - sum(amount for _, amount in added) if len(curve.equity) else capital
    return Statistics(
        cycles=len(counted),
        winners=int(won.sum()),
        losers=int(lost.sum()),
        win_rate=int(won.sum()) / len(counted) if counted else None,
        profit_factor=math.fsum(pnls[won]) / -math.fsum(pnls[lost]) if lost.any() else None,
        expectancy=quotient(profit, Decimal(len(counted))) if counted else None,
        expectancy_r=math.fsum(multiples) / len(multiples) if len(multiples) else None,
        net_profit=profit,
        fees=sum((fill.fee_in_quote for fill in flows.fills), ZERO),
        best_cycle=_note(counted[int(pnls.argmax())]) if counted else None,
        worst_cycle=_note(counted[int(pnls.argmin())]) if counted else None,
        average_duration=_average_duration(counted),
        turnover=float(flows.notional.sum()) / capital if capital else 0.0,
        total_return=final / capital - 1 if capital else 0.0,
        sharpe=ratios.sharpe(returns),
        sortino=ratios.sortino(returns),
        calmar=ratios.calmar(returns, fall.depth),
        max_drawdown=fall.depth,
        max_drawdown_from=fall.since,
        max_drawdown_to=fall.until,
        exposure=_average_exposure(curve, result.ended_at),
    )


def curve_of(result: RunResult, flows: Flows) -> Curve:
    """Return what the capital and these fills alone would have been worth, at their instants, midnights and the end.

    Dust that cycles of others take over stays with those that left it.
    """
    days = np.array(midnights(result.started_at, result.ended_at), dtype=np.int64)
    times = np.unique(np.concatenate([flows.times, days, [result.ended_at]]))
    equity = float(result.capital) + _summed(flows.cash_change)[np.searchsorted(flows.times, times, side="right")]
    exposure = np.zeros(len(times))
    for index in np.unique(flows.symbols).tolist():
        own = flows.symbols == index
        base = _summed(flows.base_change[own])[np.searchsorted(flows.times[own], times, side="right")]
        exposure += base * closes_in(result.candles.get(flows.names[index]), times)
    return Curve(times, equity + exposure, exposure)


def closes_in(candles: Candles | None, times: Ints) -> Floats:
    """Return the last close at or before each instant as floats; 0 before the first candle."""
    return np.array(closes_at(candles, times), dtype=np.float64) / UNITS


def _summed(changes: Floats) -> Floats:
    # No sum has more than 16 digits after the point that matter; at ten, a flat position is exactly 0.
    return np.concatenate([np.zeros(1), np.round(np.cumsum(changes), 10)])


def _average_exposure(curve: Curve, until: Time) -> float:
    if not len(curve.times):
        return 0.0
    spans = np.diff(np.append(curve.times, max(until, int(curve.times[-1])))).astype(np.float64)
    whole = float(spans.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(curve.equity > 0, curve.exposure / curve.equity, 0.0)
    return float((share * spans).sum() / whole) if whole else 0.0


def _average_duration(cycles: Sequence[TradeCycle]) -> float | None:
    if not cycles:
        return None
    return sum(cycle.updated_at - cycle.created_at for cycle in cycles) / len(cycles) / SECOND


def _note(cycle: TradeCycle) -> CycleNote:
    return CycleNote(cycle.id, cycle.symbol, cycle.strategy, cycle.pnl or ZERO, cycle.exit_reason, cycle.created_at)
