"""Questions, several accounts, deposits, and how much of the past is remembered."""

from decimal import Decimal as D

import pytest

from roottrading.adapters.exchange.simulated import FillModel
from roottrading.messages.exchange import (
    AccountChanged,
    ExecutionsReported,
    InstrumentChanged,
    ListFills,
    ListOpenOrders,
    OpenOrdersReported,
    OrderAbsent,
    OrderReported,
    QueryOrder,
)
from tests.unit.adapters.exchange.simulated.harness import SYMBOL, Bench, limit, maker, market, of, stop


def query(bench: Bench, name: str, account: str | None = None) -> OrderReported | OrderAbsent:
    (event,) = bench.exchange.execute(QueryOrder(SYMBOL, name, 1, bench.now), bench.now, account)
    assert isinstance(event, OrderReported | OrderAbsent)
    return event


def executions(bench: Bench, first: int = 0, account: str | None = None) -> list[int]:
    request = ListFills(SYMBOL, "q", 1, bench.now, first)
    (event,) = of(ExecutionsReported, bench.exchange.execute(request, bench.now, account))
    return [executed.trade_id for executed in event.executions]


def test_an_order_is_reported_alive_and_ended() -> None:
    bench = Bench()
    bench.opens("100", volume="15")
    bench.place(limit("BUY", "2", "101", "a"))
    report = query(bench, "a")
    assert isinstance(report, OrderReported)
    assert report.status == "PARTIALLY_FILLED"
    assert (report.executed_quantity, report.quantity, report.price) == (
        D("1.5"),
        D(2),
        D(101),
    )
    bench.cancel("a")
    report = query(bench, "a")
    assert isinstance(report, OrderReported)
    assert (report.status, report.executed_quantity) == ("CANCELED", D("1.5"))


def test_what_was_never_placed_or_is_anothers_is_absent() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("BUY", "2", "90", "a"))
    bench.place(limit("BUY", "2", "90.05", "refused"))
    for absent in (query(bench, "b"), query(bench, "refused"), query(bench, "a", "other")):
        assert isinstance(absent, OrderAbsent)


def test_a_question_is_answered_however_old_it_is() -> None:
    bench = Bench()
    bench.opens("100")
    bench.now *= 10
    assert isinstance(query(bench, "a"), OrderAbsent)
    request = QueryOrder(SYMBOL, "a", 1, 0)
    assert isinstance(bench.exchange.execute(request, bench.now)[0], OrderAbsent)


def test_open_orders_are_the_accounts_own_with_pending_legs() -> None:
    bench = Bench()
    bench.exchange.deposit("USDT", D(100), bench.now, "other")
    bench.opens("100")
    bench.place(limit("BUY", "1", "90", "foreign"), "other")
    bench.place_list("OPO", limit("BUY", "1", "91", "e"), stop("SELL", None, "80"))
    (event,) = of(OpenOrdersReported, bench.exchange.execute(ListOpenOrders(SYMBOL, "q", 1, bench.now), bench.now))
    assert [(order.client_order_id, order.status) for order in event.orders] == [("e", "NEW"), ("s", "PENDING_NEW")]


def test_executions_are_listed_from_a_trade_id_on() -> None:
    bench = Bench()
    bench.opens("100")
    for name in "abc":
        bench.place(market("BUY", "1", name))
    assert executions(bench) == [1, 2, 3]
    assert executions(bench, 2) == [2, 3]
    assert executions(bench, 0, "other") == []


def test_the_past_is_remembered_as_far_as_the_setting_says() -> None:
    bench = Bench(model=FillModel(slippage=D(0), history=2))
    bench.opens("100")
    bench.place(limit("BUY", "1", "90", "alive"))
    for name in "abc":
        bench.place(market("BUY", "1", name))
    assert [isinstance(query(bench, name), OrderAbsent) for name in ("alive", "a", "b", "c")] == [
        False,
        True,
        False,
        False,
    ]
    assert executions(bench) == [2, 3]
    bench.place(market("BUY", "1", "a"))
    assert isinstance(query(bench, "a"), OrderReported)


def test_events_go_to_the_account_they_are_about() -> None:
    bench = Bench()
    (told,) = bench.exchange.deposit("BTC", D(5), bench.now, "other")
    assert isinstance(told, AccountChanged)
    bench.opens("100")
    events = bench.place(maker("SELL", "5", "101"), "other")
    assert {event.client_order_id for event in events} == {"t", ""}
    bench.closes()
    assert bench.passes("100", "102", "99", "100") == []
    assert set(bench.exchange.take_events()) == {"other"}
    assert bench.exchange.take_events() == {}


def test_every_account_hears_of_a_symbols_status() -> None:
    bench = Bench()
    bench.exchange.deposit("BTC", D(5), bench.now, "other")
    bench.exchange.set_status(SYMBOL, "HALT", bench.now)
    (told,) = bench.exchange.take_events()["other"]
    assert isinstance(told, InstrumentChanged)


def test_more_than_is_free_can_not_be_taken_out() -> None:
    bench = Bench({"USDT": "100"})
    bench.opens("100")
    bench.place(limit("BUY", "0.5", "90", "a"))
    (told,) = of(AccountChanged, bench.exchange.deposit("USDT", D(-55), bench.now))
    assert [(item.free, item.locked) for item in told.balances] == [(D(0), D(45))]
    with pytest.raises(ValueError, match="account 'main' has 0 USDT free: 1 can not be taken out"):
        bench.exchange.deposit("USDT", D(-1), bench.now)


@pytest.mark.parametrize(
    "wrong", [{"slippage": D(1)}, {"volume_share": D(2)}, {"receive_window_ms": 0}, {"history": 0}, {"slippage": D(-1)}]
)
def test_settings_out_of_bounds_are_named(wrong: dict[str, D]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FillModel(**wrong)  # type: ignore[arg-type]
