"""What a run leaves, gathered from its store for the reports."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from roottrading.adapters.store.port import Store
from roottrading.config.settings import Settings
from roottrading.domain.time import DAY, Time, duration, iso
from roottrading.messages.service import Table
from roottrading.reports.result import CheckLine, RunResult
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.market import Market
from roottrading.runtimes.recording import SPANS

_TABLES = {table.name: table for table in ALL_TABLES}


class Journals(Protocol):
    """Whatever holds journals: a run's store, or the stores of many units."""

    def journal(self, table: Table) -> Iterable[Any]:
        """Return a table's records."""


def journal(store: Journals, name: str) -> Sequence[Any]:
    """Return all records of a table, as a store that makes them later gives them."""
    found = store.journal(_TABLES[name])
    return found if isinstance(found, Sequence) else list(found)


def gather(
    settings: Settings,
    market: Market,
    store: Store,
    ended_at: Time,
    checks: Sequence[CheckLine] = (),
    notes: Iterable[str] = (),
    others: Sequence[float | None] = (),
) -> RunResult:
    """Return everything that reports need; `ended_at` is the last T that was played.

    `others` are the annual Sharpe ratios, where there are any, of the other parameter sets tried on this market.
    """
    dust = {str(row.key[0]): row.values for row in store.load().rows["dust_costs"]}
    return RunResult(
        capital=settings.account.capital,
        quote_asset=settings.account.quote_asset,
        started_at=market.start,
        ended_at=ended_at,
        tape=market.tape.digest,
        instruments={symbol: market.instruments[symbol] for symbol in market.symbols},
        candles={symbol: market.tape[symbol] for symbol in market.symbols},
        fees=settings.fees,
        slippage=settings.exchange.slippage,
        fill_model="next open; inside a candle: open, low, high, close",
        settings=msgspec.to_builtins(settings, builtin_types=(), str_keys=True),
        signals=journal(store, "signals"),
        verdicts=journal(store, "verdicts"),
        cycles=journal(store, "trade_cycles"),
        orders=journal(store, "orders"),
        fills=journal(store, "fills"),
        adjustments=journal(store, "account_adjustments"),
        refusals=journal(store, "refusals"),
        spans=journal(store, SPANS.name),
        dust={symbol: left for symbol, left in dust.items() if left.quantity},
        missing_candles=missing_candles(market, ended_at),
        listings=listings(market, ended_at),
        checks=tuple(checks),
        notes=tuple(notes),
        parameter_sets=1 + len(others),
        tried_sharpes=tuple(sharpe for sharpe in others if sharpe is not None),
    )


def missing_candles(market: Market, ended_at: Time) -> dict[str, int]:
    """Count the finest candles that the market did not have between the run's start and end, by symbol."""
    span = duration(market.finest)
    found = {}
    for symbol in market.symbols:
        times = market.tape[symbol].open_time
        there = int(np.count_nonzero((times >= market.start) & (times < ended_at)))
        if missing := (ended_at - market.start) // span - there:
            found[symbol] = missing
    return found


def listings(market: Market, ended_at: Time) -> dict[str, str]:
    """Tell of symbols whose candles begin or end well inside the span."""
    found = {}
    for symbol in market.symbols:
        candles = market.tape[symbol]
        if not len(candles):
            continue
        first, last = int(candles.open_time[0]), int(candles.at[-1])
        if first >= market.start + DAY:
            found[symbol] = f"listed {iso(first)}"
        elif last <= ended_at - DAY:
            found[symbol] = f"ended {iso(last)}"
    return found
