"""binance-connector, which Binance has given up, on the exchange: user data comes by listen key only."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from binance.error import ClientError
from binance.spot import Spot
from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient

SYMBOL = "LTCUSDT"
BASE, KEY, SECRET = sys.argv[1:4]
SOCKET = BASE.replace("http", "ws")


def until(found: Callable[[], bool]) -> None:
    """Wait until something came."""
    for _ in range(700):
        if found():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


def orders(client: Any) -> None:
    """Place, query, replace and cancel over REST."""
    last = float(client.ticker_price(SYMBOL)["price"])

    def price(factor: float) -> str:
        return f"{last * factor:.1f}"

    assert client.new_order(SYMBOL, "BUY", "MARKET", quantity="0.5")["status"] == "FILLED"
    limit = {"timeInForce": "GTC", "quantity": "0.5", "price": price(0.9)}
    order = client.new_order(SYMBOL, "BUY", "LIMIT", **limit)
    assert client.get_order(SYMBOL, orderId=order["orderId"])["status"] == "NEW"
    replaced = client.cancel_and_replace(
        SYMBOL, "BUY", "LIMIT", "STOP_ON_FAILURE", cancelOrderId=order["orderId"], **limit
    )
    assert len(client.get_open_orders(SYMBOL)) == 1
    assert client.cancel_order(SYMBOL, orderId=replaced["newOrderResponse"]["orderId"])["status"] == "CANCELED"
    oco = client.new_oco_order(
        symbol=SYMBOL,
        side="SELL",
        quantity="0.3",
        aboveType="LIMIT_MAKER",
        abovePrice=price(1.1),
        belowType="STOP_LOSS",
        belowStopPrice=price(0.9),
    )
    assert client.cancel_oco_order(SYMBOL, orderListId=oco["orderListId"])["listOrderStatus"] == "ALL_DONE"
    assert len(client.my_trades(SYMBOL)) == 1
    assert client.account()["canTrade"] is True
    try:
        client.new_order(SYMBOL, "BUY", "MARKET", quantity="0.00001")
    except ClientError as error:
        refused = error
    assert (refused.status_code, refused.error_code) == (400, -1013)


def main() -> None:
    """Hear candles and user data while trading."""
    client = Spot(api_key=KEY, api_secret=SECRET, base_url=BASE)
    listen_key = client.new_listen_key()["listenKey"]
    client.renew_listen_key(listen_key)
    heard: list[Any] = []
    streams = SpotWebsocketStreamClient(
        stream_url=SOCKET, on_message=lambda _, text: heard.append(json.loads(text)), is_combined=True
    )
    streams.user_data(listen_key)
    streams.kline(SYMBOL, "1m")
    until(lambda: sum("result" in each for each in heard) == 2)
    orders(client)
    until(lambda: any(each.get("stream") == listen_key for each in heard))
    until(lambda: any(each.get("stream") == "ltcusdt@kline_1m" for each in heard))
    kinds = {each["data"]["e"] for each in heard if each.get("stream") == listen_key}
    assert kinds >= {"executionReport", "outboundAccountPosition", "listStatus"}, kinds
    streams.stop()
    answers: list[Any] = []
    api = SpotWebsocketAPIClient(
        stream_url=SOCKET + "/ws-api/v3",
        api_key=KEY,
        api_secret=SECRET,
        on_message=lambda _, text: answers.append(json.loads(text)),
    )
    api.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.1, newOrderRespType="FULL")
    until(lambda: bool(answers))
    assert answers[0]["status"] == 200, answers
    api.stop()
    client.close_listen_key(listen_key)
    print("all done")


main()
