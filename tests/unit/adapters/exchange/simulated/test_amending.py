"""AmendOrder: less of an order, which keeps its place in the queue."""

from decimal import Decimal as D

import pytest

from roottrading.messages.exchange import AmendOrder, ExchangeEvent, OrderExecuted, OrderRefused, OrderReported
from tests.unit.adapters.exchange.simulated.harness import SYMBOL, Bench, fills, limit, maker, of, stop


def amend(bench: Bench, target: str, quantity: str) -> list[ExchangeEvent]:
    return list(bench.exchange.execute(AmendOrder(SYMBOL, "a", 1, bench.now, target, D(quantity)), bench.now))


def test_an_amended_order_locks_less_and_keeps_its_place() -> None:
    bench = Bench({"USDT": "1000", "BTC": "10"})
    bench.opens("100")
    bench.place(limit("SELL", "2", "101", "first"))
    bench.place(limit("SELL", "2", "101", "second"))
    (report,) = of(OrderReported, amend(bench, "first", "1.5"))
    assert (report.quantity, report.status) == (D("1.5"), "NEW")
    assert bench.holds("BTC") == (D("6.5"), D("3.5"))
    bench.opens("103", volume="0")  # nothing but what rests
    events = bench.place(limit("BUY", "4", "102", "taker", "GTC", "NONE"))
    assert fills(events, "first") == [("101", "1.5")]
    assert fills(events, "second") == [("101", "2")]
    assert [event.client_order_id for event in of(OrderExecuted, events)][::2] == ["first", "second"]


def test_amending_a_leg_amends_the_pair() -> None:
    bench = Bench({"USDT": "100", "BTC": "2"})
    bench.opens("100")
    bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))
    amend(bench, "s", "1")
    assert bench.holds("BTC") == (1, 1)
    (report,) = of(OrderReported, amend(bench, "t", "0.5"))
    assert report.quantity == D("0.5")
    assert bench.holds("BTC") == (D("1.5"), D("0.5"))


@pytest.mark.parametrize(
    ("target", "quantity", "code"),
    [("o", "3", -2038), ("o", "2", -2038), ("nobody", "1", -2038), ("o", "0.0000001", -1013)],
)
def test_what_can_not_be_amended(target: str, quantity: str, code: int) -> None:
    bench = Bench({"USDT": "1000"})
    bench.opens("100")
    bench.place(limit("BUY", "2", "90", "o"))
    (refused,) = of(OrderRefused, amend(bench, target, quantity))
    assert refused.code == code
    assert bench.holds("USDT") == (820, 180)
