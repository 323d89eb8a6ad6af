"""Order lists over REST."""

from decimal import Decimal
from typing import Any

import pytest

from roottrading.exchange_server.server import ExchangeServer
from tests.unit.exchange_server.serving import Answer, Client, later, with_client

LIST = "/api/v3/orderList"
OCO: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.5",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "62000",
    "aboveClientOrderId": "target",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "58000",
    "belowClientOrderId": "stop",
    "listClientOrderId": "list",
}
OPOCO: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingTimeInForce": "FOK",
    "workingSide": "BUY",
    "workingPrice": "60100",
    "workingQuantity": "0.5",
    "pendingSide": "SELL",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "62000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "58000",
}


async def place(client: Client, kind: str, parameters: dict[str, Any], **changes: Any) -> Answer:
    wanted = {name: value for name, value in {**parameters, **changes}.items() if value is not None}
    return await client.signed("POST", f"{LIST}/{kind}", **wanted)


def test_an_oco_is_placed_asked_for_and_canceled() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        placed = (await place(client, "oco", OCO)).body
        assert (placed["contingencyType"], placed["listStatusType"], placed["listOrderStatus"]) == (
            "OCO",
            "EXEC_STARTED",
            "EXECUTING",
        )
        assert [each["clientOrderId"] for each in placed["orders"]] == ["stop", "target"]
        stop, target = placed["orderReports"]
        assert (stop["type"], stop["stopPrice"], stop["workingTime"]) == ("STOP_LOSS", "58000.00000000", -1)
        assert (target["type"], target["price"]) == ("LIMIT_MAKER", "62000.00000000")
        number = placed["orderListId"]
        found = (await client.signed("GET", LIST, orderListId=number)).body
        assert found == {name: value for name, value in placed.items() if name != "orderReports"}
        assert (await client.signed("GET", LIST, origClientOrderId="list")).body == found
        assert (await client.signed("GET", "/api/v3/openOrderList")).body == [found]
        (held,) = [
            each for each in (await client.signed("GET", "/api/v3/account")).body["balances"] if each["asset"] == "BTC"
        ]
        assert (held["free"], held["locked"]) == ("1.50000000", "0.50000000")
        canceled = (await client.signed("DELETE", LIST, symbol="BTCUSDT", listClientOrderId="list")).body
        assert (canceled["listOrderStatus"], len(canceled["orderReports"])) == ("ALL_DONE", 2)
        assert (await client.signed("GET", "/api/v3/openOrderList")).body == []
        assert len((await client.signed("GET", "/api/v3/allOrderList")).body) == 1
        again = await client.signed("DELETE", LIST, symbol="BTCUSDT", orderListId=number)
        assert again.body["code"] == -2011

    with_client(test)


def test_canceling_a_leg_cancels_its_list() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        await place(client, "oco", OCO)
        answer = (await client.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="stop")).body
        assert (answer["listClientOrderId"], answer["listStatusType"]) == ("list", "ALL_DONE")
        await place(client, "oco", OCO)
        answer = (await client.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")).body
        assert [each["listClientOrderId"] for each in answer] == ["list"]

    with_client(test)


GEOMETRY = [
    ({"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "62000"}, -1197),
    ({"belowType": "LIMIT_MAKER", "belowPrice": "58000", "belowStopPrice": None}, -1168),
    ({"belowType": "TAKE_PROFIT"}, -1199),
    ({"aboveType": "LIMIT", "aboveTimeInForce": "GTC"}, -1158),
    (
        {
            "side": "BUY",
            "aboveType": "LIMIT_MAKER",
            "belowType": "TAKE_PROFIT",
        },
        -1165,
    ),
    ({"side": "BUY"}, -1196),
    ({"abovePrice": "59000"}, -2010),
    ({"belowStopPrice": "61000"}, -2010),
    ({"belowClientOrderId": "target"}, -2010),
    ({"aboveTrailingDelta": "10"}, -1013),
]


@pytest.mark.parametrize(("changes", "code"), GEOMETRY)
def test_an_oco_whose_legs_do_not_fit_is_refused(changes: dict[str, Any], code: int) -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        answer = await place(client, "oco", OCO, **changes)
        assert (answer.status, answer.body["code"]) == (400, code)
        assert (await client.signed("GET", "/api/v3/openOrders")).body == []

    with_client(test)


def test_the_older_form_of_an_oco() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.1", "price": "58000", "stopPrice": "62000"}
        answer = (await client.signed("POST", "/api/v3/order/oco", **order)).body
        assert [each["type"] for each in answer["orderReports"]] == ["STOP_LOSS", "LIMIT_MAKER"]
        order |= {"stopLimitPrice": "62100", "stopLimitTimeInForce": "GTC", "limitClientOrderId": "below"}
        answer = (await client.signed("POST", "/api/v3/order/oco", **order)).body
        assert [each["type"] for each in answer["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
        assert answer["orders"][1]["clientOrderId"] == "below"

    with_client(test)


def test_an_entry_with_its_protection_is_one_request() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        answer = (await place(client, "opoco", OPOCO, newOrderRespType="FULL")).body
        working, stop, target = answer["orderReports"]
        assert (answer["contingencyType"], working["status"], len(working["fills"])) == ("OTO", "FILLED", 1)
        assert (stop["status"], target["status"], stop["origQty"]) == ("PENDING_NEW", "PENDING_NEW", "0.00000000")
        legs = (await client.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")).body
        # 2 BTC were there to pay the fee of 0.0005 with, so all that was bought is protected (trading-rules 1.3)
        assert [(each["type"], each["origQty"], each["status"]) for each in legs] == [
            ("STOP_LOSS", "0.50000000", "NEW"),
            ("LIMIT_MAKER", "0.50000000", "NEW"),
        ]
        later(client.clock)
        server.venue.price_moved("BTCUSDT", Decimal(57_000), Decimal(1_000), client.clock.time)
        orders = (await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body
        assert [(each["status"], each.get("expiryReason")) for each in orders] == [
            ("FILLED", None),
            ("FILLED", None),
            ("EXPIRED", "OCO_TRIGGER"),
        ]

    with_client(test)


@pytest.mark.parametrize(
    ("kind", "pending", "orders"),
    [
        ("oto", {"pendingType": "LIMIT", "pendingPrice": "65000", "pendingTimeInForce": "GTC"}, 2),
        ("opo", {"pendingType": "STOP_LOSS", "pendingStopPrice": "50000"}, 2),
        (
            "otoco",
            {
                "pendingAboveType": "TAKE_PROFIT_LIMIT",
                "pendingAbovePrice": "65000",
                "pendingAboveStopPrice": "64900",
                "pendingAboveTimeInForce": "GTC",
                "pendingBelowType": "STOP_LOSS_LIMIT",
                "pendingBelowPrice": "49000",
                "pendingBelowStopPrice": "50000",
                "pendingBelowTimeInForce": "GTC",
            },
            3,
        ),
    ],
)
def test_the_other_lists_wait_for_their_working_order(kind: str, pending: dict[str, Any], orders: int) -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        working = {name: value for name, value in OPOCO.items() if name.startswith("working") or name == "symbol"}
        working |= {"workingTimeInForce": "GTC", "workingPrice": "59000", "pendingSide": "SELL"}
        sized = {"pendingQuantity": "0.5"} if kind != "opo" else {}
        answer = await place(client, kind, {**working, **sized, **pending})
        assert answer.headers["X-MBX-ORDER-COUNT-10S"] == str(orders)
        statuses = [each["status"] for each in answer.body["orderReports"]]
        assert statuses == ["NEW", *["PENDING_NEW"] * (orders - 1)]
        server.venue.price_moved("BTCUSDT", Decimal(58_000), Decimal(1_000), client.clock.time)
        statuses = [each["status"] for each in (await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body]
        assert statuses == ["FILLED", *["NEW"] * (orders - 1)]
        assert len((await client.signed("GET", "/api/v3/openOrderList")).body) == 1

    with_client(test)
