"""The door: form, filters, the symbol's state, the clock (Binance's codes and words)."""

from decimal import Decimal as D
from typing import Any

import pytest

from roottrading.domain.instrument import PercentPrice
from roottrading.domain.time import SECOND
from roottrading.messages.exchange import (
    CancelOrder,
    CancelRefused,
    InstrumentChanged,
    OrderRefused,
    OrderSpec,
    PlaceOrder,
    Request,
)
from tests.unit.adapters.exchange.simulated.harness import (
    SYMBOL,
    Bench,
    fills,
    limit,
    maker,
    market,
    of,
    openings,
    refusals,
    stop,
)

Case = tuple[dict[str, Any], OrderSpec]


def spec(kind: Any, **changes: Any) -> OrderSpec:
    return OrderSpec(**{"client_order_id": "o", "side": "BUY", "type": kind, "quantity": D(1), **changes})


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("PRICE_FILTER", ({}, limit("BUY", "1", "99.05"))),
        ("PRICE_FILTER", ({"min_price": D(90)}, limit("BUY", "1", "89.9"))),
        ("PRICE_FILTER", ({"max_price": D(110)}, limit("SELL", "1", "110.1"))),
        ("PRICE_FILTER", ({}, stop("SELL", "1", "97.03"))),
        ("PRICE_FILTER", ({}, limit("BUY", "1", "0"))),
        ("LOT_SIZE", ({}, limit("BUY", "1.005", "99"))),
        ("LOT_SIZE", ({"min_quantity": D(2)}, limit("BUY", "1", "99"))),
        ("LOT_SIZE", ({"max_quantity": D(2)}, limit("BUY", "3", "99"))),
        ("LOT_SIZE", ({}, limit("BUY", "0", "99"))),
        ("LOT_SIZE", ({"min_quantity": D(2)}, market("BUY", None, quote="150"))),
        ("MARKET_LOT_SIZE", ({"market_min_quantity": D(2)}, market("BUY", "1"))),
        ("MARKET_LOT_SIZE", ({"market_max_quantity": D(2)}, market("BUY", "3"))),
        ("MARKET_LOT_SIZE", ({"market_step_size": D(1)}, market("BUY", "1.5"))),
        ("NOTIONAL", ({"min_notional": D(100)}, limit("BUY", "1", "99.9"))),
        ("NOTIONAL", ({"min_notional": D(101)}, market("BUY", "1"))),
        ("NOTIONAL", ({"min_notional": D(101)}, market("BUY", None, quote="100"))),
        ("NOTIONAL", ({"min_notional": D(100)}, stop("SELL", "1", "97"))),
        ("NOTIONAL", ({"max_notional": D(100)}, limit("BUY", "2", "99"))),
        ("NOTIONAL", ({"max_notional": D(100), "max_notional_at_market": True}, market("BUY", "2"))),
        (
            "PERCENT_PRICE_BY_SIDE",
            ({"percent_price": PercentPrice(D("1.2"), D("0.8"), D(2), D("0.9"))}, limit("BUY", "1", "79.9")),
        ),
        (
            "PERCENT_PRICE_BY_SIDE",
            ({"percent_price": PercentPrice(D("1.2"), D("0.8"), D(2), D("0.9"))}, limit("BUY", "1", "120.1")),
        ),
        (
            "PERCENT_PRICE_BY_SIDE",
            ({"percent_price": PercentPrice(D("1.2"), D("0.8"), D(2), D("0.9"))}, limit("SELL", "1", "89.9")),
        ),
        (
            "PERCENT_PRICE_BY_SIDE",
            ({"percent_price": PercentPrice(D("1.2"), D("0.8"), D(2), D("0.9"))}, limit("SELL", "1", "200.1")),
        ),
    ],
)
def test_filters(name: str, case: Case) -> None:
    changes, order = case
    bench = Bench(**changes)
    bench.opens("100")
    assert refusals(bench.place(order)) == [(-1013, f"Filter failure: {name}")]


@pytest.mark.parametrize(
    "case",
    [
        ({"min_price": D(90), "max_price": D(110)}, limit("BUY", "1", "90")),
        ({"min_quantity": D(2), "max_quantity": D(2)}, limit("BUY", "2", "99")),
        ({"market_min_quantity": D(2)}, limit("BUY", "1", "99")),
        ({"min_notional": D(99)}, limit("BUY", "1", "99")),
        ({"min_notional": D(101), "min_notional_at_market": False}, market("BUY", "1")),
        ({"min_notional": D(100)}, market("BUY", None, quote="100")),
        ({"max_notional": D(100)}, market("BUY", "2")),
        ({"percent_price": PercentPrice(D("1.2"), D("0.8"), D(2), D("0.9"))}, limit("BUY", "1", "80")),
        ({"percent_price": PercentPrice(D("1.2"), D("0.8"), D(2), D("0.9"))}, limit("SELL", "1", "200")),
    ],
)
def test_on_its_bound_a_filter_passes(case: Case) -> None:
    changes, order = case
    bench = Bench(**changes)
    bench.opens("100")
    assert refusals(bench.place(order)) == []


def test_max_num_orders_counts_pending_legs_too() -> None:
    bench = Bench(max_orders=3)
    bench.opens("100")
    bench.place(limit("BUY", "1", "90", "a"))
    assert openings(bench.place_list("OTO", limit("BUY", "1", "91", "e"), maker("SELL", "1", "103"))) != []
    assert refusals(bench.place(limit("BUY", "1", "90", "b"))) == [(-1013, "Filter failure: MAX_NUM_ORDERS")]
    assert refusals(bench.place(limit("BUY", "1", "90", "b"), "other")) == [
        (-2010, "Account has insufficient balance for requested action.")
    ]


def test_max_num_algo_orders_counts_stops_and_take_profits() -> None:
    bench = Bench(max_algo_orders=1)
    bench.opens("100")
    bench.place(limit("BUY", "1", "90", "a"))
    bench.place(stop("SELL", "1", "97"))
    refusal = [(-1013, "Filter failure: MAX_NUM_ALGO_ORDERS")]
    assert refusals(bench.place(stop("SELL", "1", "96", "s2"))) == refusal
    assert refusals(bench.place(limit("BUY", "1", "90", "b"))) == []


@pytest.mark.parametrize(
    ("code", "order"),
    [
        (-1102, spec("LIMIT", time_in_force="GTC")),
        (-1102, spec("LIMIT", price=D(99))),
        (-1102, spec("LIMIT", price=D(99), time_in_force="GTC", quantity=None)),
        (-1102, spec("STOP_LOSS")),
        (-1102, spec("STOP_LOSS_LIMIT", price=D(99), stop_price=D(101))),
        (-1102, spec("MARKET", quantity=None)),
        (-1106, spec("LIMIT_MAKER", price=D(99), time_in_force="GTC")),
        (-1106, spec("MARKET", price=D(99))),
        (-1106, spec("LIMIT", price=D(99), stop_price=D(99), time_in_force="GTC")),
        (-1106, spec("MARKET", quote_quantity=D(10))),
        (-1106, spec("LIMIT_MAKER", price=D(99), quantity=None, quote_quantity=D(10))),
        (-1130, spec("MARKET", quantity=None, quote_quantity=D(0))),
        (-1111, limit("BUY", "1", "99.000000001")),
        (-1111, limit("BUY", "1.000000001", "99")),
        (-1100, limit("BUY", "1", "99", "no spaces")),
        (-1100, limit("BUY", "1", "99", "x" * 37)),
        (-1100, limit("BUY", "1", "99", "newline\n")),
    ],
)
def test_orders_of_the_wrong_form_are_refused(code: int, order: OrderSpec) -> None:
    bench = Bench()
    bench.opens("100")
    assert [number for number, _ in refusals(bench.place(order))] == [code]
    assert bench.exchange.bounds(SYMBOL) == (None, None)


def test_an_order_type_that_the_symbol_has_not_is_refused() -> None:
    bench = Bench(order_types=frozenset({"LIMIT", "MARKET"}))
    bench.opens("100")
    assert refusals(bench.place(stop("SELL", "1", "97"))) == [
        (-1013, "Stop loss orders are not supported for this symbol.")
    ]


def test_a_self_trade_mode_that_the_symbol_has_not_is_refused() -> None:
    bench = Bench(self_trade_prevention=frozenset({"EXPIRE_TAKER"}))
    bench.opens("100")
    refusal = [(-1013, "This symbol does not allow the specified self-trade prevention mode.")]
    assert refusals(bench.place(limit("BUY", "1", "99", mode="NONE"))) == refusal


def test_an_open_orders_id_is_refused_and_an_ended_ones_is_not() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("BUY", "1", "99", "a"))
    assert refusals(bench.place(limit("BUY", "1", "98", "a"))) == [(-2010, "Duplicate order sent.")]
    bench.cancel("a")
    assert openings(bench.place(limit("BUY", "1", "98", "a"))) == [("a", "NEW")]


def test_an_unknown_symbol_is_refused() -> None:
    bench = Bench()
    request = PlaceOrder("DOGEUSDT", "a", 2, bench.now, limit("BUY", "1", "1", "a"))
    (refused,) = of(OrderRefused, bench.exchange.execute(request, bench.now))
    assert (refused.symbol, refused.client_order_id, refused.code) == ("DOGEUSDT", "a", -1121)


@pytest.mark.parametrize("status", ["HALT", "BREAK", "CANCEL_ONLY"])
def test_a_closed_market_takes_cancels_only_and_matches_nothing(status: str) -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("SELL", "1", "101", "a"))
    bench.now += SECOND
    bench.place(market("SELL", "1", "waits"))
    (changed,) = of(InstrumentChanged, bench.exchange.set_status(SYMBOL, status, bench.now))
    assert (changed.status, changed.client_order_id) == (status, "")
    assert refusals(bench.place(market("BUY", "1"))) == [(-1013, "Market is closed.")]
    assert refusals(bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))) == [
        (-1013, "Market is closed.")
    ]
    bench.closes()
    assert bench.passes("90", "102", "89", "90") == []
    assert bench.exchange.waits_for_open(SYMBOL)
    bench.exchange.set_status(SYMBOL, "TRADING", bench.now)
    assert fills(bench.passes("90", "102", "89", "90")) == [("90", "1"), ("101", "1")]


def test_a_cancel_goes_through_in_a_closed_market() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("BUY", "1", "99", "a"))
    bench.exchange.set_status(SYMBOL, "HALT", bench.now)
    assert of(CancelRefused, bench.cancel("a")) == []
    assert bench.holds("USDT") == (D(100000), 0)


def test_a_status_that_no_exchange_has_is_named() -> None:
    with pytest.raises(ValueError, match="status 'PAUSED' of BTCUSDT: use one of TRADING"):
        Bench().exchange.set_status(SYMBOL, "PAUSED", 0)


@pytest.mark.parametrize(
    ("late", "refused"), [(3 * SECOND, False), (3 * SECOND + 1, True), (-SECOND, False), (-SECOND - 1, True)]
)
def test_a_request_outside_its_window_is_refused(late: int, refused: bool) -> None:
    bench = Bench()
    bench.opens("100")
    requests: list[Request] = [
        PlaceOrder(SYMBOL, "a", 2, bench.now, limit("BUY", "1", "90", "a")),
        CancelOrder(SYMBOL, "c", 1, bench.now, "a"),
    ]
    for request in requests:
        events = bench.exchange.execute(request, bench.now + late)
        codes = [event.code for event in events if isinstance(event, OrderRefused | CancelRefused)]
        assert codes == ([-1021] if refused else [])
