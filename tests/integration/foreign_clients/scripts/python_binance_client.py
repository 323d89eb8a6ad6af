"""python-binance on the exchange: run with the address, a key and its secret, where python-binance is installed."""

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any

from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException

SYMBOL = "LTCUSDT"
BASE, KEY, SECRET = sys.argv[1:4]
SOCKET = BASE.replace("http", "ws")

for kind in (AsyncClient, Client):
    kind.API_URL = BASE + "/api"
    kind.MARGIN_API_URL = BASE + "/sapi"
    kind.WS_API_URL = SOCKET + "/ws-api/v3"
BinanceSocketManager.STREAM_URL = SOCKET + "/"


async def refusal(call: Awaitable[Any]) -> Any:
    """Return the error with which a call was refused."""
    try:
        await call
    except BinanceAPIException as error:
        return error
    raise AssertionError("it was not refused")


def without_asyncio() -> None:
    """Use the synchronous client."""
    client = Client(KEY, SECRET)
    assert client.get_symbol_info(SYMBOL)["status"] == "TRADING"
    assert client.get_account()["canTrade"] is True
    assert client.get_historical_klines(SYMBOL, "1m", limit=5)
    client.create_test_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.5")


async def orders(client: Any, user: Any) -> None:
    """Place, query, replace and cancel over REST."""
    last = float((await client.get_symbol_ticker(symbol=SYMBOL))["price"])

    def price(factor: float) -> str:
        return f"{last * factor:.1f}"

    bought = await client.order_market_buy(symbol=SYMBOL, quantity="0.5", newClientOrderId="mine")
    assert (bought["status"], len(bought["fills"])) == ("FILLED", 1)
    heard = [(await asyncio.wait_for(user.recv(), 20))["e"] for _ in range(3)]
    assert heard == ["executionReport", "executionReport", "outboundAccountPosition"]
    resting = await client.order_limit_buy(symbol=SYMBOL, quantity="0.5", price=price(0.9))
    assert (await client.get_order(symbol=SYMBOL, orderId=resting["orderId"]))["status"] == "NEW"
    replaced = await client.cancel_replace_order(
        symbol=SYMBOL,
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.6",
        price=price(0.91),
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=resting["orderId"],
    )
    assert (replaced["cancelResult"], replaced["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    new = replaced["newOrderResponse"]["orderId"]
    assert (await client.cancel_order(symbol=SYMBOL, orderId=new))["status"] == "CANCELED"
    stop = {"side": "SELL", "type": "STOP_LOSS", "quantity": "0.4", "stopPrice": price(0.9)}
    await client.create_order(symbol=SYMBOL, **stop)
    oco = await client.create_oco_order(
        symbol=SYMBOL,
        side="SELL",
        quantity="0.3",
        aboveType="LIMIT_MAKER",
        abovePrice=price(1.1),
        belowType="STOP_LOSS",
        belowStopPrice=price(0.9),
    )
    assert (oco["listOrderStatus"], len(oco["orderReports"])) == ("EXECUTING", 2)
    assert len(await client.get_open_orders(symbol=SYMBOL)) == 3
    assert len(await client.cancel_all_open_orders(symbol=SYMBOL)) == 2
    (trade,) = await client.get_my_trades(symbol=SYMBOL)
    assert trade["qty"] == "0.50000000"
    assert (await client.get_asset_balance("LTC"))["free"] == "10.49950000"
    assert len(await client.get_all_orders(symbol=SYMBOL)) == 6
    refused = await refusal(client.order_limit_buy(symbol=SYMBOL, quantity="0.0000001", price="100"))
    assert (refused.code, refused.status_code) == (-1013, 400)


async def sockets(client: Any) -> None:
    """Trade over the WebSocket API."""
    order = await client.ws_create_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.1")
    assert (await client.ws_get_order(symbol=SYMBOL, orderId=order["orderId"]))["status"] == "FILLED"
    assert (await client.ws_get_account())["canTrade"] is True


async def main() -> None:
    """Stream everything while trading, then see that everything came."""
    client = await AsyncClient.create(KEY, SECRET)
    manager = BinanceSocketManager(client)
    try:
        async with (
            manager.user_socket() as user,
            manager.kline_socket(SYMBOL, "1m") as candles,
            manager.trade_socket(SYMBOL) as trades,
            manager.multiplex_socket(["ltcusdt@bookTicker", "bnbusdt@kline_1m"]) as several,
        ):
            await orders(client, user)
            await sockets(client)
            assert (await asyncio.wait_for(candles.recv(), 60))["k"]["i"] == "1m"
            assert (await asyncio.wait_for(trades.recv(), 60))["e"] == "trade"
            assert (await asyncio.wait_for(several.recv(), 60))["stream"] in {"ltcusdt@bookTicker", "bnbusdt@kline_1m"}
            assert await client.stream_get_listen_key()  # the exchange was told to have them
    finally:
        await client.close_connection()
    print("all done")


without_asyncio()
asyncio.run(main())
