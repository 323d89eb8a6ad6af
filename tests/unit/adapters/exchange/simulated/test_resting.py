"""Orders that rest: limits, stops, take-profits along a candle's path (trading-rules 5.2 to 5.5)."""

from decimal import Decimal as D

import pytest

from roottrading.adapters.exchange.simulated import FillModel
from roottrading.domain.money import plain
from roottrading.domain.order import OrderType, Side
from roottrading.domain.time import MINUTE, SECOND
from roottrading.messages.exchange import AccountChanged, OrderExecuted, OrderSpec, OrderTriggered
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

SLIPPING = FillModel(slippage=D("0.0005"))
IMMEDIATE = [(-2010, "Order would trigger immediately.")]
WOULD_TAKE = [(-2010, "Order would immediately match and take.")]


def test_a_resting_limit_is_filled_only_when_traded_through_by_a_tick() -> None:
    bench = Bench()
    bench.opens("100", high="103", low="98")
    bench.place(limit("BUY", "1", "98", "buy"))
    bench.place(limit("SELL", "1", "103", "sell"))
    assert fills(bench.closes()) == []
    assert fills(bench.passes("100", high="103", low="97.9", close="100")) == [("98", "1")]
    (sold,) = of(OrderExecuted, bench.passes("100", high="103.1", low="99", close="100"))
    assert (sold.price, sold.is_maker, sold.at) == (D(103), True, bench.now)


def test_a_resting_limit_is_filled_at_its_limit_also_where_the_candle_opens_beyond_it() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("BUY", "1", "98", "buy"))
    bench.closes()
    assert fills(bench.passes("90", high="91", low="89", close="90")) == [("98", "1")]


def test_a_resting_limit_is_filled_in_parts_by_the_volume_share() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(limit("SELL", "3", "102", "sell"))
    bench.closes()
    assert fills(bench.passes("100", "103", "99", "100", volume="15")) == [("102", "1.5")]
    assert bench.holds("BTC") == (D(997), D("1.5"))
    assert fills(bench.passes("100", "103", "99", "100", volume="0.05")) == []
    assert fills(bench.passes("100", "103", "99", "100", volume="15")) == [("102", "1.5")]
    assert bench.holds("BTC") == (D(997), 0)


def test_the_better_price_is_filled_first_and_then_the_longer_wait() -> None:
    bench = Bench()
    bench.opens("100")
    for name, price in (("late", "98"), ("best", "99"), ("later", "98")):
        bench.place(limit("BUY", "2", price, name))
    bench.closes()
    events = bench.passes("100", "100", "97", "98", volume="50")
    assert [(event.client_order_id, plain(event.quantity)) for event in of(OrderExecuted, events)] == [
        ("best", "2"),
        ("late", "2"),
        ("later", "1"),
    ]


def test_a_limit_maker_that_would_take_is_refused() -> None:
    bench = Bench()
    bench.opens("100")
    assert refusals(bench.place(maker("BUY", "1", "100"))) == WOULD_TAKE
    assert refusals(bench.place(maker("SELL", "1", "100"))) == WOULD_TAKE
    assert openings(bench.place(maker("SELL", "1", "100.1"))) == [("t", "NEW")]
    assert refusals(bench.place(maker("BUY", "1", "100.1", "u"))) == WOULD_TAKE  # it would meet the one above


def test_a_market_stop_fills_at_the_worse_of_stop_and_open_less_slippage() -> None:
    bench = Bench(model=SLIPPING)
    bench.opens("100")
    bench.place(stop("SELL", "1", "97.3"))
    bench.closes()
    assert fills(bench.passes("99", "99", "97.4", "98")) == []
    (touched,) = of(OrderExecuted, bench.passes("98", "99", "97.3", "98"))
    assert (touched.price, touched.is_maker, touched.at) == (D("97.2"), False, bench.now)  # 97.3 x 0.9995 = 97.25135

    bench.opens("100")
    bench.place(stop("SELL", "1", "97.3"))
    bench.closes()
    assert fills(bench.passes("95", "99", "90", "98")) == [("94.9", "1")]  # 95 x 0.9995 = 94.9525


def test_a_market_stop_fills_what_the_volume_allows_and_expires_with_the_rest() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(stop("SELL", "5", "97"))
    bench.closes()
    events = bench.passes("100", "100", "96", "96", volume="20")
    assert fills(events) == [("97", "2")]
    assert endings(events) == [("s", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]
    assert bench.holds("BTC") == (D(998), 0)


def test_a_candle_without_volume_triggers_and_fills_nothing() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(stop("SELL", "1", "97"))
    bench.place(limit("SELL", "1", "101"))
    bench.closes()
    assert bench.passes("90", "102", "90", "90", volume="0") == []
    assert len(of(OrderExecuted, bench.passes("90", "102", "90", "90"))) == 2


def stop_limit(side: Side, kind: OrderType, stop_price: str, price: str) -> OrderSpec:
    return OrderSpec("s", side, kind, D(2), D(price), D(stop_price), "GTC")


def test_a_triggered_stop_limit_takes_what_its_limit_and_the_volume_allow_and_rests() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(stop_limit("SELL", "STOP_LOSS_LIMIT", "97", "95"))
    bench.closes()
    events = bench.passes("100", "100", "96", "96", volume="15")
    assert [event.client_order_id for event in of(OrderTriggered, events)] == ["s"]  # on the book now
    assert fills(events) == [("97", "1.5")]
    assert bench.holds("BTC") == (D(998), D("0.5"))
    assert fills(bench.passes("94", "95", "94", "94")) == []
    assert fills(bench.passes("94", "95.1", "94", "94")) == [("95", "0.5")]


def test_a_stop_limit_whose_limit_the_market_jumped_waits_for_it() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(stop_limit("SELL", "STOP_LOSS_LIMIT", "97", "95"))
    bench.closes()
    events = bench.passes("93", "94", "92", "93")
    assert [event.client_order_id for event in of(OrderTriggered, events)] == ["s"]
    assert fills(events) == []
    (sold,) = of(OrderExecuted, bench.passes("93", "96", "92", "93"))
    assert (sold.price, sold.is_maker) == (D(95), True)


@pytest.mark.parametrize(
    ("kind", "side", "level", "untouched", "touched", "price"),
    [
        ("STOP_LOSS", "BUY", "103", ("100", "102.9", "99"), ("100", "103", "99"), "103"),
        ("STOP_LOSS", "BUY", "103", ("100", "102.9", "99"), ("105", "106", "104"), "105"),
        ("TAKE_PROFIT", "SELL", "103", ("100", "102.9", "99"), ("100", "103", "99"), "103"),
        ("TAKE_PROFIT", "BUY", "97", ("100", "101", "97.1"), ("100", "101", "97"), "97"),
    ],
)
def test_the_other_triggers(
    kind: OrderType,
    side: Side,
    level: str,
    untouched: tuple[str, str, str],
    touched: tuple[str, str, str],
    price: str,
) -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(OrderSpec("s", side, kind, D(1), None, D(level)))
    bench.closes()
    assert fills(bench.passes(*untouched, close="100")) == []
    assert fills(bench.passes(*touched, close="100")) == [(price, "1")]
    assert bench.holds("USDT")[1] == bench.holds("BTC")[1] == 0


def test_a_triggered_take_profit_limit_takes_at_its_trigger() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(stop_limit("SELL", "TAKE_PROFIT_LIMIT", "103", "102"))
    bench.closes()
    assert fills(bench.passes("100", "103", "99", "100")) == [("103", "2")]


def test_a_triggered_buy_stop_takes_only_what_it_can_pay() -> None:
    bench = Bench({"USDT": "206"})
    bench.opens("100")
    bench.place(OrderSpec("s", "BUY", "STOP_LOSS", D(2), None, D(103)))
    assert bench.holds("USDT") == (0, 206)
    bench.closes()
    events = bench.passes("120", "121", "119", "120")
    assert fills(events) == [("120", "1.71")]  # 206 / 120 = 1.7166
    assert endings(events) == [("s", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]


@pytest.mark.parametrize(
    ("kind", "side", "refused", "taken"),
    [
        ("STOP_LOSS", "SELL", "100", "99.9"),
        ("STOP_LOSS", "BUY", "100", "100.1"),
        ("TAKE_PROFIT", "SELL", "100", "100.1"),
        ("TAKE_PROFIT", "BUY", "100", "99.9"),
    ],
)
def test_a_stop_price_that_the_market_is_beyond_is_refused(
    kind: OrderType, side: Side, refused: str, taken: str
) -> None:
    bench = Bench()
    bench.opens("100")
    assert refusals(bench.place(OrderSpec("s", side, kind, D(1), None, D(refused)))) == IMMEDIATE
    assert openings(bench.place(OrderSpec("s", side, kind, D(1), None, D(taken)))) == [("s", "NEW")]


def test_after_the_close_the_current_price_is_the_close() -> None:
    bench = Bench()
    bench.opens("100", high="100", low="90", close="95")
    bench.closes()
    assert refusals(bench.place(stop("SELL", "1", "95"))) == IMMEDIATE
    assert openings(bench.place(stop("SELL", "1", "94.9"))) == [("s", "NEW")]


def test_the_stop_goes_before_the_target_in_one_candle() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place_list("OCO", stop("SELL", "1", "97"), maker("SELL", "1", "103"))
    bench.closes()
    events = bench.passes("102", "110", "97", "105")
    assert fills(events, "s") == [("97", "1")]
    assert endings(events) == [("t", "EXPIRED", "OCO_TRIGGER")]


def test_a_target_waits_for_the_candle_after_the_entry_and_the_stop_does_not() -> None:
    bench = Bench()
    bench.opens("100", high="110", low="99")
    bench.place(market("BUY", "1"))
    bench.place(maker("SELL", "1", "103"))
    bench.place(stop("SELL", "1", "99", "stop"))
    assert fills(bench.closes()) == [("99", "1")]
    assert fills(bench.passes("100", "110", "99.5", "100")) == [("103", "1")]


def test_an_account_that_did_not_buy_has_its_targets_met() -> None:
    bench = Bench()
    bench.exchange.deposit("BTC", D(5), bench.now, "other")
    bench.opens("100", high="110", low="99")
    bench.place(market("BUY", "1"))
    bench.place(maker("SELL", "1", "103"), "other")
    assert fills(bench.closes()) == []
    assert [event.client_order_id for event in of(OrderExecuted, bench.exchange.take_events()["other"])] == ["t"]


def test_the_levels_on_the_way_down_are_met_from_above() -> None:
    bench = Bench()
    bench.opens("100")
    bench.place(stop("SELL", "2", "97", "lower"))
    bench.place(stop("SELL", "2", "98", "upper"))
    bench.closes()
    events = bench.passes("100", "100", "96", "96", volume="30")
    assert [(event.client_order_id, plain(event.quantity)) for event in of(OrderExecuted, events)] == [
        ("upper", "2"),
        ("lower", "1"),
    ]


def test_bounds_are_the_nearest_levels_that_could_touch_anything() -> None:
    bench = Bench()
    assert bench.exchange.bounds(SYMBOL) == (None, None)
    bench.opens("100")
    bench.place(stop("SELL", "1", "97"))
    bench.place(limit("BUY", "1", "98", "buy"))
    bench.place(maker("SELL", "1", "104"))
    bench.place(stop("BUY", "1", "103", "above"))
    assert bench.exchange.bounds(SYMBOL) == (D("97.9"), D(103))
    assert not bench.exchange.waits_for_open(SYMBOL)


def test_balances_are_told_whole_once_a_call_and_only_when_they_changed() -> None:
    bench = Bench()
    bench.opens("100")
    assert of(AccountChanged, bench.place(limit("BUY", "1", "90", force="FOK"))) == []
    (changed,) = of(AccountChanged, bench.place(limit("BUY", "1", "90")))
    assert [(item.asset, item.free, item.locked) for item in changed.balances] == [("USDT", D(99910), D(90))]
    bench.closes()
    (changed,) = of(AccountChanged, bench.passes("89", "89", "89", "89"))
    assert {item.asset: (item.free, item.locked) for item in changed.balances} == {
        "USDT": (D(99910), D(0)),
        "BTC": (D(1001), D(0)),
    }


def test_standing_on_an_open_twice_gives_no_second_allowance() -> None:
    bench = Bench()
    bench.opens("100", volume="10")
    bench.place(market("BUY", "1"))
    assert bench.candle is not None
    bench.exchange.candle_opens(bench.candle, bench.now)
    assert fills(bench.place(market("BUY", "1"))) == []


def test_an_unknown_symbol_on_the_tape_is_named() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="does not list 'DOGEUSDT'"):
        bench.exchange.bounds("DOGEUSDT")


def test_a_fill_inside_a_candle_is_of_the_instant_of_the_next_open() -> None:
    bench = Bench()
    bench.opens("100")
    bench.now += SECOND
    bench.place(market("BUY", "1"))
    bench.closes()
    (bought,) = of(OrderExecuted, bench.opens("101"))
    assert bought.at == 2 * MINUTE
