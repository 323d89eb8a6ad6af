"""Orders that meet orders: self-trade prevention by the taker's mode, and other accounts for real."""

from decimal import Decimal as D

import pytest

from roottrading.domain.order import SelfTradePrevention
from roottrading.messages.exchange import OrderExecuted
from tests.unit.adapters.exchange.simulated.harness import (
    Bench,
    endings,
    fills,
    limit,
    maker,
    of,
    openings,
    refusals,
    stop,
)

FOREIGN = "other"


def bench_with_foreign_account() -> Bench:
    bench = Bench()
    bench.exchange.deposit("BTC", D(100), bench.now, FOREIGN)
    bench.exchange.deposit("USDT", D(10000), bench.now, FOREIGN)
    bench.exchange.take_events()
    bench.opens("100")
    return bench


@pytest.mark.parametrize(
    ("mode", "ended", "filled", "btc"),
    [
        ("NONE", [], [("100", "1"), ("100", "1"), ("100", "1")], (1001, 0)),  # with itself, then with the candle
        ("EXPIRE_TAKER", ["taker"], [], (999, 1)),
        ("EXPIRE_MAKER", ["rests"], [("100", "2")], (1002, 0)),
        ("EXPIRE_BOTH", ["rests", "taker"], [], (1000, 0)),
        ("DECREMENT", ["rests"], [("100", "1")], (1001, 0)),  # what is left of the taker meets the candle
    ],
)
def test_the_takers_mode_decides_who_goes(
    mode: SelfTradePrevention, ended: list[str], filled: list[tuple[str, str]], btc: tuple[int, int]
) -> None:
    bench = Bench()
    bench.opens("99.9")
    bench.place(limit("SELL", "1", "100", "rests"))
    bench.closes()
    bench.opens("100")
    events = bench.place(limit("BUY", "2", "100", "taker", mode=mode))
    assert endings(events) == [(name, "EXPIRED_IN_MATCH", "") for name in ended]
    assert fills(events) == filled
    assert bench.holds("BTC") == btc
    assert bench.holds("USDT")[1] == 0


@pytest.mark.parametrize(("mode", "ended"), [("EXPIRE_TAKER", ["taker"]), ("EXPIRE_BOTH", ["rests", "taker"])])
def test_a_fok_that_meets_its_own_order_executes_nothing_before(mode: SelfTradePrevention, ended: list[str]) -> None:
    bench = bench_with_foreign_account()
    bench.place(limit("SELL", "1", "100.1", "foreign"), FOREIGN)
    bench.place(limit("SELL", "1", "100.2", "rests"))
    bench.closes()
    bench.opens("101")
    events = bench.place(limit("BUY", "3", "101", "taker", "FOK", mode))
    assert endings(events) == [(name, "EXPIRED_IN_MATCH", "") for name in ended]
    assert fills(events) == []
    assert bench.exchange.take_events() == {}


def test_a_fok_passes_over_own_orders_that_expire_as_makers_only_if_it_fills() -> None:
    bench = bench_with_foreign_account()
    bench.place(limit("SELL", "1", "100.2", "rests"))
    bench.closes()
    bench.opens("101", volume="10")
    short = bench.place(limit("BUY", "2", "101", "short", "FOK", "EXPIRE_MAKER"))
    assert endings(short) == [("short", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")]
    whole = bench.place(limit("BUY", "1", "101", "whole", "FOK", "EXPIRE_MAKER"))
    assert endings(whole) == [("rests", "EXPIRED_IN_MATCH", "")]
    assert fills(whole) == [("101", "1")]


def test_an_own_leg_that_expires_as_maker_takes_its_list_along() -> None:
    bench = Bench()
    bench.opens("99")
    bench.place_list("OCO", stop("SELL", "1", "90"), maker("SELL", "1", "100"))
    bench.closes()
    bench.opens("100")
    events = bench.place(limit("BUY", "1", "100", "taker", mode="EXPIRE_MAKER"))
    assert endings(events) == [("t", "EXPIRED_IN_MATCH", ""), ("s", "EXPIRED", "OCO_TRIGGER")]
    assert bench.holds("BTC") == (1001, 0)


def test_a_stop_that_triggers_into_an_own_bid_expires_in_match() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("BUY", "1", "97", "bid"))
    bench.place(stop("SELL", "1", "97"))
    bench.closes()
    events = bench.passes("100", "100", "97", "98")
    assert endings(events) == [("s", "EXPIRED_IN_MATCH", "")]
    assert fills(events) == []
    assert bench.holds("BTC") == (1000, 0)


def test_other_accounts_are_met_before_the_candle_at_their_price() -> None:
    bench = bench_with_foreign_account()
    bench.place(limit("SELL", "1", "100.2", "second"), FOREIGN)
    bench.place(limit("SELL", "1", "100.1", "first"), FOREIGN)
    bench.place(limit("SELL", "1", "101.2", "beyond"), FOREIGN)
    bench.exchange.take_events()
    bench.closes()
    bench.opens("101", volume="5")
    events = bench.place(limit("BUY", "4", "101.2", "taker"))
    assert fills(events) == [("100.1", "1"), ("100.2", "1"), ("101", "0.5"), ("101.2", "1")]
    assert openings(events) == [("taker", "NEW")]
    assert bench.holds("USDT")[1] == D("50.6")  # half of one rests at 101.2
    theirs = of(OrderExecuted, bench.exchange.take_events()[FOREIGN])
    assert [(event.client_order_id, event.is_maker) for event in theirs] == [
        ("first", True),
        ("second", True),
        ("beyond", True),
    ]
    ours = of(OrderExecuted, events)
    assert [event.trade_id for event in theirs] == [ours[0].trade_id, ours[1].trade_id, ours[3].trade_id]
    assert bench.holds("BTC", FOREIGN) == (97, 0)


def test_a_gtc_without_an_open_meets_other_accounts_and_then_rests() -> None:
    bench = bench_with_foreign_account()
    bench.place(limit("SELL", "1", "102", "foreign"), FOREIGN)
    bench.closes()
    events = bench.place(limit("BUY", "3", "103", "taker"))
    assert fills(events) == [("102", "1")]
    assert bench.holds("USDT") == (D(100000 - 102 - 206), 206)


def test_a_limit_maker_that_would_meet_another_account_is_refused() -> None:
    bench = bench_with_foreign_account()
    bench.place(limit("BUY", "1", "98", "foreign"), FOREIGN)
    bench.closes()
    bench.opens("97")
    assert refusals(bench.place(maker("SELL", "1", "98"))) == [(-2010, "Order would immediately match and take.")]
    assert openings(bench.place(maker("SELL", "1", "98.1"))) == [("t", "NEW")]


def test_a_resting_order_larger_than_what_is_left_keeps_its_rest() -> None:
    bench = bench_with_foreign_account()
    bench.place(limit("SELL", "1", "100.1", "small"), FOREIGN)
    bench.place(limit("SELL", "5", "100.2", "large"), FOREIGN)
    bench.closes()
    bench.opens("101")
    events = bench.place(limit("BUY", "4", "101", "taker"))
    assert fills(events) == [("100.1", "1"), ("100.2", "3")]
    assert of(OrderExecuted, events)[-1].status == "FILLED"
    assert bench.holds("BTC", FOREIGN) == (94, 2)


@pytest.mark.parametrize(
    ("resting", "ended", "btc", "filled"),
    [
        ("2", ["rests", "taker"], (1000, 0), []),
        ("5", ["taker"], (997, 3), []),
        ("0.5", ["rests"], (D("1001.5"), 0), [("100", "1.5")]),
    ],
)
def test_decrement_takes_from_both_what_they_would_have_traded(
    resting: str, ended: list[str], btc: tuple[D, D], filled: list[tuple[str, str]]
) -> None:
    bench = Bench()
    bench.opens("99.9")
    bench.place(limit("SELL", resting, "100", "rests"))
    bench.closes()
    bench.opens("100")
    events = bench.place(limit("BUY", "2", "100", "taker", mode="DECREMENT"))
    assert endings(events) == [(name, "EXPIRED_IN_MATCH", "") for name in ended]
    assert fills(events) == filled
    assert bench.holds("BTC") == btc
    assert bench.holds("USDT")[1] == 0


def test_a_decremented_leg_takes_its_list_with_it() -> None:
    bench = Bench({"USDT": "1000", "BTC": "5"})
    bench.opens("99")
    bench.place_list("OCO", stop("SELL", "5", "90"), maker("SELL", "5", "100"))
    bench.closes()
    bench.opens("100")
    events = bench.place(limit("BUY", "2", "100", "taker", mode="DECREMENT"))
    assert endings(events) == [("taker", "EXPIRED_IN_MATCH", "")]
    assert bench.holds("BTC") == (2, 3)
    events = bench.place(limit("BUY", "3", "100", "again", mode="DECREMENT"))
    assert {name for name, _, _ in endings(events)} == {"t", "s", "again"}
    assert bench.holds("BTC") == (5, 0)
