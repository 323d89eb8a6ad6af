"""The report in memory: header and figures, totals, per strategy, per symbol (trading-rules 6.1 and 6.3)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS_DIGITS
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.money import ZERO
from roottrading.domain.time import SECOND, Time
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.reports import ratios
from roottrading.reports.buy_and_hold import BuyAndHold, buy_and_hold
from roottrading.reports.cycle_statistics import Curve, Statistics, curve_of, is_counted, statistics_of
from roottrading.reports.equity import EquityRow, closes_at, equity_rows, row_times
from roottrading.reports.flows import Flows, contributions, flows_of
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
    flows = flows_of(result)
    times = row_times(result, flows)
    to_the_end = times if times and times[-1] >= result.ended_at else [*times, result.ended_at]
    whole = equity_rows(result, flows, to_the_end)
    curve = Curve(
        np.array(to_the_end, dtype=np.int64),
        np.array([float(row.equity) for row in whole]),
        np.array([float(row.exposure) for row in whole]),
    )
    added = [(time, float(amount)) for time, amount in contributions(result.adjustments)]
    metrics = statistics_of(result, cycles, flows, curve, added)
    unfinished = open_cycles(result, flows)
    return Report(
        header=_header(result, flows, curve, added, metrics),
        metrics=metrics,
        final_equity=whole[-1].equity,
        unrealized=sum((cycle.profit for cycle in unfinished), ZERO),
        buy_and_hold=buy_and_hold(result),
        per_strategy=_grouped(result, cycles, flows, metrics, lambda cycle: cycle.strategy or "by hand"),
        per_symbol=_grouped(result, cycles, flows, metrics, lambda cycle: cycle.symbol),
        open_cycles=unfinished,
        monthly_returns=monthly_returns(
            curve.times, curve.equity, float(result.capital), (result.started_at, result.ended_at), added
        ),
        equity=whole[: len(times)],
    )


def open_cycles(result: RunResult, flows: Flows) -> list[OpenCycle]:
    """Return the cycles that were not over at the end, valued at their last closes."""
    unfinished = {cycle.id: cycle for cycle in result.cycles if not is_counted(cycle) and cycle.status != "expired"}
    base = dict.fromkeys(unfinished, ZERO)
    cash = dict.fromkeys(unfinished, ZERO)
    for fill, more, paid in zip(flows.fills, flows.base, flows.cash, strict=True):
        if fill.cycle_id in unfinished:
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
    (close,) = closes_at(result.candles.get(symbol), np.array([result.ended_at], dtype=np.int64))
    return Decimal(close).scaleb(-UNITS_DIGITS)


def _grouped(
    result: RunResult,
    cycles: Sequence[TradeCycle],
    flows: Flows,
    total: Statistics,
    name_of: Callable[[TradeCycle], str],
) -> dict[str, Statistics]:
    """Return each group's figures as if it had had the whole capital to itself."""
    groups: dict[str, list[TradeCycle]] = {}
    group_of = {}
    for cycle in cycles:
        if cycle.status == "expired":
            continue
        name = group_of[cycle.id] = name_of(cycle)
        groups.setdefault(name, []).append(cycle)
    rows: dict[str, list[int]] = {name: [] for name in groups}
    for row, fill in enumerate(flows.fills):
        if fill.cycle_id in group_of:
            rows[group_of[fill.cycle_id]].append(row)
    figures = {}
    for name in sorted(groups):
        if len(rows[name]) == len(flows.fills) and not result.adjustments:
            figures[name] = total  # the only one: its curve is the run's
            continue
        own = flows.some(np.array(rows[name], dtype=np.int64))
        figures[name] = statistics_of(result, groups[name], own, curve_of(result, own))
    return figures


def _header(
    result: RunResult, flows: Flows, curve: Curve, added: Sequence[tuple[Time, float]], metrics: Statistics
) -> Header:
    unprotected = [span.until - span.since for span in result.spans if span.kind == "unprotected"]
    closing = [span.until - span.since for span in result.spans if span.kind == "closing"]
    returns = ratios.daily_returns(curve.times, curve.equity, added)
    refusals = Counter(refusal.reason for refusal in result.refusals)
    many = result.parameter_sets > MANY_SETS
    sharpes = (*result.tried_sharpes, *(() if metrics.sharpe is None else (metrics.sharpe,)))
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
        profit_gone_at_slippage=profit_gone_at(result, flows, metrics.net_profit),
        fee_schedule=result.fees,
        missing_candles={symbol: count for symbol, count in sorted(result.missing_candles.items()) if count},
        listings=dict(sorted(result.listings.items())),
        refusals=dict(sorted(refusals.items(), key=lambda reason: (-reason[1], reason[0]))),
        parameter_sets=result.parameter_sets,
        deflated_sharpe=ratios.deflated_sharpe(returns, result.parameter_sets, sharpes) if many else None,
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


def profit_gone_at(result: RunResult, flows: Flows, profit: Decimal) -> float | None:
    """Return the slippage (a fraction) at which these very takers would have earned nothing.

    None without a taker, and where no slippage at all would still have lost.
    """
    taken = float(flows.notional[[not fill.is_maker for fill in flows.fills]].sum()) if flows.fills else 0.0
    if not taken:
        return None
    gone = float(result.slippage) + float(profit) / taken
    return gone if gone >= 0 else None
