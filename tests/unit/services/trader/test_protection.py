"""Protection: refused, moved, lost by hand or by the exchange, adopted; the watchman."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.domain.balance import Balance
from roottrading.messages.commands import CloseTradeCycle, MoveStop
from roottrading.messages.events import AlertRaised
from roottrading.messages.exchange import (
    AccountChanged,
    CancelReplace,
    ExchangeEvent,
    InstrumentChanged,
    PlaceOrder,
    QueryAccount,
    ReconcileDue,
    Request,
)
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, T, adopting, cycle, leg, opening

D = Decimal
TRIGGERS = (-2010, "Stop price would trigger immediately.")


def statuses(bench: Bench) -> dict[str, str]:
    return {name: order.status for name, order in bench.orders.items()}


def sold(bench: Bench) -> Decimal:
    return sum((fill.quantity for fill in bench.fills if fill.side == "SELL"), D(0))


# ---- refused


def test_a_rejected_pending_leg_sells_at_market_at_once() -> None:
    bench = Bench()
    bench.exchange.refusals["pending"] = [(-2010, "")]
    bench.command(opening())
    assert bench.asked() == ["PlaceOrderList l1", "PlaceOrder x1"]
    assert bench.moves[-2:] == [("closing", "protection_refused"), ("closed", "protection_refused")]
    assert bench.alerts == ["protection_refused"]
    assert set(bench.orders) == {"e1", "x1"}  # legs that were never placed are no orders


def test_a_refused_oco_sells_at_market_at_once() -> None:
    bench = Bench(base_free="5")
    bench.exchange.refusals["l"] = [TRIGGERS]
    bench.command(opening())
    assert bench.asked() == ["PlaceOrder e1", "PlaceOrderList l1", "PlaceOrder x1"]
    assert bench.moves[-1] == ("closed", "protection_refused")
    assert bench.alerts == ["protection_refused"]
    assert bench.spans == []


# ---- moved


def test_moving_the_stop_gives_the_list_up_for_one_market_stop() -> None:
    bench = Bench()
    bench.filled()
    bench.command(MoveStop(cycle(), SYMBOL, D("101.50")))
    request = bench.requests[-1]
    assert isinstance(request, CancelReplace)
    assert (request.target, request.urgency) == (leg("s"), 0)
    assert (request.order.type, request.order.stop_price, request.order.quantity) == (
        "STOP_LOSS",
        D("101.50"),
        D("0.999"),
    )
    assert {name: order.status for name, order in bench.orders.items()} == {
        "e1": "FILLED",
        "s1": "CANCELED",
        "t1": "CANCELED",
        "s2": "NEW",
    }
    assert bench.status == "open"
    assert bench.alerts == []
    assert bench.spans == []
    bench.command(MoveStop(cycle(), SYMBOL, D("102.00")))
    bench.happen(bench.exchange.fill(leg("s", 3), D("0.999")))
    assert bench.moves[-1] == ("closed", "stop")
    assert bench.fills[-1].price == D("102.00")


def test_the_same_stop_gives_the_target_up_and_then_nothing() -> None:
    bench = Bench()
    bench.filled()
    bench.command(MoveStop(cycle(), SYMBOL, D(98)))
    assert bench.orders["t1"].status == "CANCELED"
    assert bench.orders["s2"].stop_price == D(98)
    asked = len(bench.requests)
    bench.command(MoveStop(cycle(), SYMBOL, D(98)))
    assert len(bench.requests) == asked


def test_a_looser_stop_is_refused() -> None:
    bench = Bench()
    bench.filled()
    bench.command(MoveStop(cycle(), SYMBOL, D("97.99")))
    assert bench.refusals == [("MoveStop", "looser than the stop at 98")]
    assert len(bench.requests) == 1


@pytest.mark.parametrize("refusal", [TRIGGERS, (-2021, "Order cancel-replace partially failed.")])
def test_a_stop_that_would_trigger_at_once_sells_at_market(refusal: tuple[int, str]) -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["s"] = [refusal]
    bench.command(MoveStop(cycle(), SYMBOL, D("103.00")))
    assert bench.moves[-1] == ("closed", "stop_refused")
    assert sold(bench) == D("0.999")
    assert bench.alerts == ["stop_refused"]
    assert bench.spans == []


def test_429_leaves_the_old_stop_and_moves_it_a_second_later() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["s"] = [(-1015, "Too many new orders.")]
    bench.command(MoveStop(cycle(), SYMBOL, D("101")))
    assert statuses(bench)["s1"] == "NEW"
    bench.advance(SECOND)
    assert statuses(bench)["s1"] == "CANCELED"
    assert bench.orders["s3"].stop_price == D("101")


def test_a_stop_moved_while_it_fills_is_not_sold_twice() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.fill(leg("s"), D("0.999"))
    bench.command(MoveStop(cycle(), SYMBOL, D("101")))
    assert bench.moves[-1] == ("closed", "stop")
    assert sold(bench) == D("0.999")


def test_without_cancel_replace_the_stop_is_cancelled_and_placed_anew() -> None:
    bench = Bench(replace(INSTRUMENT, cancel_replace_allowed=False))
    bench.filled()
    bench.command(MoveStop(cycle(), SYMBOL, D("101")))
    assert bench.asked(1) == ["CancelOrder c1", "PlaceOrder s2"]
    assert bench.orders["s2"].status == "NEW"
    assert bench.alerts == []


def test_a_moved_stop_covers_lent_dust_too() -> None:
    bench = Bench(base_free="5")
    bench.exchange.fills["e"] = [D("0.02"), D(0), D(1)]
    bench.command(opening())
    bench.command(opening(number=2))
    bench.command(MoveStop(cycle(2), SYMBOL, D("101")))
    moved = next(o for o in bench.records("orders").values() if o.client_order_id == leg("s", 2, cycle(2)))
    assert moved.quantity == D("1.018")


# ---- lost: the watchman


def test_a_stop_cancelled_by_hand_is_put_back_once_then_the_cycle_is_manual() -> None:
    bench = Bench()
    bench.filled()
    bench.happen(bench.exchange.cancel(leg("s")))
    assert bench.asked(1) == ["PlaceOrderList l2"]
    assert (bench.orders["s2"].stop_price, bench.orders["s2"].quantity) == (D(98), D("0.999"))
    assert bench.alerts == ["stop_put_back"]
    assert bench.status == "open"
    bench.happen(bench.exchange.cancel(leg("t", 2)))
    assert bench.moves[-1] == ("manual", "stop_cancelled")
    assert bench.alerts == ["stop_put_back", "cycle_manual"]
    asked = len(bench.requests)
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    bench.advance(3600 * SECOND)
    assert len(bench.requests) == asked
    assert bench.refusals[-1] == ("CloseTradeCycle", "the cycle is manual")


def test_what_a_person_sells_of_a_manual_cycle_is_booked_until_it_is_flat() -> None:
    bench = Bench()
    bench.filled()
    bench.happen(bench.exchange.cancel(leg("s")))
    bench.happen(bench.exchange.cancel(leg("s", 2)))
    bench.happen(bench.exchange.sold_by_hand(D("0.5"), D(97)))
    assert bench.status == "manual"
    bench.happen(bench.exchange.sold_by_hand(D("0.7"), D(96)))  # 0.201 of these were foreign coins
    assert bench.moves[-1] == ("closed", "manual")
    assert [(fill.quantity, fill.price, fill.fee) for fill in bench.fills[1:]] == [
        (D("0.5"), D(97), D("0.0485")),
        (D("0.499"), D(96), D("0.047904")),
    ]
    assert bench.records("executions") == {}


def test_base_sold_by_hand_ends_the_cycle_as_manual_at_the_prices_of_the_account() -> None:
    bench = Bench()
    bench.filled()
    cancelled = bench.exchange.cancel(leg("s"))
    bench.exchange.sold_by_hand(D("0.999"), D("99.00"))  # told by nobody: found in the account's executions
    bench.happen(cancelled)
    assert bench.moves[-2:] == [("manual", "sold_by_hand"), ("closed", "manual")]
    assert (bench.fills[-1].price, bench.fills[-1].quantity) == (D("99.00"), D("0.999"))
    assert "sold_by_hand" in bench.alerts


def test_base_that_vanished_without_a_sale_makes_the_cycle_manual() -> None:
    bench = Bench()
    bench.filled()
    cancelled = bench.exchange.cancel(leg("s"))
    bench.exchange.base_free = D(0)  # withdrawn
    bench.happen(cancelled)
    assert bench.moves[-1] == ("manual", "base_missing")
    asked = len(bench.requests)
    bench.advance(600 * SECOND)
    assert len(bench.requests) == asked


def test_foreign_orders_are_never_touched_and_never_booked() -> None:
    bench = Bench(base_free="5")
    bench.filled()
    before = len(bench.messages), len(bench.requests)
    bench.happen(bench.exchange.sold_by_hand(D("0.5"), D(97)))
    assert (len(bench.messages), len(bench.requests)) == before


def test_a_stop_lost_at_the_exchange_is_put_back_then_sold() -> None:
    bench = Bench()
    bench.filled()

    def kill(number: int) -> list[ExchangeEvent]:
        return [
            *bench.exchange.end(leg("t", number), "EXPIRED", "EXCHANGE_CANCELED"),
            *bench.exchange.end(leg("s", number), "EXPIRED", "EXCHANGE_CANCELED"),
        ]

    bench.happen(kill(1))
    assert bench.orders["s2"].status == "NEW"
    assert bench.alerts == ["stop_put_back"]
    bench.happen(kill(2))
    assert bench.moves[-1] == ("closed", "protection_lost")
    assert sold(bench) == D("0.999")


def test_a_stop_lost_in_a_halt_is_put_back_when_the_market_opens() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "HALT"))
    bench.happen(
        [
            *bench.exchange.end(leg("t"), "EXPIRED", "EXCHANGE_CANCELED"),
            *bench.exchange.end(leg("s"), "EXPIRED", "EXCHANGE_CANCELED"),
        ]
    )
    assert bench.asked(1) == []
    bench.advance(60 * SECOND)
    bench.give(InstrumentChanged(SYMBOL, "", bench.now, "TRADING"))
    assert bench.orders["s2"].status == "NEW"
    assert [(span.until - span.since, span.kind) for span in bench.spans] == [(60 * SECOND, "unprotected")]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("status", ["CANCEL_ONLY", "HALT"])
def test_a_stop_is_not_moved_in_a_halt_but_when_the_market_opens(status: str, together: bool) -> None:
    bench = Bench(replace(INSTRUMENT, cancel_replace_allowed=together))
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, status))
    bench.command(MoveStop(cycle(), SYMBOL, D("101.50")))
    bench.advance(60 * SECOND)
    assert bench.asked(1) == []
    assert statuses(bench)["s1"] == "NEW"
    bench.give(InstrumentChanged(SYMBOL, "", bench.now, "TRADING"))
    assert statuses(bench)["s1"] == "CANCELED"
    assert (bench.orders["s2"].status, bench.orders["s2"].stop_price) == ("NEW", D("101.50"))
    assert bench.spans == []


def test_coins_adopted_in_a_halt_have_their_stop_when_the_market_opens() -> None:
    bench = Bench(base_free="1")
    bench.give(InstrumentChanged(SYMBOL, "", T, "BREAK"))
    bench.command(adopting("1"))
    bench.advance(60 * SECOND)
    assert bench.status == "open"
    assert bench.asked() == []
    assert bench.alerts == ["market_status", "no_stop_in_halt"]
    bench.give(InstrumentChanged(SYMBOL, "", bench.now, "TRADING"))
    assert bench.orders["s1"].status == "NEW"
    assert [(span.until - span.since, span.kind) for span in bench.spans] == [(60 * SECOND, "unprotected")]


def test_what_was_bought_when_the_market_stopped_is_protected_when_it_opens_or_sold_below_its_stop() -> None:
    for refusal, ending in ((None, ("open", "filled")), (TRIGGERS, ("closed", "protection_refused"))):
        bench = Bench(base_free="5")
        bench.exchange.refusals["l"] = [refusal] if refusal else []
        bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 900 * SECOND))
        filled = bench.exchange.fill(leg("e"), D(1))
        bench.give(InstrumentChanged(SYMBOL, "", T, "HALT"), *filled)
        assert not any(asked.startswith("PlaceOrderList") for asked in bench.asked())
        bench.advance(60 * SECOND)
        bench.give(InstrumentChanged(SYMBOL, "", bench.now, "TRADING"))
        assert bench.moves[-1] == ending


def test_reconciling_finds_a_stop_that_is_gone_without_a_word() -> None:
    bench = Bench()
    bench.filled()
    bench.advance(60 * SECOND)
    bench.exchange.cancel(leg("s"))
    bench.advance(60 * SECOND)
    bench.give(ReconcileDue(SYMBOL, "", bench.now))
    assert bench.orders["s2"].status == "NEW"
    assert bench.alerts == ["stop_put_back"]


def test_reconciling_finds_fills_that_were_missed() -> None:
    bench = Bench()
    bench.filled()
    bench.advance(60 * SECOND)
    bench.exchange.fill(leg("s"), D("0.999"))
    filled_at = bench.now
    bench.advance(60 * SECOND)
    bench.give(ReconcileDue("", "", bench.now))
    assert bench.moves[-1] == ("closed", "stop")
    assert bench.fills[-1].filled_at == bench.orders["s1"].updated_at == filled_at
    assert bench.orders["t1"].status == "EXPIRED"


def test_reconciling_what_is_well_changes_nothing() -> None:
    bench = Bench()
    bench.filled()
    bench.advance(60 * SECOND)
    rows, messages = dict(bench.rows), len(bench.messages)
    bench.give(ReconcileDue(SYMBOL, "", bench.now))
    assert bench.rows == rows
    assert len(bench.messages) == messages
    assert bench.asked(1) == ["ListOpenOrders q1", "ListFills q2"]


# ---- adopted


def test_adopted_coins_get_their_stop_and_can_be_closed() -> None:
    bench = Bench(base_free="1.5")
    bench.command(adopting("1.5"))
    assert bench.asked() == ["PlaceOrder s1"]
    assert bench.orders["s1"].quantity == D("1.5")
    assert bench.moves == [("opening", "accepted"), ("open", "adopted")]
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "command"))
    assert bench.moves[-1] == ("closed", "command")
    assert sold(bench) == D("1.5")
    assert bench.dust == 0


@pytest.mark.parametrize("price", ["0.01", "100", "1000000"])
def test_adopted_coins_are_worth_what_the_market_says_whatever_they_cost(price: str) -> None:
    bench = Bench(replace(INSTRUMENT, cancel_replace_allowed=False), base_free="1")
    bench.command(replace(adopting("1"), price=D(price)))
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    assert bench.moves[-1] == ("closed", "verdict")
    assert sold(bench) == 1
    assert bench.dust == 0


def test_adopting_in_a_busy_symbol_is_refused() -> None:
    bench = Bench()
    bench.filled()
    bench.command(replace(adopting(), cycle_id=cycle(2)))
    assert bench.refusals == [("AdoptTradeCycle", "symbol_busy")]


def wrong_about_balances(bench: Bench, answers: int) -> None:
    """Let the account say, later than the fill, that no base is free; `answers` questions about it get that answer."""
    honest, left = bench.exchange.execute, [answers]

    def execute(request: Request, now: int) -> list[ExchangeEvent]:
        events = list(honest(request, now))
        lie = AccountChanged("", "", now + 5, (Balance("BASE", D(0), D(0)),))
        if isinstance(request, PlaceOrder) and request.order.side == "BUY":
            return [lie, *(event for event in events if not isinstance(event, AccountChanged))]
        if isinstance(request, QueryAccount) and left[0]:
            left[0] -= 1
            return [replace(lie, symbol=request.symbol, client_order_id=request.client_order_id)]
        return [replace(event, at=now + 10) if isinstance(event, AccountChanged) else event for event in events]

    bench.exchange.execute = execute  # type: ignore[method-assign]


def test_a_balance_that_hides_the_purchase_is_asked_for_again_and_the_stop_is_placed() -> None:
    bench = Bench(replace(INSTRUMENT, oto_allowed=False, opo_allowed=False))
    wrong_about_balances(bench, answers=0)
    bench.command(opening())
    assert [alert.subject for alert in bench.said(AlertRaised)] == ["base_short"]
    bench.advance(2 * SECOND)
    assert bench.status == "open"
    assert [order.spec.type for order in bench.exchange.orders.values() if order.status == "NEW"] == [
        "STOP_LOSS",
        "LIMIT_MAKER",
    ]


def test_base_that_stays_away_without_a_sale_makes_the_cycle_manual_and_says_so() -> None:
    bench = Bench(replace(INSTRUMENT, oto_allowed=False, opo_allowed=False))
    wrong_about_balances(bench, answers=100)
    bench.command(opening())
    bench.advance(5 * SECOND)
    assert bench.status == "manual"
    assert [alert.subject for alert in bench.said(AlertRaised)][-1] == "base_missing"
