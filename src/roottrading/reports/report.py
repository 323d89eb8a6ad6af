"""The report in memory: header and figures, totals, per strategy, per symbol (trading-rules 6.1 and 6.3)."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS_DIGITS
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.fill import Fill
from roottrading.domain.money import ZERO
from roottrading.domain.time import SECOND, Time
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.reports import ratios
from roottrading.reports.buy_and_hold import BuyAndHold, buy_and_hold
from roottrading.reports.cycle_statistics import Curve, Statistics, curve_of, is_counted, statistics_of
from roottrading.reports.equity import EquityRow, base_and_cash, closes_at, contributions, equity_rows
from roottrading.reports.monthly import monthly_returns
from roottrading.reports.result import CheckLine, RunResult

MANY_SETS = 10  # more parameter sets than these, and the best one's Sharpe ratio needs deflating


class DustLine(Struct, frozen=True):
    """A remainder that the filters refuse to sell: base, its cost and its worth at the last close, in quote."""

    quantity: Decimal
    cost: Decimal
    worth: Decimal


class Header(Struct, frozen=True, kw_only=True):
    """Under what the figures came about. Spans are in seconds, rates fractions; None where there is nothing to say."""

    tape: str
    started_at: Time
    ended_at: Time
    symbols: Sequence[str]
    capital: Decimal
    added_capital: Decimal
    quote_asset: str
    fill_model: str
    slippage: Decimal
    profit_gone_at_slippage: float | None
    fee_schedule: FeeSchedule
    missing_candles: Mapping[str, int]
    listings: Mapping[str, str]
    refusals: Mapping[str, int]
    parameter_sets: int
    deflated_sharpe: float | None
    dust: Mapping[str, DustLine]
    longest_unprotected_seconds: float
    unprotected_spans: int
    longest_closing_seconds: float
    closing_spans: int
    checks: Sequence[CheckLine]
    notes: Sequence[str]
    settings: Mapping[str, object]


class OpenCycle(Struct, frozen=True):
    """A cycle that was open at the end: not in the win rate; `worth` and `profit` at the last close, fees in."""

    id: str
    symbol: str
    strategy: str
    status: str
    entry_price: Decimal | None
    quantity: Decimal
    worth: Decimal
    profit: Decimal
    created_at: Time


class Report(Struct, frozen=True, kw_only=True):
    """All figures of a run; `equity` are the rows of equity.csv, `final_equity` its worth at the span's end."""

    header: Header
    metrics: Statistics
    final_equity: Decimal
    unrealized: Decimal
    buy_and_hold: BuyAndHold
    per_strategy: Mapping[str, Statistics]
    per_symbol: Mapping[str, Statistics]
    open_cycles: Sequence[OpenCycle]
    monthly_returns: Mapping[str, float]
    equity: Sequence[EquityRow]


def build_report(result: RunResult) -> Report:
    """Compute every figure of a run from its records."""
    cycles = sorted(result.cycles, key=lambda cycle: (cycle.created_at, cycle.symbol, cycle.id))
    rows = equity_rows(result)
    (final,) = equity_rows(result, (result.ended_at,))
    curve = _curve(rows, final)
    flows = [(time, float(amount)) for time, amount in contributions(result.adjustments)]
    metrics = statistics_of(result, cycles, result.fills, curve, flows)
    unfinished = open_cycles(result)
    return Report(
        header=_header(result, curve, flows, metrics),
        metrics=metrics,
        final_equity=final.equity,
        unrealized=sum((cycle.profit for cycle in unfinished), ZERO),
        buy_and_hold=buy_and_hold(result, curve.times),
        per_strategy=_grouped(result, cycles, lambda cycle: cycle.strategy or "by hand"),
        per_symbol=_grouped(result, cycles, lambda cycle: cycle.symbol),
        open_cycles=unfinished,
        monthly_returns=monthly_returns(curve.times, curve.equity, float(result.capital), result.started_at, flows),
        equity=rows,
    )


def open_cycles(result: RunResult) -> list[OpenCycle]:
    """Return the cycles that were not over at the end, valued at their last closes."""
    unfinished = {cycle.id: cycle for cycle in result.cycles if not is_counted(cycle) and cycle.status != "expired"}
    base = dict.fromkeys(unfinished, ZERO)
    cash = dict.fromkeys(unfinished, ZERO)
    for fill in result.fills:
        if fill.cycle_id in unfinished:
            more, paid = base_and_cash(fill, result.instruments[fill.symbol])
            base[fill.cycle_id] += more
            cash[fill.cycle_id] += paid
    lines = []
    for cycle in sorted(unfinished.values(), key=lambda cycle: (cycle.created_at, cycle.symbol, cycle.id)):
        worth = base[cycle.id] * last_close(result, cycle.symbol)
        lines.append(
            OpenCycle(
                cycle.id,
                cycle.symbol,
                cycle.strategy,
                cycle.status,
                cycle.entry_price,
                base[cycle.id],
                worth,
                worth + cash[cycle.id],
                cycle.created_at,
            )
        )
    return lines


def last_close(result: RunResult, symbol: str) -> Decimal:
    """Return the symbol's last close in the span, in quote; 0 where it never had one."""
    (close,) = closes_at(result.candles[symbol], np.array([result.ended_at], dtype=np.int64))
    return Decimal(close).scaleb(-UNITS_DIGITS)


def _curve(rows: Sequence[EquityRow], final: EquityRow) -> Curve:
    whole = rows if rows and rows[-1].timestamp >= final.timestamp else [*rows, final]
    return Curve(
        np.array([row.timestamp for row in whole], dtype=np.int64),
        np.array([float(row.equity) for row in whole]),
        np.array([float(row.exposure) for row in whole]),
    )


def _grouped(
    result: RunResult, cycles: Sequence[TradeCycle], name_of: Callable[[TradeCycle], str]
) -> dict[str, Statistics]:
    groups: dict[str, list[TradeCycle]] = {}
    group_of = {}
    for cycle in cycles:
        if cycle.status == "expired":
            continue
        name = group_of[cycle.id] = name_of(cycle)
        groups.setdefault(name, []).append(cycle)
    fills: dict[str, list[Fill]] = {name: [] for name in groups}
    for fill in result.fills:
        if fill.cycle_id in group_of:
            fills[group_of[fill.cycle_id]].append(fill)
    return {
        name: statistics_of(result, groups[name], fills[name], curve_of(result, fills[name])) for name in sorted(groups)
    }


def _header(result: RunResult, curve: Curve, flows: Sequence[tuple[Time, float]], metrics: Statistics) -> Header:
    unprotected = [span.until - span.since for span in result.spans if span.kind == "unprotected"]
    closing = [span.until - span.since for span in result.spans if span.kind == "closing"]
    returns = ratios.daily_returns(curve.times, curve.equity, flows)
    many = result.parameter_sets > MANY_SETS
    return Header(
        tape=result.tape,
        started_at=result.started_at,
        ended_at=result.ended_at,
        symbols=sorted(result.candles),
        capital=result.capital,
        added_capital=sum((amount for _, amount in contributions(result.adjustments)), ZERO),
        quote_asset=result.quote_asset,
        fill_model=result.fill_model,
        slippage=result.slippage,
        profit_gone_at_slippage=profit_gone_at(result, metrics.net_profit),
        fee_schedule=result.fees,
        missing_candles={symbol: count for symbol, count in sorted(result.missing_candles.items()) if count},
        listings=dict(sorted(result.listings.items())),
        refusals=dict(sorted(result.refusals.items(), key=lambda reason: (-reason[1], reason[0]))),
        parameter_sets=result.parameter_sets,
        deflated_sharpe=ratios.deflated_sharpe(returns, result.parameter_sets, result.tried_sharpes) if many else None,
        dust={
            symbol: DustLine(dust.quantity, dust.cost, dust.quantity * last_close(result, symbol))
            for symbol, dust in sorted(result.dust.items())
            if dust.quantity
        },
        longest_unprotected_seconds=max(unprotected, default=0) / SECOND,
        unprotected_spans=len(unprotected),
        longest_closing_seconds=max(closing, default=0) / SECOND,
        closing_spans=len(closing),
        checks=sorted(result.checks, key=lambda check: (check.strategy, check.symbol)),
        notes=tuple(result.notes),
        settings=result.settings,
    )


def profit_gone_at(result: RunResult, profit: Decimal) -> float | None:
    """Return the slippage (a fraction) at which these very takers would have earned nothing.

    None without a taker, and where no slippage at all would still have lost.
    """
    taken = sum((fill.notional for fill in result.fills if not fill.is_maker), ZERO)
    if not taken:
        return None
    gone = float(result.slippage) + float(profit) / float(taken)
    return gone if gone >= 0 else None
