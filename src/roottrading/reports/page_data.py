"""The data of the page: curves and candles thinned to what a screen can show, and every cycle."""

from collections.abc import Mapping, Sequence

import numpy as np

from roottrading.domain.columns import UNITS, Candles, Floats, Ints
from roottrading.domain.fill import Fill
from roottrading.domain.time import MILLISECOND, Time, duration
from roottrading.reports.buy_and_hold import curve_of_holding
from roottrading.reports.equity import EquityRow
from roottrading.reports.result import RunResult

CURVE_POINTS = 3_000
CANDLES_IN_ALL = 40_000
CANDLES_A_SYMBOL = 2_500

Columns = dict[str, object]


def page_data(result: RunResult, rows: Sequence[EquityRow]) -> Columns:
    """Return what the page's script draws: times in milliseconds, prices and amounts as floats."""
    return {
        "quote": result.quote_asset,
        "span": [result.started_at // MILLISECOND, result.ended_at // MILLISECOND],
        "curve": _curve(result, rows),
        "candles": _candles(result),
        "cycles": _cycles(result),
    }


def thin(times: Ints, values: Floats, points: int) -> Ints:
    """Return the rows to keep so that a curve of so many points still shows every valley and peak, and its ends."""
    count = len(times)
    if count <= points:
        return np.arange(count, dtype=np.int64)
    bins = np.linspace(0, count, points // 2 + 1).astype(np.int64)
    kept = {0, count - 1}
    for first, last in zip(bins[:-1].tolist(), bins[1:].tolist(), strict=True):
        if last > first:
            kept.add(first + int(np.argmin(values[first:last])))
            kept.add(first + int(np.argmax(values[first:last])))
    return np.array(sorted(kept), dtype=np.int64)


def coarser(candles: Candles, most: int) -> tuple[int, Mapping[str, Floats | Ints]]:
    """Fold candles into at most `most` spans of equal length: the length in microseconds, and the columns."""
    step = duration(candles.timeframe)
    if len(candles):
        spans = int(candles.open_time[-1] - candles.open_time[0]) // step + 1
        step *= -(-spans // most)
    group = candles.open_time // step
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    ends = np.append(starts[1:], len(candles)) - 1
    return step, {
        "times": group[starts] * step,
        "open": candles.open[starts] / UNITS,
        "high": np.maximum.reduceat(candles.high, starts) / UNITS if len(starts) else np.empty(0),
        "low": np.minimum.reduceat(candles.low, starts) / UNITS if len(starts) else np.empty(0),
        "close": candles.close[ends[ends >= 0]] / UNITS,
    }


def _curve(result: RunResult, rows: Sequence[EquityRow]) -> Columns:
    times = np.array([row.timestamp for row in rows], dtype=np.int64)
    equity = np.array([float(row.equity) for row in rows])
    hold = curve_of_holding(result, times)
    kept = thin(times, equity, CURVE_POINTS)
    return {
        "times": (times[kept] // MILLISECOND).tolist(),
        "equity": _rounded(equity[kept]),
        "hold": _rounded(hold[kept]),
        "drawdown": [float(rows[row].drawdown) for row in kept.tolist()],
    }


def _candles(result: RunResult) -> dict[str, Columns]:
    traded = {cycle.symbol for cycle in result.cycles}
    symbols = sorted(traded) or sorted(result.candles)
    most = max(300, min(CANDLES_A_SYMBOL, CANDLES_IN_ALL // max(1, len(symbols))))
    found = {}
    for symbol in symbols:
        whole = result.candles[symbol]
        first, last = np.searchsorted(whole.open_time, [result.started_at, result.ended_at]).tolist()
        step, columns = coarser(whole.slice(first, last), most)
        found[symbol] = {
            "step": step // MILLISECOND,
            "times": (columns["times"] // MILLISECOND).tolist(),
            **{name: columns[name].tolist() for name in ("open", "high", "low", "close")},
        }
    return found


def _cycles(result: RunResult) -> list[Sequence[object]]:
    """Return (symbol, in, price, out, price, pnl, reason, strategy) of each cycle that was entered, by time."""
    entered: dict[str, Time] = {}
    left: dict[str, Time] = {}
    for fill in sorted(result.fills, key=_moment):
        (entered if fill.side == "BUY" else left)[fill.cycle_id] = fill.filled_at
    lines: list[tuple[int, Sequence[object]]] = []
    for cycle in result.cycles:
        if cycle.entry_price is None:
            continue
        begun = entered.get(cycle.id, cycle.created_at) // MILLISECOND
        over = cycle.pnl is not None and cycle.exit_price is not None
        end = left.get(cycle.id, cycle.updated_at) // MILLISECOND if over else None
        exit_price = None if cycle.exit_price is None else float(cycle.exit_price)
        pnl = None if cycle.pnl is None else float(cycle.pnl)
        line = (cycle.symbol, begun, float(cycle.entry_price), end, exit_price, pnl, cycle.exit_reason, cycle.strategy)
        lines.append((begun, line))
    return [line for _, line in sorted(lines, key=lambda item: (item[0], str(item[1][0])))]


def _moment(fill: Fill) -> Time:
    return fill.filled_at


def _rounded(values: Floats) -> list[float]:
    rounded: list[float] = np.round(values, 4).tolist()
    return rounded
