"""From what a run leaves to every figure of it."""

from collections.abc import Callable, Sequence

import numpy as np

from roottrading.domain.money import ZERO
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.reports.buy_and_hold import buy_and_hold
from roottrading.reports.cycle_statistics import Curve, Statistics, curve_of, is_counted, statistics_of
from roottrading.reports.equity import equity_rows, last_close, row_times
from roottrading.reports.flows import Flows, contributions, flows_of
from roottrading.reports.header import header_of
from roottrading.reports.monthly import monthly_returns
from roottrading.reports.report import OpenCycle, Report
from roottrading.reports.result import RunResult


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
        header=header_of(result, flows, curve, added, metrics),
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
