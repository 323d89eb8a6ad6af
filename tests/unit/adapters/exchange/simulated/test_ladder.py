"""Orders against a recorded book: what they take of its levels, and when it comes to those that rest."""

from collections.abc import Iterable
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.order import SelfTradePrevention
from roottrading.messages.exchange import OrderExecuted
from tests.unit.adapters.exchange.simulated.harness import (
    SYMBOL,
    Bench,
    endings,
    fills,
    limit,
    maker,
    market,
    of,
    refusals,
    stop,
)

WOULD_TAKE = [(-2010, "Order would immediately match and take.")]


class Levels:
    """A ladder by hand."""

    def __init__(self, bids: dict[str, str], asks: dict[str, str]) -> None:
        self.sides = {
            False: {D(price): D(quantity) for price, quantity in bids.items()},
            True: {D(price): D(quantity) for price, quantity in asks.items()},
        }

    def levels(self, buys: bool) -> Iterable[tuple[D, D]]:
        return sorted(((p, q) for p, q in self.sides[buys].items() if q), reverse=not buys)

    def took(self, buys: bool, price: D, quantity: D) -> None:
        self.sides[buys][price] -= quantity
        assert self.sides[buys][price] >= 0


def bench(
    bids: dict[str, str], asks: dict[str, str], last: str = "100", balances: dict[str, str] | None = None
) -> Bench:
    found = Bench(balances)
    found.exchange.supply(SYMBOL, Levels(bids, asks), D(last))
    return found


BIDS = {"99.9": "1", "99.8": "2", "99.0": "5"}
ASKS = {"100.1": "1", "100.2": "2", "101.0": "5"}


def test_a_market_order_walks_the_book_from_its_best_level() -> None:
    place = bench(BIDS, ASKS).place
    assert fills(place(market("BUY", "2.5", "b"))) == [("100.1", "1"), ("100.2", "1.5")]
    assert fills(place(market("BUY", "1", "b2"))) == [("100.2", "0.5"), ("101", "0.5")]
    assert fills(place(market("SELL", "1.5", "s"))) == [("99.9", "1"), ("99.8", "0.5")]


def test_a_market_order_that_drains_the_book_expires_with_its_rest() -> None:
    events = bench(BIDS, {"100.1": "1"}).place(market("BUY", "2"))
    assert fills(events) == [("100.1", "1")]
    assert endings(events) == [("m", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]


def test_a_market_order_in_an_empty_book_expires() -> None:
    events = bench({}, {}).place(market("SELL", "1"))
    assert fills(events) == []
    assert endings(events) == [("m", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]


def test_a_quote_amount_buys_what_it_comes_to() -> None:
    assert fills(bench(BIDS, ASKS).place(market("BUY", None, quote="250"))) == [("100.1", "1"), ("100.2", "1.49")]


def test_a_limit_order_takes_up_to_its_limit_and_rests() -> None:
    desk = bench(BIDS, ASKS)
    assert fills(desk.place(limit("BUY", "4", "100.2"))) == [("100.1", "1"), ("100.2", "2")]
    assert desk.holds("USDT")[1] == D("100.2")


@pytest.mark.parametrize(
    ("force", "quantity", "filled", "reason"),
    [
        ("IOC", "4", [("100.1", "1"), ("100.2", "2")], "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ("FOK", "4", [], "UNFILLED_FOK_ORDER_EXPIRED"),
        ("FOK", "3", [("100.1", "1"), ("100.2", "2")], ""),
    ],
)
def test_what_is_not_filled_at_once_ends_as_its_time_in_force_says(
    force: str, quantity: str, filled: list[tuple[str, str]], reason: str
) -> None:
    events = bench(BIDS, ASKS).place(limit("BUY", quantity, "100.2", force=force))  # type: ignore[arg-type]
    assert fills(events) == filled
    assert endings(events) == ([("l", "EXPIRED", reason)] if reason else [])


def test_a_maker_is_refused_where_the_book_stands_not_where_it_last_traded() -> None:
    desk = bench(BIDS, ASKS, last="99.9")
    assert refusals(desk.place(maker("BUY", "1", "100.1"))) == WOULD_TAKE
    assert refusals(desk.place(maker("BUY", "1", "100.0", "fine"))) == []


def test_a_resting_order_is_met_at_its_own_price_when_the_book_comes_to_it() -> None:
    desk = bench(BIDS, ASKS)
    desk.place(limit("BUY", "3", "100.0"))
    desk.exchange.supply(SYMBOL, Levels(BIDS, {"99.95": "1", "100.0": "1", "100.1": "9"}), D(100))
    met = of(OrderExecuted, desk.exchange.book_moved(SYMBOL, desk.now))
    assert [(each.price, each.quantity, each.is_maker) for each in met] == [(D(100), D(1), True)] * 2
    assert desk.exchange.book_moved(SYMBOL, desk.now) == ()


def test_a_resting_order_is_met_by_prints_beyond_it_and_not_by_those_at_it() -> None:
    desk = bench(BIDS, ASKS)
    desk.place(limit("BUY", "3", "99.9"))
    assert fills(desk.exchange.printed(SYMBOL, D("99.9"), D(9), desk.now)) == []
    assert fills(desk.exchange.printed(SYMBOL, D("99.8"), D(2), desk.now)) == [("99.9", "2")]
    assert fills(desk.exchange.printed(SYMBOL, D("99.8"), D(2), desk.now)) == [("99.9", "1")]


def test_of_two_resting_orders_the_better_price_comes_first_then_the_first_to_come() -> None:
    desk = bench(BIDS, ASKS)
    for name, price in (("early", "99.7"), ("late", "99.7"), ("best", "99.8")):
        desk.place(limit("BUY", "1", price, name))
    met = of(OrderExecuted, desk.exchange.printed(SYMBOL, D("99.6"), D("2.5"), desk.now))
    assert [(each.client_order_id, each.quantity) for each in met] == [
        ("best", D(1)),
        ("early", D(1)),
        ("late", D("0.5")),
    ]


def test_a_stop_goes_by_prints_and_takes_what_the_book_holds() -> None:
    desk = bench(BIDS, ASKS)
    desk.place(stop("SELL", "2", "99"))
    assert fills(desk.exchange.printed(SYMBOL, D("99.1"), D(1), desk.now)) == []
    assert fills(desk.exchange.printed(SYMBOL, D("99"), D(1), desk.now)) == [("99.9", "1"), ("99.8", "1")]


def test_accounts_come_before_levels_of_their_price_and_do_not_trade_with_themselves() -> None:
    desk = bench(BIDS, ASKS)
    desk.exchange.deposit("BTC", D(10), desk.now, "other")
    desk.exchange.deposit("USDT", D(1000), desk.now, "other")
    desk.place(limit("SELL", "1", "100.1", "theirs"), "other")
    desk.place(limit("SELL", "1", "100.1", "ours"))
    bought = of(OrderExecuted, desk.place(limit("BUY", "3", "100.2", "b", mode="EXPIRE_MAKER")))
    assert [(each.price, each.quantity) for each in bought if each.side == "BUY"] == [
        (D("100.1"), D(1)),
        (D("100.1"), D(1)),
        (D("100.2"), D(1)),
    ]
    assert [event.client_order_id for event in bought if event.side == "SELL"] == []


def test_nothing_is_met_while_trading_is_halted() -> None:
    desk = bench(BIDS, ASKS)
    desk.place(limit("BUY", "1", "99.9"))
    desk.exchange.set_status(SYMBOL, "HALT", desk.now)
    assert fills(desk.exchange.printed(SYMBOL, D(90), D(9), desk.now)) == []
    desk.exchange.set_status(SYMBOL, "TRADING", desk.now)
    assert fills(desk.exchange.printed(SYMBOL, D(90), D(9), desk.now)) == [("99.9", "1")]


def owned(desk: Bench) -> dict[str, D]:
    return {asset: held.free + held.locked for asset, held in desk.exchange.balances().items()}


STEPS = st.integers(1, 500).map(lambda units: D(units).scaleb(-2))
PRICES = st.integers(900, 1100).map(lambda units: D(units).scaleb(-1))
MODES: list[SelfTradePrevention] = ["EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"]


@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), STEPS, PRICES), max_size=12), st.sampled_from(MODES))
def test_nothing_is_made_or_lost_and_no_limit_is_broken(
    asked: list[tuple[str, D, D]], mode: SelfTradePrevention
) -> None:
    """The account's worth changes by what the book gave and took, and nobody gets worse than he asked for."""
    desk = bench(BIDS, ASKS)
    for number, (side, quantity, price) in enumerate(asked):
        before = owned(desk)
        events = desk.place(limit(side, str(quantity), str(price), f"o{number}", mode=mode))  # type: ignore[arg-type]
        executed = of(OrderExecuted, events)
        for each in executed:
            assert (each.price <= price) if each.side == "BUY" else (each.price >= price)
        change = {"BTC": D(0), "USDT": D(0)}
        for each in executed:
            sign = 1 if each.side == "BUY" else -1
            change["BTC"] += sign * each.quantity
            change["USDT"] -= sign * each.quantity * each.price
        assert {asset: amount - before[asset] for asset, amount in owned(desk).items()} == change
