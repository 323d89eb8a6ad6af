"""The equity rows, exact: cash and all own base, dust included, at the last closes (trading-rules 6.2)."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS_DIGITS, Candles, Ints
from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import DAY, Time
from roottrading.messages.service import AccountAdjusted
from roottrading.reports.result import RunResult


class EquityRow(Struct, frozen=True, gc=False):
    """What the bot's share was worth after all fills of an instant, in quote; `drawdown` is a fraction of the peak."""

    timestamp: Time
    equity: Decimal
    cash: Decimal
    exposure: Decimal
    drawdown: Decimal


class _Change(Struct, gc=False):
    """What an instant's fills and adjustments did to one symbol's base and to the cash."""

    symbol: str
    base: Decimal
    cash: Decimal


def midnights(first: Time, last: Time) -> range:
    """Return every 00:00 UTC from `first` to `last`, both included."""
    return range(-(-first // DAY) * DAY, last + 1, DAY)


def equity_rows(result: RunResult, every: Iterable[Time] | None = None) -> list[EquityRow]:
    """Return a row per instant with fills, after all of them, and one at each 00:00 UTC of the span.

    `every` names other instants instead. Nothing is rounded but the drawdown (half-even at 1e-8).
    """
    changes = _changes(result)
    if every is None:
        times = sorted({fill.filled_at for fill in result.fills}.union(midnights(result.started_at, result.ended_at)))
    else:
        times = sorted(every)
    symbols = {change.symbol for _, change in changes if change.symbol}
    closes = {symbol: closes_at(result.candles[symbol], np.array(times, dtype=np.int64)) for symbol in symbols}
    rows: list[EquityRow] = []
    held: dict[str, Decimal] = {}
    cash, peak, done, count = result.capital, ZERO, 0, len(changes)
    for row, time in enumerate(times):
        while done < count and changes[done][0] <= time:
            change = changes[done][1]
            cash += change.cash
            if change.base:
                owned = held.get(change.symbol, ZERO) + change.base
                if owned:
                    held[change.symbol] = owned
                else:
                    del held[change.symbol]
            done += 1
        units = ZERO
        for symbol, owned in held.items():
            units += owned * closes[symbol][row]
        exposure = units.scaleb(-UNITS_DIGITS)
        equity = cash + exposure
        if equity >= peak:
            peak = equity
            rows.append(EquityRow(time, equity, cash, exposure, ZERO))
        else:
            rows.append(EquityRow(time, equity, cash, exposure, quotient(peak - equity, peak)))
    return rows


def closes_at(candles: Candles, times: Ints) -> list[int]:
    """Return the last close at or before each instant, in units of 1e-8; 0 before the first candle."""
    index = np.searchsorted(candles.at, times, side="right") - 1
    if not len(candles):
        return [0] * len(times)
    closes: list[int] = np.where(index < 0, 0, candles.close[np.maximum(index, 0)]).tolist()
    return closes


def base_and_cash(fill: Fill, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """Return what an execution added to own base and cash; a fee in a third asset touches neither."""
    notional = fill.price * fill.quantity
    base, cash = (fill.quantity, -notional) if fill.side == "BUY" else (-fill.quantity, notional)
    if fill.fee_asset == instrument.base_asset:
        base -= fill.fee
    elif fill.fee_asset == instrument.quote_asset:
        cash -= fill.fee
    return base, cash


def contributions(adjustments: Sequence[AccountAdjusted]) -> list[tuple[Time, Decimal]]:
    """Return when capital came in (or, below 0, went out) and how much, adopted coins at their price, in quote."""
    return [
        (adjusted.effective_at, adjusted.amount if adjusted.price is None else adjusted.amount * adjusted.price)
        for adjusted in adjustments
    ]


def _changes(result: RunResult) -> list[tuple[Time, _Change]]:
    """Return what changed cash or base, in order of time; within an instant only the sum is ever seen."""
    changes = []
    for fill in result.fills:
        base, cash = base_and_cash(fill, result.instruments[fill.symbol])
        changes.append((fill.filled_at, _Change(fill.symbol, base, cash)))
    for adjusted in result.adjustments:
        if adjusted.kind == "capital":
            changes.append((adjusted.effective_at, _Change("", ZERO, adjusted.amount)))
        else:
            changes.append((adjusted.effective_at, _Change(adjusted.symbol, adjusted.amount, ZERO)))
    changes.sort(key=lambda change: change[0])
    return changes
