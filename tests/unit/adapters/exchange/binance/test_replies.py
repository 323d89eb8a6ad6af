"""Answers made into events."""

from decimal import Decimal
from typing import Any

import pytest

from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.replies import failed, succeeded
from roottrading.domain.balance import Balance
from roottrading.messages.exchange import (
    AccountChanged,
    AnyRequest,
    CancelRefused,
    ExchangeEvent,
    ExecutionsReported,
    OpenOrdersReported,
    OrderAbsent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    PlaceOrder,
)
from tests.unit.adapters.exchange.binance import asked
from tests.unit.adapters.exchange.binance.asked import AT, SYMBOL

MS = 1_700_000_000_500
US = MS * 1_000
D = Decimal


def report(name: str, **more: Any) -> dict[str, Any]:
    return {
        "symbol": SYMBOL,
        "orderId": 5,
        "orderListId": -1,
        "clientOrderId": name,
        "transactTime": MS,
        "price": "60000.00000000",
        "origQty": "0.00100000",
        "executedQty": "0.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "FOK",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": MS,
        "selfTradePreventionMode": "EXPIRE_TAKER",
        **more,
    }


def fill(number: int, quantity: str, price: str = "59990") -> dict[str, Any]:
    fee = {"commission": "0.00000100", "commissionAsset": "BTC"}
    return {"price": price, "qty": quantity, **fee, "tradeId": number}


FILLED = report("d-c-e1", status="FILLED", executedQty="0.001", fills=[fill(71, "0.0004"), fill(72, "0.0006", "59991")])


def opened(name: str = "d-c-e1", status: Any = "NEW", **more: Any) -> OrderOpened:
    fields = {"side": "BUY", "type": "LIMIT", "quantity": D("0.001"), "price": D(60000), "stop_price": None, **more}
    return OrderOpened(SYMBOL, name, US, fields.pop("number", 5), fields.pop("list_id", -1), **fields, status=status)


def executed(number: int, quantity: str, price: str, so_far: str, status: Any) -> OrderExecuted:
    fee = (D("0.000001"), "BTC", D("0.001"))
    return OrderExecuted(SYMBOL, "d-c-e1", US, 5, number, "BUY", D(price), D(quantity), *fee, False, D(so_far), status)


def said(request: AnyRequest, told: Any) -> list[ExchangeEvent]:
    return list(succeeded(Reader(), request, told, AT))


def test_an_order_filled_in_two_parts() -> None:
    assert said(asked.PLACE, FILLED) == [
        opened(),
        executed(71, "0.0004", "59990", "0.0004", "PARTIALLY_FILLED"),
        executed(72, "0.0006", "59991", "0.001", "FILLED"),
    ]


def test_times_in_microseconds_are_taken_as_they_are() -> None:
    told = report("d-c-e1", transactTime=US + 7)
    assert [event.at for event in said(asked.PLACE, told)] == [US + 7]


def test_an_order_that_expired_with_a_rest() -> None:
    told = report(
        "d-c-e1",
        status="EXPIRED",
        executedQty="0.0004",
        fills=[fill(71, "0.0004")],
        expiryReason="INSUFFICIENT_LIQUIDITY",
    )
    assert said(asked.PLACE, told) == [
        opened(),
        executed(71, "0.0004", "59990", "0.0004", "PARTIALLY_FILLED"),
        OrderEnded(SYMBOL, "d-c-e1", US, 5, "EXPIRED", D("0.0004"), "INSUFFICIENT_LIQUIDITY"),
    ]


def test_a_short_answer_is_completed_by_what_was_asked() -> None:
    told = {"symbol": SYMBOL, "orderId": 5, "orderListId": -1, "clientOrderId": "d-c-e1", "transactTime": MS}
    assert said(asked.PLACE, told) == [opened()]


def test_an_answer_without_its_executions_says_how_much_is_missing() -> None:
    told = report("d-c-e1", status="FILLED", executedQty="0.001")
    reported = OrderReported(
        SYMBOL, "d-c-e1", US, 5, "BUY", "LIMIT", D("0.001"), D(60000), None, D("0.001"), "FILLED", 0
    )
    assert said(asked.PLACE, told) == [opened(), reported]


def listed(*reports: dict[str, Any]) -> dict[str, Any]:
    return {
        "orderListId": 2,
        "contingencyType": "OTO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": "d-c-l1",
        "transactionTime": MS,
        "symbol": SYMBOL,
        "orders": [],
        "orderReports": list(reports),
    }


def leg(name: str, number: int, **more: Any) -> dict[str, Any]:
    told = report(name, orderId=number, orderListId=2, side="SELL", workingTime=-1, timeInForce="GTC", **more)
    del told["origQty"]
    return told


def test_a_list_that_waits_for_its_working_order() -> None:
    told = listed(
        report("d-c-e1", orderListId=2),
        leg("d-c-s1", 6, status="PENDING_NEW", type="STOP_LOSS", price="0.00000000", stopPrice="59000.00"),
        leg("d-c-t1", 7, status="PENDING_NEW", type="LIMIT_MAKER", price="62000.00"),
    )
    assert said(asked.OPOCO, told) == [
        opened(list_id=2),
        opened(
            "d-c-s1",
            "PENDING_NEW",
            number=6,
            list_id=2,
            side="SELL",
            type="STOP_LOSS",
            quantity=None,
            price=None,
            stop_price=D(59000),
        ),
        opened(
            "d-c-t1",
            "PENDING_NEW",
            number=7,
            list_id=2,
            side="SELL",
            type="LIMIT_MAKER",
            quantity=None,
            price=D(62000),
        ),
    ]


def test_legs_of_an_entry_that_expired_were_never_placed() -> None:
    gone = {"status": "EXPIRED", "expiryReason": "OTO_PHASE_ONE_EXPIRED"}
    told = listed(
        report("d-c-e1", orderListId=2, status="EXPIRED", expiryReason="UNFILLED_FOK_ORDER_EXPIRED"),
        leg("d-c-s1", 6, type="STOP_LOSS", price="0", stopPrice="59000", **gone),
        leg("d-c-t1", 7, type="LIMIT_MAKER", price="62000", **gone),
    )
    events = said(asked.OPOCO, told)
    opens = {event.client_order_id: event.status for event in events if isinstance(event, OrderOpened)}
    ends = {event.client_order_id: event.reason for event in events if isinstance(event, OrderEnded)}
    assert opens == {"d-c-e1": "NEW", "d-c-s1": "PENDING_NEW", "d-c-t1": "PENDING_NEW"}
    assert ends == {
        "d-c-e1": "UNFILLED_FOK_ORDER_EXPIRED",
        "d-c-s1": "OTO_PHASE_ONE_EXPIRED",
        "d-c-t1": "OTO_PHASE_ONE_EXPIRED",
    }


CANCELED = report("d-c-c1", origClientOrderId="d-c-s1", status="CANCELED", type="STOP_LOSS", side="SELL")
STOP_ENDED = OrderEnded(SYMBOL, "d-c-s1", US, 5, "CANCELED", D(0))


def test_a_canceled_order() -> None:
    assert said(asked.CANCEL, CANCELED) == [STOP_ENDED]


def test_a_canceled_leg_takes_its_list_with_it() -> None:
    other = {**CANCELED, "origClientOrderId": "d-c-t1", "orderId": 6}
    before = report("d-c-e1", status="FILLED", executedQty="0.001")
    assert said(asked.CANCEL, listed(before, CANCELED, other)) == [
        STOP_ENDED,
        OrderEnded(SYMBOL, "d-c-t1", US, 6, "CANCELED", D(0)),
    ]


SOLD = report("d-c-x1", orderId=9, type="MARKET", side="SELL", price="0.00000000", fills=[])
SELLING = opened("d-c-x1", number=9, type="MARKET", side="SELL", price=None)


def test_a_replaced_order() -> None:
    told = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": CANCELED,
        "newOrderResponse": SOLD,
    }
    assert said(asked.REPLACE, told) == [STOP_ENDED, SELLING]


def half(cancel: str, order: str, cancel_response: Any, order_response: Any) -> Failure:
    data = {
        "cancelResult": cancel,
        "newOrderResult": order,
        "cancelResponse": cancel_response,
        "newOrderResponse": order_response,
    }
    return Failure(409, -2021, "Order cancel-replace partially failed.", data)


NO_MONEY = {"code": -2010, "msg": "Account has insufficient balance for requested action."}
NO_ORDER = {"code": -2011, "msg": "Unknown order sent."}


def test_canceled_and_not_replaced() -> None:
    events = failed(Reader(), asked.REPLACE, half("SUCCESS", "FAILURE", CANCELED, NO_MONEY), AT)
    words = "Order cancel-replace partially failed. Account has insufficient balance for requested action."
    assert list(events) == [STOP_ENDED, OrderRefused(SYMBOL, "d-c-x1", AT, -2021, words)]


def test_replaced_and_not_canceled() -> None:
    events = failed(Reader(), asked.REPLACE, half("FAILURE", "SUCCESS", NO_ORDER, SOLD), AT)
    words = "Order cancel-replace partially failed."
    assert list(events) == [SELLING, CancelRefused(SYMBOL, "d-c-s1", AT, -2011, words)]


def test_neither_canceled_nor_replaced() -> None:
    data = {"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": NO_ORDER}
    failure = Failure(400, -2022, "Order cancel-replace failed.", data)
    assert list(failed(Reader(), asked.REPLACE, failure, AT)) == [
        OrderRefused(SYMBOL, "d-c-x1", AT, -2022, "Order cancel-replace failed. Unknown order sent.", -2011)
    ]


def test_a_half_that_says_nothing_is_unknown() -> None:
    assert list(failed(Reader(), asked.REPLACE, Failure(409, -2021, "half"), AT)) == [
        OutcomeUnknown(SYMBOL, "d-c-x1", AT)
    ]


@pytest.mark.parametrize(
    ("request_", "failure", "event"),
    [
        (asked.PLACE, Failure(400, -2010, "no"), OrderRefused(SYMBOL, "d-c-e1", AT, -2010, "no")),
        (asked.PLACE, Failure(400, -1021, "late"), OrderRefused(SYMBOL, "d-c-e1", AT, -1021, "late")),
        (asked.OPOCO, Failure(429, -1015, "many"), OrderRefused(SYMBOL, "d-c-l1", AT, -1015, "many")),
        (asked.OPOCO, Failure(504, -1007, "?"), OutcomeUnknown(SYMBOL, "d-c-l1", AT)),
        (asked.REPLACE, Failure(400, -1006, "?"), OutcomeUnknown(SYMBOL, "d-c-x1", AT)),
        (asked.CANCEL, Failure(400, -2011, "gone"), CancelRefused(SYMBOL, "d-c-s1", AT, -2011, "gone")),
        (asked.CANCEL, Failure(400, -1021, "late"), OrderRefused(SYMBOL, "d-c-c1", AT, -1021, "late")),
        (asked.QUERY, Failure(400, -2013, "none"), OrderAbsent(SYMBOL, "d-c-e1", AT)),
        (asked.QUERY, Failure(500, -1000, "?"), OutcomeUnknown(SYMBOL, "d-c-e1", AT)),
    ],
)
def test_refusals(request_: AnyRequest, failure: Failure, event: ExchangeEvent) -> None:
    assert list(failed(Reader(), request_, failure, AT)) == [event]


def found(name: str, **more: Any) -> dict[str, Any]:
    told = report(name, time=MS - 5, updateTime=MS, isWorking=True, stopPrice="0.00", icebergQty="0.00", **more)
    del told["transactTime"]
    return told


FOUND = OrderReported(SYMBOL, "d-c-e1", AT, 5, "BUY", "LIMIT", D("0.001"), D(60000), None, D(0), "NEW", US, False)


def test_an_order_that_was_asked_for() -> None:
    assert said(asked.QUERY, found("d-c-e1")) == [FOUND]


def test_another_order_than_the_one_asked_for_says_nothing() -> None:
    assert said(asked.QUERY, found("d-c-e2")) == [OutcomeUnknown(SYMBOL, "d-c-e1", AT)]


@pytest.mark.parametrize(("works", "working_time"), [(True, -1), (False, MS), (False, -1)])
def test_a_stop_that_works_was_triggered(works: bool, working_time: int) -> None:
    stop = found("d-c-e1", type="STOP_LOSS")
    (event,) = said(asked.QUERY, {**stop, "isWorking": works, "workingTime": working_time})
    assert isinstance(event, OrderReported)
    assert event.triggered is (works or working_time > 0)


def test_open_orders_of_unknown_kinds_do_not_hide_the_others() -> None:
    strange = found("other", type="PEGGED_MOON")
    doubtful = found("d-c-e1", status="HALF_OPEN")
    (event,) = said(asked.OPEN, [strange, doubtful])
    assert event == OpenOrdersReported(SYMBOL, "d-c-q1", AT, (FOUND,))


def test_executions_are_named_by_orders_that_went_by() -> None:
    reader = Reader()
    succeeded(reader, asked.QUERY, found("d-c-e1"), AT)
    trade = {
        "symbol": SYMBOL,
        "orderListId": -1,
        "price": "59990",
        "qty": "0.0005",
        "quoteQty": "29.995",
        "commission": "0.00000037",
        "commissionAsset": "BNB",
        "time": MS,
        "isBuyer": True,
        "isMaker": True,
        "isBestMatch": True,
    }
    told = [{**trade, "id": 72, "orderId": 5}, {**trade, "id": 71, "orderId": 5}, {**trade, "id": 73, "orderId": 8}]
    (event,) = succeeded(reader, asked.FILLS, told, AT)
    assert isinstance(event, ExecutionsReported)
    assert [
        (each.trade_id, each.client_order_id, each.executed_quantity, each.status, each.fee_rate)
        for each in event.executions
    ] == [
        (71, "d-c-e1", D("0.0005"), "PARTIALLY_FILLED", D("0.00075")),
        (72, "d-c-e1", D("0.0010"), "FILLED", D("0.00075")),
        (73, "", D("0.0005"), "PARTIALLY_FILLED", D("0.00075")),
    ]
    assert reader.orders.last_trade_ids == {SYMBOL: 73}


def test_balances() -> None:
    told = {"balances": [{"asset": "BTC", "free": "0.5", "locked": "0.1"}, {"asset": "币", "free": "0", "locked": "0"}]}
    balances = (Balance("BTC", D("0.5"), D("0.1")), Balance("币", D(0), D(0)))
    assert said(asked.ACCOUNT, told) == [AccountChanged(SYMBOL, "d-c-q3", AT, balances)]


@pytest.mark.parametrize(("updated", "at"), [(MS, US), (US, US), (0, AT), (-1, AT), (None, AT), ("x", AT), (True, AT)])
def test_balances_are_as_old_as_their_last_change(updated: Any, at: int) -> None:
    """Dated by our own clock, they could seem newer than a fill that they do not know of."""
    (event,) = said(asked.ACCOUNT, {"updateTime": updated, "balances": []})
    assert event.at == at


def test_an_amended_order() -> None:
    amended = {**report("d-c-e1"), "qty": "0.0005", "cumulativeQuoteQty": "0", "preventedQty": "0"}
    for name in ("origQty", "transactTime", "cummulativeQuoteQty", "origQuoteOrderQty"):
        del amended[name]
    (event,) = said(asked.AMEND, {"transactTime": MS, "executionId": 75, "amendedOrder": amended})
    assert isinstance(event, OrderReported)
    assert (event.client_order_id, event.quantity, event.status) == ("d-c-e1", D("0.0005"), "NEW")


@pytest.mark.parametrize("request_", asked.EVERY, ids=lambda request: type(request).__name__)
@pytest.mark.parametrize("told", [None, [], {}, "x", 5, [1], {"symbol": SYMBOL}, {"balances": 1}, {"orderReports": []}])
def test_an_answer_that_is_none_leaves_the_outcome_unknown(request_: AnyRequest, told: Any) -> None:
    empty = told == [] and request_ in {asked.OPEN, asked.FILLS}
    reader = Reader()
    (event,) = succeeded(reader, request_, told, AT)
    assert isinstance(event, OpenOrdersReported | ExecutionsReported if empty else OutcomeUnknown)
    assert (reader.strangers.total == 0) == empty


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1E+999999", "1E-999999", "x", True, None, {}])
def test_an_amount_that_is_none_leaves_the_outcome_unknown(amount: Any) -> None:
    told = report("d-c-e1", executedQty=amount)
    assert said(asked.PLACE, told) == [OutcomeUnknown(SYMBOL, "d-c-e1", AT)]


def test_unknown_fields_are_survived_and_counted() -> None:
    reader = Reader()
    for _ in range(3):
        (event,) = succeeded(reader, asked.PLACE, report("d-c-e1", moonPhase="full"), AT)
        assert isinstance(event, OrderOpened)
    assert reader.strangers.counts == {("order", "moonPhase"): 3}


def test_a_market_order_by_its_quote_amount() -> None:
    told = report("d-c-e2", type="MARKET", price="0", origQty="0.00160000", status="FILLED", executedQty="0.0016")
    request = PlaceOrder(SYMBOL, "d-c-e2", 2, AT, asked.SPENDING)
    event = said(request, told)[0]
    assert isinstance(event, OrderOpened)
    assert (event.quantity, event.price, event.status) == (D("0.0016"), None, "NEW")
