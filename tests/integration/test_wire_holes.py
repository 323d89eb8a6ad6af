"""One truth where the market has holes: no candle of any symbol, for a minute or for hours (consistency-rules 1.8)."""

import asyncio
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from roottrading.adapters.tape.tape import Tape
from roottrading.config.settings import Settings
from roottrading.domain.columns import Candles
from roottrading.domain.time import MINUTE, Time, iso, parse_time
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.market import Market
from tests.integration.test_wire_parity import over_the_wire
from tests.parity.learning_runs import learning_run, left_by


def without(candles: Candles, holes: Sequence[tuple[Time, Time]]) -> Candles:
    """Return the candles but for those that open in a hole, its end not included."""
    kept = np.ones(len(candles), dtype=bool)
    for start, end in holes:
        kept &= (candles.open_time < start) | (candles.open_time >= end)
    names = ("open_time", "open", "high", "low", "close", "volume")
    return replace(candles, **{name: getattr(candles, name)[kept] for name in names})


def with_holes(market: Market, holes: Sequence[tuple[str, int]], alone: Sequence[tuple[str, str, int]]) -> Market:
    """Return the market with holes of (begin, minutes) in all symbols, and (symbol, begin, minutes) in one."""
    spans = [(begin, begin + minutes * MINUTE) for at, minutes in holes for begin in [parse_time(at)]]
    candles = {}
    for symbol in market.tape:
        own = [(parse_time(at), parse_time(at) + minutes * MINUTE) for name, at, minutes in alone if name == symbol]
        candles[symbol] = without(market.tape[symbol], [*spans, *own])
    return Market(Tape(candles, market.finest), market.instruments, market.symbols, market.start, market.end)


HOLES = (
    ("2021-04-16T22:40:00Z", 7),
    ("2021-04-16T22:57:00Z", 9),
    ("2021-04-16T23:58:00Z", 5),
    ("2021-04-17T03:25:00Z", 1),
    ("2021-04-17T04:05:00Z", 31),
    ("2021-04-17T05:20:00Z", 75),
    ("2021-04-17T07:31:00Z", 64),
)
ALONE = (("XRPUSDT", "2021-04-17T03:30:00Z", 12), ("LTCUSDT", "2021-04-17T09:20:00Z", 8))


HALTED_AT = "2021-04-17T06:00:00Z"  # in a hole


def run_with_holes() -> tuple[Settings, Cast, Market]:
    settings, cast, market = learning_run("2021-04-16T22:00:00Z", "2021-04-17T10:00:00Z")
    settings = replace(settings, aggregator=replace(settings.aggregator, weighting="equal"))
    return settings, cast, with_holes(market, HOLES, ALONE)


def test_the_same_trades_where_no_symbol_has_a_candle_for_a_while() -> None:
    settings, cast, market = run_with_holes()
    alone = left_by(run_backtest(settings, cast, market))
    ends = [(cycle.exit_reason, iso(cycle.updated_at)) for cycle in alone["trade_cycles"]]
    assert ("not_filled", "2021-04-17T04:05:00Z") in ends  # its order found no open
    assert ("verdict", "2021-04-17T06:40:00Z") in ends  # its sale waited for the next one, over an hour
    assert left_by(asyncio.run(over_the_wire(settings, cast, market))) == alone


def test_a_run_that_ends_in_a_hole_goes_on_as_if_it_had_not() -> None:
    settings, cast, market = run_with_holes()
    alone = left_by(run_backtest(settings, cast, market))
    assert left_by(asyncio.run(over_the_wire(settings, cast, market, parse_time(HALTED_AT)))) == alone
