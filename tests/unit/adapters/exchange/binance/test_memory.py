"""What the client remembers, within bounds: strangers, orders, executions."""

from decimal import Decimal

import pytest

from roottrading.adapters.exchange.binance import known_orders
from roottrading.adapters.exchange.binance.known_orders import KnownOrders
from roottrading.adapters.exchange.binance.strangers import Strangers


def test_strangers_are_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    strangers = Strangers()
    for _ in range(3):
        strangers.note("order status", "HALF_OPEN")
    strangers.note_fields("order", ["price", "moon", 5], frozenset({"price"}))
    assert strangers.counts == {("order status", "HALF_OPEN"): 3, ("order", "moon"): 1, ("order", "5"): 1}
    assert strangers.total == 5
    assert len(caplog.records) == 3


def test_ever_new_strangers_do_not_fill_the_memory() -> None:
    strangers = Strangers()
    for number in range(5_000):
        strangers.note("field", f"{number}-" * 100)
    assert len(strangers.counts) == 2_001
    assert strangers.counts["field", "others"] == 3_000
    assert max(len(what) for _, what in strangers.counts) <= 80


def test_an_unsized_leg_keeps_the_size_it_gets() -> None:
    orders = KnownOrders()
    orders.note("BTCUSDT", 5, "d-c-s1", Decimal(0))
    orders.note("BTCUSDT", 5, "d-c-s1", Decimal("0.1"))
    orders.note("BTCUSDT", 5, "d-c-s1", Decimal(0))
    known = orders.find("BTCUSDT", 5)
    assert known is not None
    assert known.quantity == Decimal("0.1")
    assert orders.unknown("BTCUSDT", [5, 7, 6, 7]) == [6, 7]
    assert orders.unknown("ETHUSDT", [5]) == [5]


def test_an_execution_is_news_once_for_each_order() -> None:
    orders = KnownOrders()
    told = [("BTCUSDT", 71, 5), ("BTCUSDT", 71, 5), ("BTCUSDT", 71, 6), ("ETHUSDT", 71, 5), ("BTCUSDT", 70, 5)]
    assert [orders.is_news(*each) for each in told] == [True, False, True, True, True]
    assert orders.last_trade_ids == {"BTCUSDT": 71, "ETHUSDT": 71}


def test_only_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_orders, "_MOST", 3)
    orders = KnownOrders()
    for number in range(5):
        orders.note("BTCUSDT", number, f"o{number}", Decimal(1))
        orders.is_news("BTCUSDT", number, number)
    assert orders.unknown("BTCUSDT", range(5)) == [0, 1]
    assert [orders.is_news("BTCUSDT", number, number) for number in (4, 3)] == [False, False]
