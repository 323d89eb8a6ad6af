"""The equity rows, exact: cash and all own base, dust included, at the last closes (trading-rules 6.2)."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS_DIGITS, Candles, Ints
from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import DAY, Time
from roottrading.reports.flows import Flows
from roottrading.reports.result import RunResult


class EquityRow(Struct, frozen=True, gc=False):
    """What the bot's share was worth after all fills of an instant, in quote; `peak` is the highest row up to it."""

    timestamp: Time
    equity: Decimal
    cash: Decimal
    exposure: Decimal
    peak: Decimal

    @property
    def drawdown(self) -> Decimal:
        """How far equity is below its peak, as a fraction of it, half-even at 1e-8."""
        if self.equity >= self.peak or self.peak <= 0:
            return ZERO
        return quotient(self.peak - self.equity, self.peak)


def midnights(first: Time, last: Time) -> range:
    """Return every 00:00 UTC from `first` to `last`, both included."""
    return range(-(-first // DAY) * DAY, last + 1, DAY)


def row_times(result: RunResult, flows: Flows) -> list[Time]:
    """Return the instants of equity.csv: those with fills, and each 00:00 UTC of the span."""
    return sorted({*flows.times.tolist(), *midnights(result.started_at, result.ended_at)})


def equity_rows(result: RunResult, flows: Flows, times: Sequence[Time]) -> list[EquityRow]:
    """Return what the bot's share was worth at each of the rising instants, after all that happened by then."""
    changes = _changes(result, flows)
    instants = np.array(times, dtype=np.int64)
    closes = {symbol: closes_at(result.candles.get(symbol), instants) for symbol in {change[1] for change in changes}}
    rows: list[EquityRow] = []
    held: dict[str, Decimal] = {}
    cash, peak, done, count = result.capital, None, 0, len(changes)
    for row, time in enumerate(times):
        while done < count and changes[done][0] <= time:
            _, symbol, base, paid = changes[done]
            cash += paid
            held[symbol] = held.get(symbol, ZERO) + base
            done += 1
        units = ZERO
        for symbol, owned in held.items():
            if owned:
                units += owned * closes[symbol][row]
        exposure = units.scaleb(-UNITS_DIGITS)
        equity = cash + exposure
        if peak is None or equity > peak:
            peak = equity
        rows.append(EquityRow(time, equity, cash, exposure, peak))
    return rows


def closes_at(candles: Candles | None, times: Ints) -> list[int]:
    """Return the last close at or before each instant, in units of 1e-8; 0 before the first candle."""
    if candles is None or not len(candles):
        return [0] * len(times)
    index = np.searchsorted(candles.at, times, side="right") - 1
    closes: list[int] = np.where(index < 0, 0, candles.close[np.maximum(index, 0)]).tolist()
    return closes


def last_close(result: RunResult, symbol: str) -> Decimal:
    """Return the symbol's last close in the span, in quote; 0 where it never had one."""
    (close,) = closes_at(result.candles.get(symbol), np.array([result.ended_at], dtype=np.int64))
    return Decimal(close).scaleb(-UNITS_DIGITS)


def _changes(result: RunResult, flows: Flows) -> list[tuple[Time, str, Decimal, Decimal]]:
    """Return (when, symbol, base, cash) of fills and adjustments by time; within an instant only the sum is seen."""
    changes = [
        (fill.filled_at, fill.symbol, base, cash)
        for fill, base, cash in zip(flows.fills, flows.base, flows.cash, strict=True)
    ]
    for adjusted in result.adjustments:
        if adjusted.kind == "capital":
            changes.append((adjusted.effective_at, "", ZERO, adjusted.amount))
        else:
            changes.append((adjusted.effective_at, adjusted.symbol, adjusted.amount, ZERO))
    changes.sort(key=lambda change: change[0])
    return changes
