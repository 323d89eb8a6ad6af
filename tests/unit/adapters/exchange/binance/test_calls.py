"""Requests as calls: endpoints, methods and parameters as the exchange documents them."""

import pytest
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.calls import call_of
from roottrading.messages.exchange import ENTRY, AnyRequest, ListFills, PlaceOrder, PlaceOrderList
from tests.unit.adapters.exchange.binance import asked


def legs(prefix: str, **params: str) -> dict[str, str]:
    return {f"{prefix}{name[0].upper()}{name[1:]}": value for name, value in params.items()}


WORKING = legs(
    "working", side="BUY", type="LIMIT", clientOrderId="d-c-e1", price="60000", quantity="0.001", timeInForce="FOK"
)
STOP = {"type": "STOP_LOSS", "clientOrderId": "d-c-s1", "stopPrice": "59000"}
TARGET = {"type": "LIMIT_MAKER", "clientOrderId": "d-c-t1", "price": "62000"}
COMMON = {"symbol": "BTCUSDT", "newOrderRespType": "FULL"}
PREVENTED = {"selfTradePreventionMode": "EXPIRE_TAKER"}


def list_of(kind: str, *orders: object) -> PlaceOrderList:
    return PlaceOrderList("BTCUSDT", "d-c-l1", ENTRY, asked.AT, kind, orders)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "method", "path", "words", "params"),
    [
        (
            asked.PLACE,
            "POST",
            "order",
            "order.place",
            {
                **COMMON,
                **PREVENTED,
                "side": "BUY",
                "type": "LIMIT",
                "quantity": "0.001",
                "price": "60000",
                "timeInForce": "FOK",
                "newClientOrderId": "d-c-e1",
            },
        ),
        (
            PlaceOrder("BTCUSDT", "d-c-e2", ENTRY, asked.AT, asked.SPENDING),
            "POST",
            "order",
            "order.place",
            {
                **COMMON,
                "side": "BUY",
                "type": "MARKET",
                "quoteOrderQty": "100",
                "newClientOrderId": "d-c-e2",
                "selfTradePreventionMode": "EXPIRE_MAKER",
            },
        ),
        (
            asked.OPOCO,
            "POST",
            "orderList/opoco",
            "orderList.place.opoco",
            {
                **COMMON,
                **PREVENTED,
                **WORKING,
                "listClientOrderId": "d-c-l1",
                "pendingSide": "SELL",
                **legs("pendingAbove", **TARGET),
                **legs("pendingBelow", **STOP),
            },
        ),
        (
            list_of("OPO", asked.ENTERING, asked.UNSIZED_STOP),
            "POST",
            "orderList/opo",
            "orderList.place.opo",
            {
                **COMMON,
                **PREVENTED,
                **WORKING,
                "listClientOrderId": "d-c-l1",
                "pendingSide": "SELL",
                **legs("pending", **STOP),
            },
        ),
        (
            list_of("OTO", asked.ENTERING, asked.STOP),
            "POST",
            "orderList/oto",
            "orderList.place.oto",
            {
                **COMMON,
                **PREVENTED,
                **WORKING,
                "listClientOrderId": "d-c-l1",
                "pendingSide": "SELL",
                "pendingQuantity": "0.001",
                **legs("pending", **STOP),
            },
        ),
        (
            list_of("OTOCO", asked.ENTERING, asked.STOP_LIMIT, asked.TARGET),
            "POST",
            "orderList/otoco",
            "orderList.place.otoco",
            {
                **COMMON,
                **PREVENTED,
                **WORKING,
                "listClientOrderId": "d-c-l1",
                "pendingSide": "SELL",
                "pendingQuantity": "0.001",
                **legs("pendingAbove", **TARGET),
                **legs("pendingBelow", **{**STOP, "type": "STOP_LOSS_LIMIT"}, price="56050", timeInForce="GTC"),
            },
        ),
        (
            asked.OCO,
            "POST",
            "orderList/oco",
            "orderList.place.oco",
            {
                **COMMON,
                **PREVENTED,
                "listClientOrderId": "d-c-l2",
                "side": "SELL",
                "quantity": "0.001",
                **legs("above", **TARGET),
                **legs("below", **STOP),
            },
        ),
        (
            asked.CANCEL,
            "DELETE",
            "order",
            "order.cancel",
            {"symbol": "BTCUSDT", "origClientOrderId": "d-c-s1", "newClientOrderId": "d-c-c1"},
        ),
        (
            asked.REPLACE,
            "POST",
            "order/cancelReplace",
            "order.cancelReplace",
            {
                **COMMON,
                "cancelReplaceMode": "STOP_ON_FAILURE",
                "cancelOrigClientOrderId": "d-c-s1",
                "orderRateLimitExceededMode": "DO_NOTHING",
                "cancelRestrictions": "ONLY_NEW",
                "side": "SELL",
                "type": "MARKET",
                "quantity": "0.001",
                "newClientOrderId": "d-c-x1",
                "selfTradePreventionMode": "EXPIRE_MAKER",
            },
        ),
        (
            asked.AMEND,
            "PUT",
            "order/amend/keepPriority",
            "order.amend.keepPriority",
            {"symbol": "BTCUSDT", "origClientOrderId": "d-c-e1", "newClientOrderId": "d-c-e1", "newQty": "0.0005"},
        ),
        (asked.QUERY, "GET", "order", "order.status", {"symbol": "BTCUSDT", "origClientOrderId": "d-c-e1"}),
        (asked.OPEN, "GET", "openOrders", "openOrders.status", {"symbol": "BTCUSDT"}),
        (asked.FILLS, "GET", "myTrades", "myTrades", {"symbol": "BTCUSDT", "fromId": 17, "limit": 1000}),
        (
            ListFills("BTCUSDT", "q", 1, asked.AT),
            "GET",
            "myTrades",
            "myTrades",
            {"symbol": "BTCUSDT", "limit": 1000},
        ),
        (asked.ACCOUNT, "GET", "account", "account.status", {"omitZeroBalances": False}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str | dict) else None,
)
def test_a_request_becomes_its_call(
    request_: AnyRequest, method: str, path: str, words: str, params: dict[str, object]
) -> None:
    call = call_of(request_)
    assert (call.method, call.path, call.socket_method) == (method, f"/api/v3/{path}", words)
    assert call.params == params


def test_a_buyers_stop_is_above() -> None:
    stop, target = replace(asked.STOP, side="BUY"), replace(asked.TARGET, side="BUY")
    params = call_of(list_of("OCO", target, stop)).params
    assert (params["side"], params["aboveType"], params["belowType"]) == ("BUY", "STOP_LOSS", "LIMIT_MAKER")


def test_a_failing_cancel_may_be_allowed() -> None:
    params = call_of(replace(asked.REPLACE, stop_on_failure=False, only_new=False)).params
    assert params["cancelReplaceMode"] == "ALLOW_FAILURE"
    assert "cancelRestrictions" not in params


def test_no_self_trade_prevention_is_not_mentioned() -> None:
    order = replace(asked.ENTERING, self_trade_prevention="NONE")
    assert "selfTradePreventionMode" not in call_of(replace(asked.PLACE, order=order)).params


def test_what_changes_something_is_signed_with_its_own_time_and_counted() -> None:
    told = {
        type(request).__name__: (call.changes, call.signed_at, call.purpose, call.orders)
        for request in asked.EVERY
        for call in (call_of(request),)
        if request is not asked.OCO
    }
    assert told == {
        "PlaceOrder": (True, asked.AT, "entry", 1),
        "PlaceOrderList": (True, asked.AT, "entry", 3),
        "CancelOrder": (True, asked.AT, "exit", 0),
        "CancelReplace": (True, asked.AT, "exit", 1),
        "AmendOrder": (True, asked.AT, "exit", 0),
        "QueryOrder": (False, 0, "question", 0),
        "ListOpenOrders": (False, 0, "question", 0),
        "ListFills": (False, 0, "question", 0),
        "QueryAccount": (False, 0, "question", 0),
    }
    assert (call_of(asked.OCO).purpose, call_of(asked.OCO).orders) == ("protection", 2)
