"""Entries: one request with its protection, or IOC and OCO; refusals at the last door; resting entries."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.domain.fees import FeeSchedule
from roottrading.messages.commands import CancelEntry, CloseTradeCycle
from roottrading.messages.events import OrderChanged, OrderRejected
from roottrading.messages.exchange import PlaceOrder, PlaceOrderList
from roottrading.messages.service import ControlChanged
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, T, cycle, leg, opening

D = Decimal


def test_entry_and_protection_are_one_opoco() -> None:
    bench = Bench()
    bench.command(opening())
    request = bench.requests[0]
    assert isinstance(request, PlaceOrderList)
    assert (request.kind, request.client_order_id, request.urgency) == ("OPOCO", leg("l"), 2)
    working, stop, target = request.orders
    assert (working.type, working.time_in_force, working.price, working.quantity) == ("LIMIT", "FOK", D("100.30"), D(1))
    assert (stop.type, stop.quantity, stop.stop_price, stop.price) == ("STOP_LOSS", None, D(98), None)
    assert (target.type, target.quantity, target.price) == ("LIMIT_MAKER", None, D(104))
    assert {spec.self_trade_prevention for spec in request.orders} == {"EXPIRE_TAKER"}
    assert [spec.client_order_id for spec in request.orders] == [leg("e"), leg("s"), leg("t")]
    assert bench.moves == [("opening", "accepted"), ("open", "filled")]
    assert bench.asked() == ["PlaceOrderList l1"]
    orders = bench.orders
    assert {name: (order.status, order.quantity) for name, order in orders.items()} == {
        "e1": ("FILLED", D(1)),
        "s1": ("NEW", D("0.999")),
        "t1": ("NEW", D("0.999")),
    }
    assert all(order.created_at == T for order in orders.values())
    assert [(fill.quantity, fill.fee, fill.fee_in_quote) for fill in bench.fills] == [(D(1), D("0.001"), D("0.1003"))]
    assert bench.alerts == []
    assert bench.spans == []
    assert bench.deadlines == {}


def test_a_list_locks_once() -> None:
    bench = Bench()
    bench.filled()
    locks = {said.order.client_order_id.rsplit("-", 1)[-1]: said.locked for said in bench.said(OrderChanged)}
    assert locks == {"e1": D(0), "s1": D("0.999"), "t1": D(0)}


def test_without_target_the_list_is_an_opo() -> None:
    bench = Bench()
    bench.filled(target=None)
    request = bench.requests[0]
    assert isinstance(request, PlaceOrderList)
    assert request.kind == "OPO"
    assert len(request.orders) == 2
    assert set(bench.orders) == {"e1", "s1"}


def test_an_unfilled_fok_expires_the_cycle_and_its_legs_were_never_orders() -> None:
    bench = Bench()
    bench.exchange.fills["e"] = [D(0)]
    bench.command(opening())
    assert bench.moves == [("opening", "accepted"), ("expired", "not_filled")]
    assert {name: order.status for name, order in bench.orders.items()} == {"e1": "EXPIRED"}
    assert bench.records("executions") == {}
    assert bench.deadlines == {}
    assert len(bench.requests) == 1


@pytest.mark.parametrize(
    "free",
    [pytest.param("0.001", id="as much as the taker fee and a step"), pytest.param("5", id="foreign coins")],
)
def test_free_base_means_ioc_and_then_one_oco(free: str) -> None:
    bench = Bench(base_free=free)
    bench.command(opening())
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrderList l1"]
    entry, protection = bench.requests
    assert isinstance(entry, PlaceOrder)
    assert isinstance(protection, PlaceOrderList)
    assert (entry.order.type, entry.order.time_in_force, entry.order.self_trade_prevention) == (
        "LIMIT",
        "IOC",
        "EXPIRE_TAKER",
    )
    assert (protection.kind, protection.urgency) == ("OCO", 0)
    assert {spec.quantity for spec in protection.orders} == {D("0.999")}
    assert bench.status == "open"
    assert bench.alerts == []
    assert bench.spans == []


def test_less_free_base_than_fee_and_step_still_allows_the_list() -> None:
    bench = Bench(base_free="0.0009")
    bench.command(opening())
    assert bench.asked() == ["PlaceOrderList l1"]


def test_an_account_that_has_not_spoken_is_not_taken_for_empty() -> None:
    bench = Bench(account_heard=False)
    bench.command(opening())
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrderList l1"]


@pytest.mark.parametrize("flag", ["oto_allowed", "opo_allowed", "oco_allowed"])
def test_every_flag_off_takes_the_other_way(flag: str) -> None:
    bench = Bench(replace(INSTRUMENT, **{flag: False}))
    bench.command(opening())
    wanted = "PlaceOrder s1" if flag == "oco_allowed" else "PlaceOrderList l1"
    assert bench.asked() == ["PlaceOrder e1", wanted]
    assert bench.orders["s1"].status == "NEW"


def test_without_stop_loss_the_stop_is_a_stop_loss_limit_5_percent_below() -> None:
    bench = Bench(replace(INSTRUMENT, order_types=INSTRUMENT.order_types - {"STOP_LOSS"}))
    bench.command(opening(stop="98.37"))
    stop = bench.orders["s1"]
    assert (stop.type, stop.stop_price, stop.price) == ("STOP_LOSS_LIMIT", D("98.37"), D("93.45"))


def test_a_symbol_without_self_trade_prevention_is_sent_none() -> None:
    bench = Bench(replace(INSTRUMENT, self_trade_prevention=frozenset()))
    bench.command(opening())
    request = bench.requests[0]
    assert isinstance(request, PlaceOrderList)
    assert {spec.self_trade_prevention for spec in request.orders} == {"NONE"}


def test_a_partly_filled_ioc_is_protected_for_what_it_received() -> None:
    bench = Bench(base_free="5")
    bench.exchange.fills["e"] = [D("0.4")]
    bench.command(opening())
    assert bench.orders["e1"].status == "EXPIRED"
    assert bench.orders["s1"].quantity == D("0.399")  # 0.4 less 0.0004, in whole steps
    assert bench.moves == [("opening", "accepted"), ("open", "filled")]


def test_an_ioc_filled_in_two_is_protected_by_one_oco_when_it_has_ended() -> None:
    bench = Bench(base_free="5")
    bench.exchange.in_two = True
    bench.exchange.fills["e"] = [D("0.4")]
    bench.command(opening())
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrderList l1"]
    assert bench.orders["s1"].quantity == D("0.399")


def test_an_ioc_that_received_too_little_is_completed_at_market() -> None:
    bench = Bench(base_free="5")
    bench.exchange.fills["e"] = [D("0.02")]
    bench.command(opening())
    # 5 / (98 x 0.95) = 0.0537.. net is needed; 0.02 less its fee is held; a purchase of at least 5 in quote is asked
    # for by the filter: 5 / (100.30 x 0.95) = 0.0524.. -> 0.053 more
    completion = bench.requests[1]
    assert isinstance(completion, PlaceOrder)
    assert (completion.order.type, completion.order.side, completion.order.quantity) == ("MARKET", "BUY", D("0.053"))
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrder e2", "PlaceOrderList l1"]
    assert bench.orders["s1"].quantity == D("0.072")
    assert bench.status == "open"


def test_what_can_not_be_completed_is_sold_or_becomes_dust() -> None:
    bench = Bench(base_free="5")
    bench.exchange.fills["e"] = [D("0.02"), D(0)]
    bench.command(opening())
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrder e2"]
    assert bench.moves[-2:] == [("open", "filled"), ("closed", "too_small")]
    assert bench.dust == D("0.01998")


def test_a_small_entry_that_passes_the_filters_exactly_is_protected_without_room() -> None:
    bench = Bench(base_free="5")
    bench.exchange.fills["e"] = [D("0.052"), D(0)]  # 0.051 x 98 = 4.998 is too little to protect, 0.052 x 100.3 sells
    bench.command(opening())
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrder e2", "PlaceOrder x1"]
    assert bench.moves[-1] == ("closed", "too_small")


def test_dust_is_lent_to_the_next_cycle_and_sold_along() -> None:
    bench = Bench(base_free="5")
    bench.exchange.fills["e"] = [D("0.02"), D(0), D(1)]
    bench.command(opening())
    bench.command(opening(number=2))
    assert bench.orders["s1"].quantity == floor(D("0.999") + D("0.01998"))
    stop = next(o for o in bench.records("orders").values() if o.client_order_id == leg("s", 1, cycle(2)))
    assert stop.quantity == D("1.018")


def floor(quantity: Decimal) -> Decimal:
    return quantity // D("0.001") * D("0.001")


# ---- the last door


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (opening(valid_until=T - 1), "expired"),
        (opening(entry_limit="99"), "no_entry_timeout"),
    ],
)
def test_the_last_door_refuses(command: object, reason: str) -> None:
    bench = Bench()
    bench.command(command)  # type: ignore[arg-type]
    assert bench.refusals == [("OpenTradeCycle", reason)]
    assert bench.moves == [("expired", reason)]
    assert bench.requests == []
    assert bench.records("executions") == {}


def test_valid_until_itself_is_still_valid() -> None:
    bench = Bench()
    bench.command(opening(valid_until=T))
    assert bench.status == "open"


@pytest.mark.parametrize("state", ["reduce_only", "halted"])
def test_the_kill_switch_refuses_entries_until_trading_again(state: str) -> None:
    bench = Bench()
    bench.give(ControlChanged(1, "state", state, "", "", "me", "test"))  # type: ignore[arg-type]
    bench.command(opening())
    assert bench.refusals == [("OpenTradeCycle", state)]
    bench.give(ControlChanged(2, "state", "trading", "", "", "me", "test"))
    bench.command(opening(number=2))
    assert bench.status == "open"


def test_an_older_word_of_the_kill_switch_does_not_count() -> None:
    bench = Bench()
    bench.give(ControlChanged(5, "state", "halted", "", "", "me", "test"))
    bench.give(ControlChanged(4, "state", "trading", "", "", "me", "test"))
    bench.command(opening())
    assert bench.refusals == [("OpenTradeCycle", "halted")]


def test_a_paused_symbol_is_not_entered() -> None:
    bench = Bench()
    bench.give(ControlChanged(1, "pause", "trading", SYMBOL, "", "me", "test"))
    bench.command(opening())
    bench.give(ControlChanged(2, "resume", "trading", SYMBOL, "", "me", "test"))
    bench.command(opening(number=2))
    assert bench.moves == [("expired", "paused"), ("opening", "accepted"), ("open", "filled")]


def test_one_cycle_a_symbol() -> None:
    bench = Bench()
    bench.filled()
    bench.command(opening(number=2))
    assert bench.refusals == [("OpenTradeCycle", "symbol_busy")]
    assert bench.requests == bench.requests[:1]


def test_a_command_said_twice_is_done_once() -> None:
    bench = Bench()
    bench.filled()
    said = len(bench.messages)
    bench.command(opening())
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    bench.command(opening())
    assert bench.status == "closed"
    assert len(bench.fills) == 2
    assert [m for m in bench.messages[said:] if type(m).__name__ == "CommandRefused"] == []


def test_an_unknown_symbol_and_another_deployments_plan_are_errors() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="no instrument 'OTHER'"):
        bench.command(replace(opening(), symbol="OTHER"))
    stolen = replace(opening(), plan=replace(opening().plan, stop_id="other-aaaaaaaaaaaaaaaa-s1"))
    with pytest.raises(ValueError, match="one deployment"):
        bench.command(stolen)


def test_an_entry_refused_by_the_exchange_ends_the_cycle() -> None:
    bench = Bench()
    bench.exchange.refusals["l"] = [(-2010, "Account has insufficient balance for requested action.")]
    bench.command(opening())
    assert bench.moves[-1] == ("expired", "refused")
    assert bench.refusals[0][1].startswith("exchange -2010")
    assert [(rejected.code, rejected.cycle_id) for rejected in bench.said(OrderRejected)] == [(-2010, cycle())]
    assert bench.orders == {}
    assert bench.alerts == ["entry_refused"]


# ---- resting entries


def resting(bench: Bench, quantity: str = "1") -> None:
    bench.command(opening(quantity=quantity, entry_limit="99.50", entry_timeout_at=T + 300 * SECOND))


def test_a_resting_entry_is_a_limit_maker_and_each_fill_is_protected() -> None:
    bench = Bench()
    resting(bench)
    entry = bench.requests[0]
    assert isinstance(entry, PlaceOrder)
    assert (entry.order.type, entry.order.price, entry.order.time_in_force) == ("LIMIT_MAKER", D("99.50"), None)
    bench.happen(bench.exchange.fill(leg("e"), D("0.4")))
    bench.happen(bench.exchange.fill(leg("e"), D("0.6")))
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrderList l1", "PlaceOrderList l2"]
    assert [bench.orders[name].quantity for name in ("s1", "s2")] == [D("0.399"), D("0.6")]
    assert bench.alerts == []
    assert bench.spans == []


def test_gtc_instead_where_it_is_configured() -> None:
    bench = Bench(settings=replace(Bench().settings, resting_entry="LIMIT"))
    resting(bench)
    entry = bench.requests[0]
    assert isinstance(entry, PlaceOrder)
    assert (entry.order.type, entry.order.time_in_force) == ("LIMIT", "GTC")


def test_a_fill_too_small_to_protect_waits_for_more() -> None:
    bench = Bench()
    resting(bench)
    bench.happen(bench.exchange.fill(leg("e"), D("0.03")))
    assert bench.asked() == ["PlaceOrder e1"]
    bench.happen(bench.exchange.fill(leg("e"), D("0.3")))
    assert bench.orders["s1"].quantity == D("0.329")


def test_entry_timeout_cancels_what_rests_and_keeps_what_was_bought() -> None:
    bench = Bench()
    resting(bench)
    bench.happen(bench.exchange.fill(leg("e"), D("0.4")))
    bench.advance(300 * SECOND)
    assert bench.orders["e1"].status == "CANCELED"
    assert bench.status == "open"
    assert bench.orders["s1"].status == "NEW"
    assert bench.deadlines == {}


def test_entry_timeout_without_a_fill_expires_the_cycle() -> None:
    bench = Bench()
    resting(bench)
    bench.advance(300 * SECOND)
    assert bench.moves[-1] == ("expired", "entry_timeout")


def test_a_tiny_rest_of_a_cancelled_entry_is_completed_at_market() -> None:
    bench = Bench()
    resting(bench)
    bench.happen(bench.exchange.fill(leg("e"), D("0.03")))
    bench.command(CancelEntry(cycle(), SYMBOL, "changed my mind"))
    assert bench.asked() == ["PlaceOrder e1", "CancelOrder c1", "PlaceOrder e2", "PlaceOrderList l1"]
    assert bench.orders["e2"].type == "MARKET"
    assert bench.orders["s1"].status == "NEW"


def test_cancel_entry_is_refused_where_nothing_rests() -> None:
    bench = Bench()
    bench.filled()
    bench.command(CancelEntry(cycle(), SYMBOL, "changed my mind"))
    assert bench.refusals == [("CancelEntry", "no resting entry")]


def test_halting_cancels_resting_entries_and_leaves_stops() -> None:
    bench = Bench()
    resting(bench)
    bench.happen(bench.exchange.fill(leg("e"), D("0.4")))
    bench.give(ControlChanged(1, "state", "halted", "", "", "me", "test"))
    assert bench.orders["e1"].status == "CANCELED"
    assert bench.orders["s1"].status == "NEW"
    assert bench.status == "open"


def test_a_rejected_limit_maker_is_tried_lower_three_times_then_given_up() -> None:
    bench = Bench()
    would_take = (-2010, "Order would immediately match and take.")
    bench.exchange.refusals["e"] = [would_take] * 2
    resting(bench)
    prices = [request.order.price for request in bench.requests if isinstance(request, PlaceOrder)]
    assert prices == [D("99.50"), D("99.45"), D("99.40")]
    assert bench.status == "opening"
    given_up = Bench()
    given_up.exchange.refusals["e"] = [would_take] * 9
    resting(given_up)
    assert given_up.asked() == ["PlaceOrder e1", "PlaceOrder e2", "PlaceOrder e3", "PlaceOrder e4"]
    assert given_up.moves[-1] == ("expired", "refused")
    assert given_up.said(OrderRejected) == [], "the market was there already: nobody's fault"


def test_closing_a_cycle_that_still_rests_cancels_its_entry() -> None:
    bench = Bench()
    resting(bench)
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    assert bench.moves[-1] == ("expired", "verdict")


def test_closing_a_partly_filled_resting_entry_sells_what_it_bought() -> None:
    bench = Bench()
    resting(bench)
    bench.happen(bench.exchange.fill(leg("e"), D("0.4")))
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    assert bench.orders["e1"].status == "CANCELED"
    assert bench.moves[-1] == ("closed", "verdict")
    assert sum(fill.quantity for fill in bench.fills if fill.side == "SELL") == D("0.399")


def test_fees_in_bnb_leave_the_whole_quantity_to_protect() -> None:
    bench = Bench(fees=FeeSchedule(in_bnb=True))
    bench.exchange.fee_asset_buy = "BNB"
    bench.filled()
    assert bench.orders["s1"].quantity == D(1)
    assert bench.fills[0].fee_in_quote == D(1) * D("100.30") * D("0.001")


def test_a_resting_entry_that_came_too_late_is_not_tried_again() -> None:
    bench = Bench()
    bench.exchange.refusals["e"] = [(-1021, "Timestamp for this request is outside of the recvWindow.")]
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 60 * SECOND))
    bench.advance(10 * SECOND)
    assert bench.asked() == ["PlaceOrder e1"]
    assert bench.status == "expired"
