"""Placing, canceling, replacing and amending orders over REST, and what the account then looks like."""

from decimal import Decimal
from typing import Any

import pytest

from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.wording import milliseconds
from tests.unit.exchange_server.serving import (
    BEGIN,
    OTHER_KEY,
    OTHER_SECRET,
    Answer,
    Client,
    with_client,
)

NOW = BEGIN // 1000
ORDER = "/api/v3/order"


async def limit(client: Client, **changes: Any) -> Answer:
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.1",
        "price": "59000",
        **changes,
    }
    return await client.signed("POST", ORDER, **order)


def test_a_market_order_is_answered_in_full() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        answer = await client.signed(
            "POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5", newClientOrderId="first"
        )
        assert answer.status == 200
        assert answer.headers["X-MBX-ORDER-COUNT-10S"] == "0"  # a first fill as taker gives one back
        assert answer.body == {
            "symbol": "BTCUSDT",
            "orderId": 1,
            "orderListId": -1,
            "clientOrderId": "first",
            "transactTime": NOW,
            "price": "0.00000000",
            "origQty": "0.50000000",
            "executedQty": "0.50000000",
            "origQuoteOrderQty": "0.00000000",
            "cummulativeQuoteQty": "30000.00000000",
            "status": "FILLED",
            "timeInForce": "GTC",
            "type": "MARKET",
            "side": "BUY",
            "workingTime": NOW,
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "fills": [
                {
                    "price": "60000.00000000",
                    "qty": "0.50000000",
                    "commission": "0.00050000",
                    "commissionAsset": "BTC",
                    "tradeId": 1,
                }
            ],
        }
        account = (await client.signed("GET", "/api/v3/account", omitZeroBalances="true")).body
        assert account["balances"] == [
            {"asset": "USDT", "free": "70000.00000000", "locked": "0.00000000"},
            {"asset": "BTC", "free": "2.49950000", "locked": "0.00000000"},
        ]
        trades = (await client.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).body
        assert trades == [
            {
                "symbol": "BTCUSDT",
                "id": 1,
                "orderId": 1,
                "orderListId": -1,
                "price": "60000.00000000",
                "qty": "0.50000000",
                "quoteQty": "30000.00000000",
                "commission": "0.00050000",
                "commissionAsset": "BTC",
                "time": NOW,
                "isBuyer": True,
                "isMaker": False,
                "isBestMatch": True,
            }
        ]

    with_client(test)


def test_a_resting_order_is_found_canceled_and_remembered() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        placed = await limit(client, newClientOrderId="mine", strategyId=7, strategyType=1_000_000)
        assert (placed.body["status"], placed.headers["X-MBX-ORDER-COUNT-1D"]) == ("NEW", "1")
        found = (await client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")).body
        assert (found["isWorking"], found["workingTime"], found["strategyId"]) == (True, NOW, 7)
        assert (await client.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")).body == [found]
        assert (await client.signed("GET", "/api/v3/openOrders")).body == [found]
        client.clock.time += 5_000_000
        canceled = (await client.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=1, newClientOrderId="cancel")).body
        assert (canceled["clientOrderId"], canceled["origClientOrderId"]) == ("cancel", "mine")
        assert (canceled["status"], canceled["transactTime"]) == ("CANCELED", NOW + 5000)
        found = (await client.signed("GET", ORDER, symbol="BTCUSDT", orderId=1)).body
        assert (found["status"], found["time"], found["updateTime"]) == ("CANCELED", NOW, NOW + 5000)
        assert (await client.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")).body == []
        assert (await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body == [found]
        gone = await client.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=1)
        assert gone.body == {"code": -2011, "msg": "Unknown order sent."}

    with_client(test)


REFUSALS = [
    ({"type": "NOISE"}, -1116, "Invalid orderType."),
    ({"side": "HOLD"}, -1117, "Invalid side."),
    ({"timeInForce": "NOW"}, -1115, "Invalid timeInForce."),
    ({"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
    ({"symbol": "btcusdt"}, -1100, None),
    ({"quantity": "abc"}, -1100, None),
    ({"quantity": "-1"}, -1100, None),
    ({"quantity": ""}, -1105, "Parameter 'quantity' was empty."),
    ({"quantity": "0"}, -1013, "Invalid quantity."),
    ({"quantity": "0.123456789"}, -1111, "Parameter 'quantity' has too much precision."),
    ({"quantity": "0.0000001"}, -1013, "Filter failure: LOT_SIZE"),
    ({"price": "59000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"price": "59000", "quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
    ({"price": "200000", "quantity": "1"}, -2010, "Account has insufficient balance for requested action."),
    ({"newClientOrderId": "with space"}, -1100, None),
    ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
    ({"icebergQty": "0.01"}, -1013, "Iceberg orders are not supported for this symbol."),
    ({"trailingDelta": "100"}, -1013, "Trailing stop orders are not supported for this symbol."),
    ({"pegPriceType": "PRIMARY_PEG"}, -1013, "Pegged orders are not supported for this symbol."),
    ({"strategyType": "5"}, -1134, None),
    (
        {"selfTradePreventionMode": "TRANSFER"},
        -1013,
        "This symbol does not allow the specified self-trade prevention mode.",
    ),
    ({"selfTradePreventionMode": "X"}, -1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."),
    ({"newOrderRespType": "X"}, -1130, "Data sent for parameter 'newOrderRespType' is not valid."),
    ({"recvWindow": "60001"}, -1131, "recvWindow must be less than 60000."),
    ({"timestamp": NOW - 5001}, -1021, "Timestamp for this request is outside of the recvWindow."),
    ({"timestamp": NOW + 1000}, -1021, "Timestamp for this request was 1000ms ahead of the server's time."),
    ({"nonsense": "1"}, -1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
]


@pytest.mark.parametrize(("changes", "code", "words"), REFUSALS)
def test_what_is_refused(changes: dict[str, Any], code: int, words: str | None) -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        answer = await limit(client, **changes)
        assert (answer.status, answer.body["code"]) == (400, code)
        assert words in {None, answer.body["msg"]}
        assert (await client.signed("GET", "/api/v3/openOrders")).body == []
        assert (await client.signed("GET", "/api/v3/rateLimit/order")).body[0]["count"] == 0

    with_client(test)


def test_what_is_missing_is_named() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        full = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1, "price": 1}
        for name in full:
            answer = await client.signed("POST", ORDER, **{key: each for key, each in full.items() if key != name})
            words = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            assert answer.body == {"code": -1102, "msg": words}
        answer = await client.signed("POST", ORDER, symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity=1)
        words = "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"
        assert answer.body == {"code": -1102, "msg": words}

    with_client(test)


def test_who_signs_badly_is_refused() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        client.secret = "wrong"
        answer = await client.signed("GET", "/api/v3/account")
        assert answer.body == {"code": -1022, "msg": "Signature for this request is not valid."}
        answer = await client.call("GET", "/api/v3/account")
        assert (answer.status, answer.body["code"]) == (401, -2014)
        client.key = "stranger"
        answer = await client.signed("GET", "/api/v3/account")
        assert (answer.status, answer.body["code"]) == (401, -2015)

    with_client(test)


def test_the_signature_is_checked_on_the_bytes_as_they_came() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        import hashlib
        import hmac

        # parameters in query and body; one percent-encoded in an unusual way
        query, body = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GT%43", f"quantity=1&price=1000.5&timestamp={NOW}"
        signature = hmac.new(client.secret.encode(), (query + body).encode(), hashlib.sha256).hexdigest()
        headers = {"X-MBX-APIKEY": client.key, "Content-Type": "text/plain"}
        answer = await client.send(
            "POST", "/api/v3/order/test", query, headers, f"{body}&signature={signature}".encode()
        )
        assert (answer.status, answer.body["code"]) == (400, -1013)  # signed well; the price is refused

    with_client(test)


def test_keys_of_every_kind_trade() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        from base64 import b64encode
        from urllib.parse import quote

        from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
        from cryptography.hazmat.primitives.hashes import SHA256

        from roottrading.exchange_server.keys import PublicKey

        one, two = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
        server.keys.add("ed", PublicKey(one.public_key()), client.key)
        server.keys.add("rsa", PublicKey(two.public_key()), client.key)
        query = f"timestamp={NOW}&omitZeroBalances=true"
        signed = {"ed": one.sign(query.encode()), "rsa": two.sign(query.encode(), padding.PKCS1v15(), SHA256())}
        for key, signature in signed.items():
            encoded = quote(b64encode(signature).decode(), safe="")
            answer = await client.send("GET", "/api/v3/account", f"{query}&signature={encoded}", {"X-MBX-APIKEY": key})
            assert answer.body["accountType"] == "SPOT"
        wrong = quote(b64encode(signed["rsa"]).decode(), safe="")
        answer = await client.send("GET", "/api/v3/account", f"{query}&signature={wrong}", {"X-MBX-APIKEY": "ed"})
        assert answer.body["code"] == -1022

    with_client(test)


def test_orders_of_two_accounts_meet_price_and_time_first() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        other = Client(client.session, client.base, client.clock, OTHER_KEY, OTHER_SECRET)
        await limit(other, side="SELL", price="60010", quantity="0.2", newClientOrderId="dear")
        await limit(other, side="SELL", price="60005", quantity="0.1", newClientOrderId="cheap")
        server.venue.price_moved("BTCUSDT", Decimal(60_000), Decimal(0), client.clock.time)  # nothing but what rests
        answer = await limit(client, price="60020", quantity="0.2")
        assert [(each["price"], each["qty"]) for each in answer.body["fills"]] == [
            ("60005.00000000", "0.10000000"),
            ("60010.00000000", "0.10000000"),
        ]
        (rest,) = (await other.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")).body
        assert (rest["clientOrderId"], rest["status"], rest["executedQty"]) == (
            "dear",
            "PARTIALLY_FILLED",
            "0.10000000",
        )
        assert (await client.signed("GET", ORDER, symbol="BTCUSDT", orderId=1)).body["code"] == -2013
        trades = (await other.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=2)).body
        assert [(each["isMaker"], each["commissionAsset"]) for each in trades] == [(True, "USDT")]

    with_client(test)


def test_cancel_replace_tells_both_fates() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        async def replace(**changes: Any) -> Answer:
            order = {
                "symbol": "BTCUSDT",
                "side": "SELL",
                "type": "LIMIT_MAKER",
                "quantity": "0.1",
                "price": "61000",
                "cancelReplaceMode": "STOP_ON_FAILURE",
                **changes,
            }
            return await client.signed("POST", "/api/v3/order/cancelReplace", **order)

        await limit(client, newClientOrderId="old")
        done = await replace(cancelOrigClientOrderId="old", newClientOrderId="new")
        assert done.status == 200
        assert (done.body["cancelResult"], done.body["newOrderResult"]) == ("SUCCESS", "SUCCESS")
        assert done.body["cancelResponse"]["status"] == "CANCELED"
        assert set(done.body["newOrderResponse"]) == {
            "symbol",
            "orderId",
            "orderListId",
            "clientOrderId",
            "transactTime",
        }
        none = await replace(cancelOrigClientOrderId="old")
        assert (none.status, none.body["code"]) == (400, -2022)
        assert none.body["data"] == {
            "cancelResult": "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
            "newOrderResponse": None,
        }
        half = await replace(cancelOrigClientOrderId="new", price="59000")
        assert (half.status, half.body["code"]) == (409, -2021)
        assert half.body["data"]["cancelResult"] == "SUCCESS"
        assert half.body["data"]["newOrderResponse"] == {
            "code": -2010,
            "msg": "Order would immediately match and take.",
        }
        other_half = await replace(cancelOrderId=1, cancelReplaceMode="ALLOW_FAILURE", newOrderRespType="RESULT")
        assert (other_half.status, other_half.body["code"]) == (409, -2021)
        assert other_half.body["data"]["newOrderResponse"]["status"] == "NEW"
        neither = await replace(cancelOrderId=1, cancelReplaceMode="ALLOW_FAILURE", price="59000")
        assert (neither.status, neither.body["code"]) == (400, -2022)
        assert neither.body["data"]["newOrderResult"] == "FAILURE"
        # a filter is judged before anything is canceled
        await limit(client, newClientOrderId="stays")
        assert (await replace(cancelOrigClientOrderId="stays", quantity="0.0000001")).body["code"] == -1013
        assert (await client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="stays")).body["status"] == "NEW"
        restricted = await replace(cancelOrigClientOrderId="stays", cancelRestrictions="ONLY_PARTIALLY_FILLED")
        assert restricted.body["data"]["cancelResponse"]["msg"] == "Order was not canceled due to cancel restrictions."

    with_client(test)


def test_an_amended_order_has_less_quantity_and_a_new_name() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        path = "/api/v3/order/amend/keepPriority"
        await limit(client, newClientOrderId="old")
        answer = await client.signed("PUT", path, symbol="BTCUSDT", orderId=1, newQty="0.06", newClientOrderId="new")
        assert answer.status == 200
        amended = answer.body["amendedOrder"]
        assert (amended["qty"], amended["origClientOrderId"], amended["clientOrderId"]) == ("0.06000000", "old", "new")
        assert (await client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="old")).body["code"] == -2013
        found = (await client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="new")).body
        assert (found["origQty"], found["status"]) == ("0.06000000", "NEW")
        held = (await client.signed("GET", "/api/v3/account", omitZeroBalances="true")).body["balances"][0]
        assert held == {"asset": "USDT", "free": "96460.00000000", "locked": "3540.00000000"}
        more = await client.signed("PUT", path, symbol="BTCUSDT", orderId=1, newQty="0.07")
        assert more.body == {"code": -2038, "msg": "Order amend (quantity increase) is not supported."}
        (history,) = (await client.signed("GET", "/api/v3/order/amendments", symbol="BTCUSDT", orderId=1)).body
        assert (history["origQty"], history["newQty"]) == ("0.10000000", "0.06000000")
        canceled = await client.signed("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="new")
        assert canceled.body["status"] == "CANCELED"

    with_client(test)


def test_a_match_with_oneself_is_prevented_and_told() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        await limit(client, side="SELL", price="60005", newClientOrderId="rests")
        server.venue.price_moved("BTCUSDT", Decimal(60_000), Decimal(0), client.clock.time)
        taker = await limit(client, price="60005", selfTradePreventionMode="EXPIRE_TAKER")
        assert (taker.body["status"], taker.body["preventedQuantity"]) == ("EXPIRED_IN_MATCH", "0.10000000")
        matches = await client.signed("GET", "/api/v3/myPreventedMatches", symbol="BTCUSDT", orderId=2)
        assert matches.body == [
            {
                "symbol": "BTCUSDT",
                "preventedMatchId": 1,
                "takerOrderId": 2,
                "makerSymbol": "BTCUSDT",
                "makerOrderId": 1,
                "tradeGroupId": -1,
                "selfTradePreventionMode": "EXPIRE_TAKER",
                "price": "60005.00000000",
                "transactTime": NOW,
                "takerPreventedQuantity": "0.10000000",
            }
        ]

    with_client(test)


def test_decrement_takes_from_both_and_tells_of_both() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        heard: list[Any] = []
        server.subscribers.add(client.key, lambda event: heard.append(event.shown(milliseconds)))
        await limit(client, side="SELL", price="60005", quantity="0.3", newClientOrderId="rests")
        server.venue.price_moved("BTCUSDT", Decimal(60_000), Decimal(0), client.clock.time)
        heard.clear()
        taker = (await limit(client, price="60005", selfTradePreventionMode="DECREMENT")).body
        assert (taker["status"], taker["origQty"], taker["executedQty"]) == (
            "EXPIRED_IN_MATCH",
            "0.10000000",
            "0.00000000",
        )
        assert (taker["preventedMatchId"], taker["preventedQuantity"]) == (1, "0.10000000")
        reports = [(each["i"], each["x"], each["X"], each.get("A"), each.get("B")) for each in heard if "x" in each]
        assert reports == [
            (2, "NEW", "NEW", None, None),
            (2, "TRADE_PREVENTION", "EXPIRED_IN_MATCH", "0.10000000", "0.10000000"),
            (1, "TRADE_PREVENTION", "NEW", "0.10000000", "0.10000000"),
        ]
        await limit(client, price="60005", quantity="0.15", selfTradePreventionMode="DECREMENT")
        rests = (await client.signed("GET", ORDER, symbol="BTCUSDT", orderId=1)).body
        assert (rests["status"], rests["origQty"], rests["preventedQuantity"]) == ("NEW", "0.30000000", "0.25000000")
        held = {each["asset"]: each for each in (await client.signed("GET", "/api/v3/account")).body["balances"]}
        assert (held["BTC"]["locked"], held["USDT"]["locked"]) == ("0.05000000", "0.00000000")
        path = "/api/v3/order/amend/keepPriority"
        amended = (await client.signed("PUT", path, symbol="BTCUSDT", orderId=1, newQty="0.28")).body["amendedOrder"]
        assert amended["qty"] == "0.28000000"
        server.venue.price_moved("BTCUSDT", Decimal(60_100), Decimal(100), client.clock.time)
        rests = (await client.signed("GET", ORDER, symbol="BTCUSDT", orderId=1)).body
        assert (rests["status"], rests["origQty"], rests["executedQty"]) == ("FILLED", "0.28000000", "0.03000000")
        matches = (await client.signed("GET", "/api/v3/myPreventedMatches", symbol="BTCUSDT", orderId=1)).body
        assert [each["makerPreventedQuantity"] for each in matches] == ["0.30000000", "0.20000000"]
        assert [each["takerPreventedQuantity"] for each in matches] == ["0.10000000", "0.15000000"]

    with_client(test)


def test_order_test_places_nothing() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "100"}
        assert (await client.signed("POST", "/api/v3/order/test", **order)).body == {}
        rates = (await client.signed("POST", "/api/v3/order/test", computeCommissionRates="true", **order)).body
        assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
        assert (await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body == []

    with_client(test)


def test_too_many_orders_are_refused_with_the_time_to_wait() -> None:
    from roottrading.exchange_server.limits import LimitSettings

    async def test(client: Client, _: ExchangeServer) -> None:
        for number in (1, 2):
            assert (await limit(client)).headers["X-MBX-ORDER-COUNT-10S"] == str(number)
        client.clock.time += 3_000_000
        answer = await limit(client)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert answer.body == {"code": -1015, "msg": "Too many new orders; current limit is 2 orders per 10 SECOND."}
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.1", "price": "58000"}
        order |= {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": "1"}
        path = "/api/v3/order/cancelReplace"
        assert (await client.signed("POST", path, **order)).body["code"] == -1015
        answer = await client.signed("POST", path, orderRateLimitExceededMode="CANCEL_ONLY", **order)
        assert (answer.status, answer.body["code"]) == (429, -2021)
        assert answer.body["data"]["cancelResult"] == "SUCCESS"
        client.clock.time += 7_000_000
        assert (await limit(client)).status == 200

    with_client(test, LimitSettings(orders_10_seconds=2))
