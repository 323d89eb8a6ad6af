"""After a load: what a crash took with it is asked for, and entries wait for the account's answer."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.messages.commands import CancelEntry, CloseTradeCycle
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import AccountChanged, ExchangeEvent, InstrumentChanged, OrderEnded, OrderReported
from roottrading.messages.service import Resumed
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, T, cycle, leg, opening

D = Decimal


def placing(bench: Bench) -> list[str]:
    return [name for name in bench.asked() if name.startswith(("Place", "Cancel"))]


def load(bench: Bench) -> None:
    bench.trader = bench.restored()
    bench.give(Resumed())


def unanswered(events: Sequence[ExchangeEvent]) -> Iterable[ExchangeEvent]:
    """Leave out what answers the question about the account."""
    return [e for e in events if not (isinstance(e, AccountChanged) and e.client_order_id)]


@pytest.mark.parametrize("restarting", [False, True])
def test_an_entry_waits_for_the_account_and_goes_by_what_it_says(restarting: bool) -> None:
    bench = Bench(base_free="0", restarting=restarting)
    bench.exchange.base_free = D(5)  # whoever died had heard of it and not kept it
    bench.arrange = unanswered
    load(bench)
    bench.command(opening())
    assert bench.moves == []
    assert placing(bench) == []
    bench.arrange = lambda events: events
    bench.advance(SECOND)
    assert placing(bench)[0] == "PlaceOrder e1"  # with base free: no one-request list (trading-rules 1.3)
    assert bench.status == "open"
    assert bench.records("trader_held_commands") == {}
    assert bench.deadlines == {}


def test_a_command_about_a_waiting_entry_waits_behind_it() -> None:
    bench = Bench(arrange=unanswered)
    load(bench)
    bench.command(opening())
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    assert bench.messages == []
    bench.arrange = lambda events: events
    bench.advance(SECOND)
    assert bench.moves == [
        ("opening", "accepted"),
        ("open", "filled"),
        ("closing", "verdict"),
        ("closed", "verdict"),
    ]


def test_an_exit_does_not_wait_for_the_account() -> None:
    bench = Bench()
    bench.filled()
    bench.arrange = unanswered
    load(bench)
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    assert bench.moves[-1] == ("closed", "verdict")


def test_an_entry_that_waited_too_long_is_too_late() -> None:
    bench = Bench(arrange=unanswered)
    load(bench)
    bench.command(opening(valid_until=T + SECOND))
    bench.advance(2 * SECOND)
    bench.arrange = lambda events: events
    bench.advance(SECOND)
    assert bench.moves == [("expired", "expired")]
    assert placing(bench) == []


def test_only_this_loads_answer_counts() -> None:
    bench = Bench(arrange=unanswered)
    load(bench)
    first = bench.requests[-1].client_order_id
    load(bench)
    bench.command(opening())
    bench.give(AccountChanged(SYMBOL, first, bench.now, ()))
    assert bench.moves == []
    bench.give(AccountChanged(SYMBOL, bench.requests[-1].client_order_id, bench.now, ()))
    assert bench.status == "open"


def test_the_account_is_asked_for_again_until_it_answers() -> None:
    bench = Bench(arrange=unanswered)
    load(bench)
    bench.advance(SECOND)
    assert bench.asked() == ["QueryAccount q1"] * 5
    bench.arrange = lambda events: events
    bench.advance(SECOND)
    assert bench.asked() == ["QueryAccount q1"] * 6


def test_an_end_that_died_with_the_trader_is_asked_for_at_the_same_instant() -> None:
    """The IOC's execution was kept and its end was not: without asking, the position would wait for more."""
    bench = Bench(base_free="5", arrange=lambda events: [e for e in events if not isinstance(e, OrderEnded)])
    bench.exchange.fills["e"] = [D("0.5")]
    bench.command(opening())
    heard: list[str] = [bench.orders["e1"].status]
    bench.arrange = lambda events: events
    load(bench)
    heard.append(bench.orders["e1"].status)
    assert heard == ["PARTIALLY_FILLED", "EXPIRED"]
    assert bench.exchange.orders[leg("s")].status == "NEW"


def test_a_stop_that_sold_a_part_unheard_has_its_two_seconds_too() -> None:
    bench = Bench(replace(INSTRUMENT, order_types=INSTRUMENT.order_types - {"STOP_LOSS"}))
    bench.filled(target=None)
    bench.exchange.fill(leg("s"), D("0.4"), D(97))  # whoever died had heard of it and not kept it
    load(bench)
    assert bench.orders["s1"].status == "PARTIALLY_FILLED"
    assert placing(bench) == ["PlaceOrderList l1"]
    bench.advance(2 * SECOND)
    assert placing(bench) == ["PlaceOrderList l1", "CancelReplace x1"]


def test_a_stop_that_was_triggered_unheard_is_left_alone_for_two_seconds() -> None:
    bench = Bench(replace(INSTRUMENT, order_types=INSTRUMENT.order_types - {"STOP_LOSS"}))
    bench.filled(target=None)
    limit, number = D("93.10"), bench.orders["s1"].binance_order_id
    bench.give(
        OrderReported(
            SYMBOL, leg("s"), T, number, "SELL", "STOP_LOSS_LIMIT", D("0.999"), limit, D(98), D(0), "NEW", T, True
        )
    )
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    bench.advance(2 * SECOND - 1)
    assert placing(bench) == ["PlaceOrderList l1"]
    bench.advance(1)
    assert placing(bench) == ["PlaceOrderList l1", "CancelReplace x1"]


@pytest.mark.parametrize("coordinator_first", [False, True])
def test_a_halt_has_one_reason_whoever_hears_of_it_first(coordinator_first: bool) -> None:
    bench = Bench()
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 60 * SECOND))
    halt = InstrumentChanged(SYMBOL, "", T, "HALT")
    told = Envelope("coordinator", "trade.commands", 2, 1, T, "", CancelEntry(cycle(), SYMBOL, "market: HALT"))
    bench.give(*((told, halt) if coordinator_first else (halt, told)))
    assert bench.moves[-1] == ("expired", "market: HALT")


def test_nothing_is_decided_before_the_exchange_has_said_what_is_open_and_executed() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.cancel(leg("s"))  # by hand, and whoever died had heard of it and not kept it
    bench.exchange.silent_questions = 1_000
    load(bench)
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    assert placing(bench) == ["PlaceOrderList l1"]
    bench.exchange.silent_questions = 0
    bench.advance(SECOND)
    assert placing(bench) == ["PlaceOrderList l1", "PlaceOrder x1"]
    assert bench.moves[-1] == ("closed", "verdict")
