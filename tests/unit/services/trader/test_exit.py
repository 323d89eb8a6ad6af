"""Exits: never beside what locks the base; half done, refused, partly filled, repeated; reasons and dust."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.domain.balance import Balance
from roottrading.messages.commands import CloseTradeCycle, MoveStop
from roottrading.messages.events import OrderChanged, OrderRejected
from roottrading.messages.exchange import AccountChanged, CancelReplace, InstrumentChanged, PlaceOrder
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, T, cycle, leg, opening

D = Decimal
SHORT = (-2010, "Account has insufficient balance for requested action.")


def close(reason: str = "verdict") -> CloseTradeCycle:
    return CloseTradeCycle(cycle(), SYMBOL, reason)


def sold(bench: Bench) -> Decimal:
    return sum((fill.quantity for fill in bench.fills if fill.side == "SELL"), D(0))


def test_an_exit_replaces_the_stop_by_a_market_sell() -> None:
    bench = Bench()
    bench.filled()
    bench.command(close())
    request = bench.requests[-1]
    assert isinstance(request, CancelReplace)
    assert (request.target, request.order.type, request.order.quantity) == (leg("s"), "MARKET", D("0.999"))
    assert request.stop_on_failure
    assert request.urgency == 1
    assert request.order.self_trade_prevention == "EXPIRE_TAKER"
    assert bench.moves == [("opening", "accepted"), ("open", "filled"), ("closing", "verdict"), ("closed", "verdict")]
    assert {name: order.status for name, order in bench.orders.items()} == {
        "e1": "FILLED",
        "s1": "CANCELED",
        "t1": "CANCELED",
        "x1": "FILLED",
    }
    assert sold(bench) == D("0.999")
    assert bench.dust == 0
    assert bench.records("executions") == {}
    assert bench.deadlines == {}
    assert bench.alerts == []


def test_every_fill_is_said_before_the_cycle_is_closed() -> None:
    bench = Bench()
    bench.filled()
    bench.command(close())
    names = [type(message).__name__ for message in bench.messages]
    assert names[-3:] == ["OrderChanged", "OrderFilled", "TradeCycleMoved"]


@pytest.mark.parametrize(("leg_name", "reason"), [("s", "stop"), ("t", "target")])
def test_a_leg_that_fills_closes_the_cycle_with_its_reason(leg_name: str, reason: str) -> None:
    bench = Bench()
    bench.filled()
    bench.happen(bench.exchange.fill(leg(leg_name), D("0.999")))
    assert bench.moves[-1] == ("closed", reason)
    assert "closing" not in [status for status, _ in bench.moves]
    assert len(bench.requests) == 1
    assert bench.deadlines == {}


def test_a_partly_filled_target_has_lost_its_stop_and_its_rest_goes_at_market() -> None:
    bench = Bench()
    bench.filled()
    bench.happen(bench.exchange.fill(leg("t"), D("0.3")))
    request = bench.requests[-1]
    assert isinstance(request, CancelReplace)
    assert (request.target, request.order.quantity) == (leg("t"), D("0.699"))
    assert bench.moves[-2:] == [("closing", "target"), ("closed", "target")]
    assert sold(bench) == D("0.999")
    assert bench.spans == []
    locks = [said.locked for said in bench.said(OrderChanged) if said.order.client_order_id == leg("t")]
    assert locks == [D(0), D("0.699"), D(0)]


def test_a_stop_that_expired_with_a_rest_is_sold_at_market_at_once_and_then_each_second() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fills["x"] = [D("0.5"), D(0), D(1)]
    bench.happen([*bench.exchange.fill(leg("s"), D("0.4")), *bench.exchange.end(leg("s"), "EXPIRED", "NO_LIQUIDITY")])
    assert bench.asked(1) == ["PlaceOrder x1"]
    assert bench.status == "closing"
    assert bench.orders["x1"].quantity == D("0.599")
    bench.advance(SECOND - 1)
    assert bench.asked(1) == ["PlaceOrder x1"]
    bench.advance(1)
    assert bench.asked(1) == ["PlaceOrder x1", "PlaceOrder x2"]
    bench.advance(SECOND)
    assert bench.moves[-1] == ("closed", "stop")
    assert sold(bench) == D("0.999")
    assert [(span.since, span.until, span.kind) for span in bench.spans] == [(T, T + 2 * SECOND, "closing")]


def test_a_stop_that_expired_without_any_fill_is_sold_at_market() -> None:
    bench = Bench()
    bench.filled()
    bench.happen(
        [*bench.exchange.end(leg("t"), "EXPIRED", "OCO_TRIGGER"), *bench.exchange.end(leg("s"), "EXPIRED", "NONE")]
    )
    assert bench.moves[-1] == ("closed", "stop")
    assert sold(bench) == D("0.999")


def test_a_triggered_stop_has_two_seconds_then_the_rest_goes_at_market() -> None:
    bench = Bench(replace(INSTRUMENT, order_types=INSTRUMENT.order_types - {"STOP_LOSS"}))
    bench.filled()
    bench.happen(bench.exchange.end(leg("t"), "EXPIRED", "OCO_TRIGGER"))  # the stop was triggered below its limit
    bench.advance(2 * SECOND - 1)
    assert [name for name in bench.asked(1) if not name.startswith("QueryOrder")] == []
    bench.advance(1)
    assert bench.asked(1)[-1] == "CancelReplace x1"
    assert bench.moves[-2:] == [("closing", "stop"), ("closed", "stop")]


def test_a_triggered_stop_that_fills_in_parts_is_left_alone_for_two_seconds() -> None:
    bench = Bench(replace(INSTRUMENT, order_types=INSTRUMENT.order_types - {"STOP_LOSS"}))
    bench.filled(target=None)
    bench.happen(bench.exchange.fill(leg("s"), D("0.2")))
    assert bench.asked(1) == []
    bench.advance(SECOND)
    bench.happen(bench.exchange.fill(leg("s"), D("0.2")))
    assert bench.asked(1) == []
    bench.advance(SECOND)
    assert bench.asked(1) == ["CancelReplace x1"]
    assert bench.orders["x1"].quantity == D("0.599")
    assert bench.moves[-1] == ("closed", "stop")


def test_half_done_409_sells_at_market_at_once() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["x"] = [(-2021, "Order cancel-replace partially failed.")]
    bench.command(close())
    assert bench.asked(1) == ["CancelReplace x1", "PlaceOrder x2"]
    assert bench.moves[-1] == ("closed", "verdict")
    assert sold(bench) == D("0.999")


def test_400_with_2011_waits_for_what_happened_and_never_sells_twice() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fill(leg("s"), D("0.999"))  # nobody has told us yet
    bench.command(close())
    assert bench.asked(1)[:2] == ["CancelReplace x1", "QueryOrder s1"]
    assert [name for name in bench.asked(1) if name.startswith(("Place", "Cancel"))] == ["CancelReplace x1"]
    assert bench.moves[-2:] == [("closing", "verdict"), ("closed", "stop")]
    assert sold(bench) == D("0.999")
    assert bench.exchange.base_free == 0


def test_400_because_the_leg_is_being_filled_in_part() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fill(leg("t"), D("0.5"))
    bench.command(close())
    # the stop is gone with the target's first fill: the rest of the target is replaced
    assert [name for name in bench.asked(1) if name.startswith("Cancel")] == ["CancelReplace x1", "CancelReplace x2"]
    assert sold(bench) == D("0.999")
    assert bench.moves[-1] == ("closed", "target")


def test_429_leaves_the_stop_and_tries_again_after_a_second() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["x"] = [(-1015, "Too many new orders.")]
    bench.command(close())
    assert bench.asked(1) == ["CancelReplace x1"]
    assert bench.orders["s1"].status == "NEW"
    bench.advance(SECOND)
    assert bench.asked(1) == ["CancelReplace x1", "CancelReplace x2"]
    assert bench.moves[-1] == ("closed", "verdict")
    assert bench.alerts == []


def test_refused_exits_are_tried_again_ever_more_slowly_and_alerted_once() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["x"] = [(-2021, "partially failed")] + [(-1000, "An unknown error occurred.")] * 4
    bench.command(close())
    bench.advance(20 * SECOND)
    times = [(request.issued_at - T) // SECOND for request in bench.requests[1:]]
    assert times == [0, 0, 1, 3, 7, 15]
    assert bench.alerts == ["exit_refused"]
    assert [rejected.code for rejected in bench.said(OrderRejected)] == [-2021, -1000, -1000, -1000, -1000]
    assert bench.moves[-1] == ("closed", "verdict")


def test_a_leg_that_filled_meanwhile_is_no_rejection() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fill(leg("s"), D("0.999"))
    bench.command(close())
    assert bench.moves[-1] == ("closed", "stop")
    assert bench.said(OrderRejected) == []


def test_without_cancel_replace_the_list_is_cancelled_first() -> None:
    bench = Bench(replace(INSTRUMENT, cancel_replace_allowed=False))
    bench.filled()
    bench.command(close())
    assert bench.asked(1) == ["CancelOrder c1", "PlaceOrder x1"]
    assert sold(bench) == D("0.999")
    assert bench.moves[-1] == ("closed", "verdict")


def test_a_cancel_refused_because_the_stop_was_filled() -> None:
    bench = Bench(replace(INSTRUMENT, cancel_replace_allowed=False))
    bench.filled()
    bench.exchange.fill(leg("s"), D("0.999"))
    bench.command(close())
    assert [name for name in bench.asked() if name.startswith("PlaceOrder x")] == []
    assert bench.moves[-1] == ("closed", "stop")


def test_the_time_limit_sells_at_market() -> None:
    bench = Bench()
    bench.command(opening(time_limit_at=T + 600 * SECOND))
    bench.advance(600 * SECOND - 1)
    assert bench.status == "open"
    bench.advance(1)
    assert bench.moves[-1] == ("closed", "time_limit")
    assert bench.deadlines == {}


def test_a_time_limit_of_an_ended_cycle_is_withdrawn() -> None:
    bench = Bench()
    bench.command(opening(time_limit_at=T + 600 * SECOND))
    bench.command(close())
    assert bench.deadlines == {}


def test_an_entry_filled_after_its_time_limit_leaves_again() -> None:
    bench = Bench()
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 900 * SECOND, time_limit_at=T + 60 * SECOND))
    bench.advance(120 * SECOND)
    bench.happen(bench.exchange.fill(leg("e"), D(1)))
    assert bench.moves[-1] == ("closed", "time_limit")


def test_what_met_our_own_bid_is_repeated_over_it_once() -> None:
    bench = Bench()
    bench.filled()
    bench.happen(bench.exchange.end(leg("t"), "EXPIRED", "OCO_TRIGGER"))
    bench.happen(bench.exchange.end(leg("s"), "EXPIRED_IN_MATCH"))
    request = bench.requests[-1]
    assert isinstance(request, PlaceOrder)
    assert (request.order.type, request.order.self_trade_prevention) == ("MARKET", "EXPIRE_MAKER")
    assert bench.moves[-1] == ("closed", "stop")
    assert bench.alerts == ["self_trade"]


def test_a_market_sell_that_met_our_own_bid_is_repeated_at_once() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fills["x"] = [D(0)]
    bench.exchange.rest_ends = "EXPIRED_IN_MATCH"
    bench.command(close())
    assert bench.asked(1) == ["CancelReplace x1", "PlaceOrder x2"]
    assert bench.moves[-1] == ("closed", "verdict")
    assert bench.alerts == ["self_trade"]


def test_market_orders_are_no_larger_than_their_filter_allows() -> None:
    bench = Bench(replace(INSTRUMENT, market_max_quantity=D("0.4")))
    bench.filled()
    bench.command(close())
    assert bench.asked(1) == ["CancelReplace x1", "PlaceOrder x2", "PlaceOrder x3"]
    assert [fill.quantity for fill in bench.fills[1:]] == [D("0.4"), D("0.4"), D("0.199")]
    assert bench.moves[-1] == ("closed", "verdict")


def test_market_steps_are_their_own() -> None:
    bench = Bench(replace(INSTRUMENT, market_step_size=D("0.01")))
    bench.filled()
    bench.command(close())
    assert sold(bench) == D("0.99")
    assert bench.dust == D("0.009")


def test_a_rest_below_the_filters_does_not_keep_the_cycle_open() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fills["x"] = [D("0.96")]
    bench.command(close())
    assert bench.moves[-1] == ("closed", "verdict")  # 0.04 x 100.3 is less than minNotional
    assert bench.dust == D("0.999") - D("0.959")
    assert bench.deadlines == {}


def test_a_rest_that_only_the_exchange_finds_too_small_becomes_dust() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fills["x"] = [D("0.94")]
    bench.command(close())
    assert bench.status == "closing"  # 0.06 is worth more than minNotional at the last price
    bench.exchange.refusals["x"] = [(-1013, "Filter failure: NOTIONAL")]
    bench.advance(SECOND)
    assert bench.moves[-1] == ("closed", "verdict")
    assert bench.dust == D("0.060")
    assert bench.alerts == ["rest_refused"]


def test_a_large_position_is_never_written_off_as_dust() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["x"] = [(-2021, "partially failed"), (-1013, "Filter failure: LOT_SIZE")]
    bench.command(close())
    assert bench.status == "closing"
    assert bench.alerts == ["exit_refused"]
    bench.advance(SECOND)
    assert bench.moves[-1] == ("closed", "verdict")


def test_commands_for_another_status_are_refused() -> None:
    bench = Bench()
    bench.command(close())
    assert bench.refusals == [("CloseTradeCycle", "no such cycle under way")]
    bench.filled()
    bench.exchange.fills["x"] = [D(0)]
    bench.command(close())
    bench.command(close("again"))
    assert bench.refusals[-1] == ("CloseTradeCycle", "the cycle is closing")


def test_while_the_market_is_halted_nothing_is_sent_and_it_goes_on_when_it_opens() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "HALT"))
    bench.command(close())
    bench.advance(60 * SECOND)
    assert bench.asked(1) == []
    bench.give(InstrumentChanged(SYMBOL, "", bench.now, "TRADING"))
    assert bench.moves[-1] == ("closed", "verdict")
    assert bench.alerts == ["market_status", "market_status"]


def test_a_halted_market_is_not_entered_and_its_resting_entries_are_cancelled() -> None:
    bench = Bench()
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 900 * SECOND))
    bench.give(InstrumentChanged(SYMBOL, "", T, "CANCEL_ONLY"))
    assert bench.moves[-1] == ("expired", "not_trading")
    bench.command(opening(number=2))
    assert bench.refusals == [("OpenTradeCycle", "not_trading")]


def test_no_more_is_sold_than_is_free_where_the_account_has_spoken_since() -> None:
    bench = Bench()
    bench.filled()
    bench.advance(SECOND)
    bench.exchange.base_free -= D("0.1")  # somebody took coins away: what rests is all there is, and a little less
    bench.give(AccountChanged("", "", bench.now, (Balance("BASE", D("-0.1"), D("0.999")),)))
    bench.command(close())
    assert bench.fills[-1].quantity == D("0.899")


# ---- other coins on the account: the exchange would not notice a sell beside what rests


def with_other_coins(**flags: bool) -> Bench:
    bench = Bench(replace(INSTRUMENT, **flags), base_free="5")
    bench.command(opening())
    bench.advance(SECOND)
    return bench


def others(bench: Bench) -> Decimal:
    """What is left of the coins that are not the cycle's, once it is closed."""
    return bench.exchange.base_free - bench.dust


def test_a_stop_filled_in_part_meanwhile_is_not_replaced_by_a_sell_of_the_whole() -> None:
    bench = with_other_coins()
    bench.exchange.meanwhile = [lambda: bench.exchange.fill(leg("s"), D("0.4"))]
    bench.command(close())
    bench.advance(10 * SECOND)
    assert bench.moves[-1] == ("closed", "stop")
    assert sold(bench) == D("0.999")
    assert others(bench) == 5


def test_a_stop_filled_in_part_meanwhile_is_not_moved_with_the_whole() -> None:
    bench = with_other_coins()
    bench.exchange.meanwhile = [lambda: bench.exchange.fill(leg("s"), D("0.4"))]
    bench.command(MoveStop(cycle(), SYMBOL, D(101)))
    assert leg("s", 2) not in bench.exchange.orders
    bench.advance(10 * SECOND)
    assert sold(bench) == D("0.999")
    assert others(bench) == 5


def test_a_target_that_fills_on_while_its_rest_is_cancelled_is_sold_exactly() -> None:
    bench = with_other_coins()
    bench.exchange.meanwhile = [lambda: bench.exchange.fill(leg("t"), D("0.2"))]
    bench.happen(bench.exchange.fill(leg("t"), D("0.3")))
    assert [name for name in bench.asked(2) if name.startswith(("Cancel", "Place"))] == [
        "CancelOrder c1",
        "PlaceOrder x1",
    ]
    assert bench.orders["x1"].quantity == D("0.499")
    assert others(bench) == 5


def test_a_cancel_that_was_lost_is_sent_again_and_nothing_sold_before_it_is_done() -> None:
    bench = with_other_coins(cancel_replace_allowed=False)
    bench.exchange.outages["c"] = ["before"]
    bench.command(close())
    bench.advance(60 * SECOND)
    placed = [name for name in bench.asked(2) if name.startswith(("Cancel", "Place"))]
    assert placed == ["CancelOrder c1", "CancelOrder c2", "PlaceOrder x1"]
    assert others(bench) == 5
