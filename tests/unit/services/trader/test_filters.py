"""Filters that change while a position is open (trading-rules 1.4): by the old ones it could not be sold."""

from decimal import Decimal

from msgspec.structs import replace

from roottrading.messages.commands import CloseTradeCycle
from roottrading.messages.exchange import InstrumentChanged
from tests.unit.services.trader.bench import INSTRUMENT, SYMBOL, Bench, T, cycle

COARSER = replace(INSTRUMENT, step_size=Decimal("0.1"), min_quantity=Decimal("0.1"))


def test_an_exit_goes_by_the_filters_that_were_told_last() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "TRADING", COARSER))
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    assert sum((fill.quantity for fill in bench.fills if fill.side == "SELL"), Decimal(0)) == Decimal("0.9")
    assert bench.moves[-1] == ("closed", "verdict")


def test_a_status_that_comes_with_new_filters_is_noted() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "HALT", replace(COARSER, status="HALT")))
    assert bench.alerts == ["market_status"]


def test_filters_that_are_the_same_change_nothing() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "TRADING", INSTRUMENT))
    assert not bench.records("trader_instruments")


def test_changed_filters_outlive_the_trader() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "TRADING", COARSER))
    assert bench.records("trader_instruments") == {(SYMBOL,): COARSER}
    assert bench.restored().state() == bench.trader.state()
