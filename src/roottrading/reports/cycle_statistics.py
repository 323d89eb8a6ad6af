"""Figures of a set of trade cycles: how often they won, what they earned, and what their curve did."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS, Candles, Floats, Ints
from roottrading.domain.fill import Fill
from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import SECOND, Time
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.reports import ratios
from roottrading.reports.equity import base_and_cash, closes_at, midnights
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
    fills: Sequence[Fill],
    curve: Curve,
    flows: Sequence[tuple[Time, float]] = (),
) -> Statistics:
    """Return the figures of these cycles, their fills and the curve they drew; `flows` came from outside."""
    counted = [cycle for cycle in cycles if is_counted(cycle)]
    pnls = [_pnl(cycle) for cycle in counted]
    wins = [pnl for pnl in pnls if pnl > 0]
    losses = [-pnl for pnl in pnls if pnl < 0]
    profit, lost = sum(pnls, ZERO), sum(losses, ZERO)
    multiples = [float(_pnl(cycle)) / float(cycle.risk) for cycle in counted if cycle.risk]
    returns = ratios.daily_returns(curve.times, curve.equity, flows)
    fall = ratios.drawdown_of(curve.times, curve.equity)
    added = sum(amount for _, amount in flows)
    capital = float(result.capital)
    return Statistics(
        cycles=len(counted),
        winners=len(wins),
        losers=len(losses),
        win_rate=len(wins) / len(counted) if counted else None,
        profit_factor=float(sum(wins, ZERO)) / float(lost) if lost else None,
        expectancy=quotient(profit, Decimal(len(counted))) if counted else None,
        expectancy_r=sum(multiples) / len(multiples) if multiples else None,
        net_profit=profit,
        fees=sum((fill.fee_in_quote for fill in fills), ZERO),
        best_cycle=_note(max(counted, key=_pnl)) if counted else None,
        worst_cycle=_note(min(counted, key=_pnl)) if counted else None,
        average_duration=_average_duration(counted),
        turnover=float(sum((fill.notional for fill in fills), ZERO)) / capital if capital else 0.0,
        total_return=(float(curve.equity[-1]) - added) / capital - 1 if len(curve.equity) and capital else 0.0,
        sharpe=ratios.sharpe(returns),
        sortino=ratios.sortino(returns),
        calmar=ratios.calmar(returns, fall.depth),
        max_drawdown=fall.depth,
        max_drawdown_from=fall.since,
        max_drawdown_to=fall.until,
        exposure=_average_exposure(curve, result.ended_at),
    )


def curve_of(result: RunResult, fills: Sequence[Fill]) -> Curve:
    """Return what the capital and these fills alone would have been worth, at their instants, midnights and the end.

    Dust that cycles of others take over stays with those that left it.
    """
    instants = {fill.filled_at for fill in fills}.union(midnights(result.started_at, result.ended_at))
    times = np.array(sorted(instants | {result.ended_at}), dtype=np.int64)
    equity, exposure = np.full(len(times), float(result.capital)), np.zeros(len(times))
    by_symbol: dict[str, list[Fill]] = {}
    for fill in fills:
        by_symbol.setdefault(fill.symbol, []).append(fill)
    for symbol, some in sorted(by_symbol.items()):
        some.sort(key=lambda fill: fill.filled_at)
        moves = [base_and_cash(fill, result.instruments[symbol]) for fill in some]
        at = np.array([fill.filled_at for fill in some], dtype=np.int64)
        index = np.searchsorted(at, times, side="right")
        base = _summed([move[0] for move in moves])[index]
        value = base * closes_in(result.candles[symbol], times)
        exposure += value
        equity += _summed([move[1] for move in moves])[index] + value
    return Curve(times, equity, exposure)


def closes_in(candles: Candles, times: Ints) -> Floats:
    """Return the last close at or before each instant as floats; 0 before the first candle."""
    return np.array(closes_at(candles, times), dtype=np.float64) / UNITS


def _summed(amounts: Sequence[Decimal]) -> Floats:
    # Summed as decimals, so that a flat position is 0 and no remainder of rounding is worth anything.
    sums = [0.0]
    total = ZERO
    for amount in amounts:
        total += amount
        sums.append(float(total))
    return np.array(sums)


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


def _pnl(cycle: TradeCycle) -> Decimal:
    return cycle.pnl or ZERO


def _note(cycle: TradeCycle) -> CycleNote:
    return CycleNote(cycle.id, cycle.symbol, cycle.strategy, _pnl(cycle), cycle.exit_reason, cycle.created_at)
