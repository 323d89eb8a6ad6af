"""Another deployment of our name on the account: said, and nothing of it is booked; ours is never taken for it."""

from decimal import Decimal

import pytest

from roottrading.messages.events import FillUnmatched, PrefixShared
from roottrading.messages.exchange import (
    ExchangeEvent,
    ExchangeReply,
    OpenOrdersReported,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderReported,
)
from roottrading.services.trader.namesakes import FRESH
from tests.unit.services.trader.bench import SECOND, SYMBOL, Bench, T, cycle, leg, opening

D = Decimal
OTHER = "OTHERUSDT"


def opened(name: str, at: int = T, number: int = 900, symbol: str = SYMBOL) -> OrderOpened:
    return OrderOpened(symbol, name, at, number, -1, "BUY", "LIMIT", D(1), D(100), None, "NEW")


def executed(name: str, number: int = 900) -> OrderExecuted:
    return OrderExecuted(SYMBOL, name, T, number, 7_777, "BUY", D(100), D(1), D(0), "BASE", D(0), False, D(1), "FILLED")


def shared(bench: Bench) -> list[tuple[str, str, int]]:
    return [(said.symbol, said.client_order_id, said.binance_order_id) for said in bench.said(PrefixShared)]


@pytest.mark.parametrize("symbol", [SYMBOL, OTHER])
def test_a_new_order_under_our_prefix_of_no_cycle_of_ours(symbol: str) -> None:
    bench = Bench()
    stranger = leg("e", 1, cycle(9))
    bench.give(opened(stranger, symbol=symbol))
    assert shared(bench) == [(symbol, stranger, 900)]
    bench.filled()
    bench.give(opened(stranger, bench.now, symbol=symbol))
    assert len(shared(bench)) == 2


@pytest.mark.parametrize("symbol", [SYMBOL, OTHER])
def test_it_is_said_on_a_stream_of_ones_own(symbol: str) -> None:
    """Whoever trades the other symbol one day begins its stream: the numbers there are his."""
    told = Bench().trader.decide(opened(leg("e", 1, cycle(9)), symbol=symbol), T)
    assert [(each.key, type(each.body)) for each in told.messages] == [(SYMBOL, PrefixShared)]


def test_orders_of_other_prefixes_are_nobodys_business() -> None:
    bench = Bench()
    bench.give(opened("web_1"), opened("sim2-abc-e1"), opened("si-abc-e1"))
    bench.give(OpenOrdersReported(SYMBOL, "", T, ()))
    assert shared(bench) == []


def test_word_of_our_own_orders_that_comes_late_is_none() -> None:
    bench = Bench()
    bench.filled()
    bench.happen(bench.exchange.fill(leg("s"), D("0.999"), D(98)))
    assert bench.moves[-1][0] == "closed"
    for name in ("e", "s", "t", "x"):
        bench.give(opened(leg(name), bench.now))
    assert shared(bench) == []


def test_old_word_of_orders_that_nobody_remembers_is_none() -> None:
    bench = Bench()
    bench.advance(FRESH)
    bench.give(opened(leg("e", 1, cycle(8)), bench.now - FRESH - 1))
    assert shared(bench) == []
    bench.give(opened(leg("e", 1, cycle(8)), bench.now - FRESH))
    assert len(shared(bench)) == 1


def test_what_rests_after_a_reconnect_is_told_too() -> None:
    bench = Bench()
    stranger = leg("s", 1, cycle(9))
    order = OrderReported(SYMBOL, stranger, T, 900, "SELL", "STOP_LOSS", D(1), None, D(98), D(0), "NEW")
    bench.give(OpenOrdersReported(SYMBOL, "", T, (order,)))
    assert shared(bench) == [(SYMBOL, stranger, 900)]
    assert "order_without_cycle" in bench.alerts


@pytest.mark.parametrize("together", [False, True])
def test_a_twin_has_the_id_of_an_order_of_ours_and_another_number(together: bool) -> None:
    bench = Bench()
    bench.filled()
    fills, orders, held = bench.fills, bench.orders, bench.trader.state()
    ours = orders["e1"].binance_order_id
    events: list[ExchangeEvent] = [
        opened(leg("e")),
        executed(leg("e")),
        OrderEnded(SYMBOL, leg("s"), bench.now, 901, "CANCELED", D(0)),
    ]
    bench.give(*([ExchangeReply(tuple(events))] if together else events))
    numbers = {number for _, _, number in shared(bench)}
    assert {900, 901} <= numbers
    assert ours not in numbers
    assert [fill.price for fill in bench.said(FillUnmatched)] == [D(100)]
    assert (bench.fills, bench.orders) == (fills, orders)
    assert bench.trader.state()["executions"] == held["executions"]
    assert bench.orders["s1"].status == "NEW"


def test_our_own_orders_keep_their_numbers_through_a_whole_cycle() -> None:
    bench = Bench()
    bench.command(opening())
    bench.happen(bench.exchange.fill(leg("t"), D("0.999"), D(104)))
    bench.advance(5 * SECOND)
    assert bench.moves[-1][0] == "closed"
    assert shared(bench) == []
