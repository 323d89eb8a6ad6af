"""CancelOrder and CancelReplace in both modes (trading-rules 1.8)."""

from decimal import Decimal as D

import pytest

from roottrading.messages.exchange import CancelRefused, OrderRefused, OrderReported, QueryOrder
from tests.unit.adapters.exchange.simulated.harness import (
    SYMBOL,
    Bench,
    endings,
    fills,
    limit,
    maker,
    market,
    of,
    openings,
    refusals,
    stop,
)


def protected() -> Bench:
    bench = Bench({"USDT": "100", "BTC": "2"})
    bench.opens("100")
    bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))
    return bench


def status_of(bench: Bench, name: str) -> str:
    (report,) = of(OrderReported, bench.exchange.execute(QueryOrder(SYMBOL, name, 1, bench.now), bench.now))
    return report.status


@pytest.mark.parametrize("leg", ["s", "t"])
def test_a_leg_is_replaced_by_a_market_sell_of_what_the_list_had_locked(leg: str) -> None:
    bench = protected()
    events = bench.replace(leg, market("SELL", "2", "x"))
    assert endings(events) == [("s", "CANCELED", ""), ("t", "CANCELED", "")]
    assert fills(events, "x") == [("100", "2")]
    assert bench.holds("BTC") == (0, 0)


def test_a_stop_is_replaced_by_a_tighter_one() -> None:
    bench = protected()
    events = bench.replace("s", stop("SELL", "2", "98", "s2"))
    assert openings(events) == [("s2", "NEW")]
    assert bench.holds("BTC") == (0, 2)


def test_the_new_order_may_have_the_old_ones_id() -> None:
    bench = protected()
    assert openings(bench.replace("s", stop("SELL", "2", "98", "s"))) == [("s", "NEW")]
    assert status_of(bench, "s") == "NEW"


def test_canceled_and_the_new_one_refused_is_2021() -> None:
    bench = protected()
    events = bench.replace("s", stop("SELL", "2", "100.5", "s2"))
    assert endings(events) == [("s", "CANCELED", ""), ("t", "CANCELED", "")]
    (refused,) = of(OrderRefused, events)
    assert (refused.client_order_id, refused.code, refused.cancel_code) == ("s2", -2021, 0)
    assert "Order would trigger immediately." in refused.message
    assert bench.holds("BTC") == (2, 0)


@pytest.mark.parametrize("stop_on_failure", [True, False])
def test_neither_canceled_nor_placed_is_2022_with_the_cancels_code_inside(stop_on_failure: bool) -> None:
    bench = protected()
    events = bench.replace("gone", stop("SELL", "2", "98", "s2"), stop_on_failure)
    (refused,) = of(OrderRefused, events)
    assert (refused.code, refused.cancel_code) == (-2022, -2011)
    assert endings(events) == []
    assert bench.holds("BTC") == (0, 2)


def test_where_a_cancel_may_fail_the_new_order_is_placed_all_the_same() -> None:
    bench = protected()
    events = bench.replace("gone", limit("BUY", "1", "90", "b"), stop_on_failure=False)
    assert openings(events) == [("b", "NEW")]
    assert [(event.client_order_id, event.code) for event in of(CancelRefused, events)] == [("gone", -2011)]


def test_a_filled_target_can_not_be_replaced_and_nothing_is_sold_twice() -> None:
    bench = protected()
    bench.closes()
    bench.passes("100", "104", "99", "100")
    bench.opens("100")
    events = bench.replace("s", market("SELL", "2", "x"))
    assert [(event.code, event.cancel_code) for event in of(OrderRefused, events)] == [(-2022, -2011)]
    assert fills(events) == []


def test_a_new_order_that_fails_a_filter_leaves_the_old_one_alone() -> None:
    bench = protected()
    events = bench.replace("s", stop("SELL", "2", "98.05", "s2"))
    assert refusals(events) == [(-1013, "Filter failure: PRICE_FILTER")]
    assert status_of(bench, "s") == "NEW"


def test_a_symbol_without_cancel_replace_refuses_it() -> None:
    bench = Bench(cancel_replace_allowed=False)
    bench.opens("100")
    bench.place(stop("SELL", "2", "97"))
    events = bench.replace("s", market("SELL", "2", "x"))
    assert refusals(events) == [(-1013, "Order cancel-replace is not supported for this symbol.")]
    assert status_of(bench, "s") == "NEW"


def test_a_cancel_sets_free_what_is_left_of_a_partly_filled_order() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("SELL", "3", "102", "sell"))
    bench.closes()
    bench.passes("100", "103", "99", "100", volume="10")
    assert endings(bench.cancel("sell")) == [("sell", "CANCELED", "")]
    assert bench.holds("BTC") == (D(999), 0)


@pytest.mark.parametrize("only_new", [True, False])
def test_a_target_that_must_be_untouched_is_not_replaced_once_it_was_filled_in_part(only_new: bool) -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("SELL", "3", "102", "sell"))
    bench.closes()
    bench.passes("100", "103", "99", "100", volume="10")
    bench.opens("100")
    events = bench.replace("sell", market("SELL", "2", "x"), only_new=only_new)
    refused = [(event.code, event.cancel_code) for event in of(OrderRefused, events)]
    assert refused == ([(-2022, -2011)] if only_new else [])
    assert fills(events, "x") == ([] if only_new else [("100", "2")])
    assert status_of(bench, "sell") == ("PARTIALLY_FILLED" if only_new else "CANCELED")


def test_a_cancel_of_what_is_not_open_is_refused() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(market("BUY", "1"))
    for target in ("m", "never"):
        (refused,) = of(CancelRefused, bench.cancel(target))
        assert (refused.client_order_id, refused.code, refused.message) == (target, -2011, "Unknown order sent.")
