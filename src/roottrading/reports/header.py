"""The report's header: under what the figures came about (trading-rules 6.1)."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from roottrading.domain.money import ZERO
from roottrading.domain.time import SECOND, Time
from roottrading.reports import ratios
from roottrading.reports.cycle_statistics import Curve, Statistics
from roottrading.reports.equity import last_close
from roottrading.reports.flows import Flows, contributions
from roottrading.reports.report import DustLine, Header
from roottrading.reports.result import RunResult

MANY_SETS: Final = 10  # more parameter sets than these, and the best one's Sharpe ratio needs deflating


def header_of(
    result: RunResult, flows: Flows, curve: Curve, added: Sequence[tuple[Time, float]], metrics: Statistics
) -> Header:
    """Return the header; `metrics` are the run's, and `curve` with what was `added` to it is what they came from."""
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
