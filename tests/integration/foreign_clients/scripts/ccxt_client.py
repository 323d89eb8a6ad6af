"""ccxt on the exchange: run with the address, a key and its secret, in an environment that holds ccxt."""

import asyncio
import sys
from typing import Any

import ccxt
import ccxt.pro

SYMBOL = "LTC/USDT"


def client(base: str, key: str, secret: str, **options: Any) -> Any:
    """Return ccxt's Binance, pointed at the exchange by its own settings only."""
    socket = base.replace("http", "ws")
    addresses: dict[str, Any] = dict.fromkeys(("public", "private"), f"{base}/api/v3")
    addresses |= {"v1": f"{base}/api/v1", "sapi": f"{base}/sapi/v1"}
    addresses["ws"] = {"spot": f"{socket}/ws", "ws-api": {"spot": f"{socket}/ws-api/v3"}}
    options = {"fetchMarkets": {"types": ["spot"]}, **options}
    return ccxt.pro.binance({"apiKey": key, "secret": secret, "urls": {"api": addresses}, "options": options})


async def public(exchange: Any) -> float:
    """Load what everybody may know; return the last price."""
    markets = await exchange.load_markets()
    market = markets[SYMBOL]
    assert market["precision"]["amount"] == 0.001
    assert market["limits"]["cost"]["min"] > 0
    ticker = await exchange.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["ask"]
    candles = await exchange.fetch_ohlcv(SYMBOL, "1m", limit=3)
    assert candles[-1][0] <= await exchange.fetch_time()
    book = await exchange.fetch_order_book(SYMBOL, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert await exchange.fetch_trades(SYMBOL, limit=2)
    return float(ticker["last"])


async def orders(exchange: Any, last: float) -> None:
    """Place, query, edit and cancel over REST."""

    def price(factor: float) -> float:
        return float(exchange.price_to_precision(SYMBOL, last * factor))

    bought = await exchange.create_order(SYMBOL, "market", "buy", 1)
    assert (bought["status"], bought["filled"]) == ("closed", 1.0)
    assert bought["fee"]["cost"] == 0.001
    resting = await exchange.create_order(SYMBOL, "limit", "buy", 1, price(0.9))
    assert (await exchange.fetch_order(resting["id"], SYMBOL))["status"] == "open"
    edited = await exchange.edit_order(resting["id"], SYMBOL, "limit", "buy", 2, price(0.91))  # cancelReplace
    assert (edited["status"], edited["amount"]) == ("open", 2.0)
    assert [order["id"] for order in await exchange.fetch_open_orders(SYMBOL)] == [edited["id"]]
    assert (await exchange.cancel_order(edited["id"], SYMBOL))["status"] == "canceled"
    stop = {"stopPrice": price(0.95), "timeInForce": "GTC"}
    assert (await exchange.create_order(SYMBOL, "STOP_LOSS_LIMIT", "sell", 0.5, price(0.94), stop))["status"] == "open"
    assert (await exchange.create_stop_loss_order(SYMBOL, "market", "sell", 0.4, None, price(0.93)))["status"] == "open"
    assert len(await exchange.cancel_all_orders(SYMBOL)) == 2
    legs = {
        "aboveType": "LIMIT_MAKER",
        "abovePrice": price(1.1),
        "belowType": "STOP_LOSS",
        "belowStopPrice": price(0.9),
    }
    oco = await exchange.private_post_orderlist_oco({"symbol": "LTCUSDT", "side": "SELL", "quantity": "0.5", **legs})
    assert oco["listOrderStatus"] == "EXECUTING"
    which = {"symbol": "LTCUSDT", "orderListId": oco["orderListId"]}
    assert (await exchange.private_delete_orderlist(which))["listOrderStatus"] == "ALL_DONE"
    (trade,) = await exchange.fetch_my_trades(SYMBOL)
    assert (trade["amount"], trade["order"]) == (1.0, bought["id"])
    assert len(await exchange.fetch_orders(SYMBOL)) == 7
    balance = await exchange.fetch_balance()
    assert balance["LTC"] == {"free": 10.999, "used": 0.0, "total": 10.999}
    for error, amount in ((ccxt.InsufficientFunds, 1000), (ccxt.BadRequest, 0.0015)):
        try:
            await exchange.create_order(SYMBOL, "limit", "buy", amount, price(0.99))
        except error:
            continue
        raise AssertionError(f"an order of {amount} was not refused with {error.__name__}")


async def sockets(exchange: Any, last: float) -> None:
    """Trade over the WebSocket API."""
    price = float(exchange.price_to_precision(SYMBOL, last * 0.9))
    sold = await exchange.create_order_ws(SYMBOL, "market", "sell", 0.5)
    assert (sold["status"], sold["filled"]) == ("closed", 0.5)
    resting = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.5, price)
    assert (await exchange.fetch_order_ws(resting["id"], SYMBOL))["status"] == "open"
    assert len(await exchange.fetch_open_orders_ws(SYMBOL)) == 1
    assert (await exchange.cancel_order_ws(resting["id"], SYMBOL))["status"] == "canceled"


async def with_its_habits() -> None:
    """Load markets as ccxt does by itself, with questions to /sapi."""
    exchange = client(*sys.argv[1:4])
    try:
        await exchange.load_markets()
        assert (await exchange.fetch_trading_fee(SYMBOL))["taker"] == 0.001
    finally:
        await exchange.close()


async def main() -> None:
    """Stream everything while trading, then see that everything came."""
    await with_its_habits()
    exchange = client(*sys.argv[1:4], fetchCurrencies=False, fetchMargins=False)
    try:
        last = await public(exchange)
        watched = [
            asyncio.ensure_future(exchange.watch_ohlcv(SYMBOL, "1m")),
            asyncio.ensure_future(exchange.watch_trades(SYMBOL)),
            asyncio.ensure_future(exchange.watch_ticker(SYMBOL)),
            asyncio.ensure_future(exchange.watch_order_book(SYMBOL)),
            asyncio.ensure_future(exchange.watch_balance()),
            asyncio.ensure_future(exchange.watch_orders(SYMBOL)),
            asyncio.ensure_future(exchange.watch_my_trades(SYMBOL)),
        ]
        await asyncio.sleep(1)  # until they are subscribed
        await orders(exchange, last)
        await sockets(exchange, last)
        for heard in await asyncio.wait_for(asyncio.gather(*watched), 60):
            assert heard
    finally:
        await exchange.close()
    print("all done")


asyncio.run(main())
