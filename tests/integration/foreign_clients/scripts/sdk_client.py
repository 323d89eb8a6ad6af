"""binance-sdk-spot on the exchange: its models check every answer and event, and its log tells where one misfits."""

import asyncio
import logging
import sys
from typing import Any

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError
from binance_sdk_spot.spot import Spot

SYMBOL = "LTCUSDT"
BASE, KEY, SECRET = sys.argv[1:4]
SOCKET = BASE.replace("http", "ws")
PUBLIC: dict[str, dict[str, Any]] = {
    "ping": {},
    "time": {},
    "exchange_info": {},
    "execution_rules": {},
    "depth": {"symbol": SYMBOL},
    "klines": {"symbol": SYMBOL, "interval": "1m"},
    "ui_klines": {"symbol": SYMBOL, "interval": "1h"},
    "avg_price": {"symbol": SYMBOL},
    "ticker24hr": {"symbol": SYMBOL},
    "ticker_trading_day": {"symbol": SYMBOL},
    "ticker_price": {"symbol": SYMBOL},
    "ticker": {"symbol": SYMBOL},
}
REST_ONLY: dict[str, dict[str, Any]] = {
    "get_trades": {"symbol": SYMBOL},
    "historical_trades": {"symbol": SYMBOL},
    "agg_trades": {"symbol": SYMBOL},
    "ticker_book_ticker": {"symbol": SYMBOL},
    "historical_block_trades": {"symbol": SYMBOL, "from_id": 0},
    "get_account": {},
    "account_commission": {"symbol": SYMBOL},
    "rate_limit_order": {},
    "my_filters": {"symbol": SYMBOL},
    "my_allocations": {"symbol": SYMBOL},
}
SOCKET_ONLY: dict[str, dict[str, Any]] = {
    "trades_recent": {"symbol": SYMBOL},
    "trades_historical": {"symbol": SYMBOL},
    "trades_aggregate": {"symbol": SYMBOL},
    "ticker_book": {"symbol": SYMBOL},
    "account_status": {},
    "account_commission": {"symbol": SYMBOL},
    "account_rate_limits_orders": {},
    "my_filters": {"symbol": SYMBOL},
    "my_allocations": {"symbol": SYMBOL},
    "session_status": {},
    "session_subscriptions": {},
}
STREAMS: dict[str, dict[str, Any]] = {
    "kline": {"symbol": SYMBOL, "interval": "1m"},
    "trade": {"symbol": SYMBOL},
    "agg_trade": {"symbol": SYMBOL},
    "book_ticker": {"symbol": SYMBOL},
    "diff_book_depth": {"symbol": SYMBOL},
    "partial_book_depth": {"symbol": SYMBOL, "levels": 5},
    "mini_ticker": {"symbol": SYMBOL},
    "ticker": {"symbol": SYMBOL},
    "avg_price": {"symbol": SYMBOL},
    "all_mini_ticker": {},
    "rolling_window_ticker": {"symbol": SYMBOL, "window_size": "1h"},
}
SPOT = Spot(
    config_rest_api=ConfigurationRestAPI(api_key=KEY, api_secret=SECRET, base_path=BASE, timeout=10_000),
    config_ws_api=ConfigurationWebSocketAPI(api_key=KEY, api_secret=SECRET, stream_url=SOCKET + "/ws-api/v3"),
    config_ws_streams=ConfigurationWebSocketStreams(stream_url=SOCKET),
)
logging.basicConfig(level=logging.WARNING, stream=sys.stdout)


def price(last: float, factor: float) -> float:
    """Return a price on the tick."""
    return round(last * factor, 1)


def oco(last: float) -> dict[str, Any]:
    """Return the legs of an OCO around the last price."""
    return {
        "symbol": SYMBOL,
        "side": "SELL",
        "quantity": 0.3,
        "above_type": "LIMIT_MAKER",
        "above_price": price(last, 1.1),
        "below_type": "STOP_LOSS_LIMIT",
        "below_stop_price": price(last, 0.9),
        "below_price": price(last, 0.89),
        "below_time_in_force": "GTC",
    }


def working(last: float, factor: float, force: str) -> dict[str, Any]:
    """Return a list's working order."""
    return {
        "symbol": SYMBOL,
        "working_type": "LIMIT",
        "working_side": "BUY",
        "working_price": price(last, factor),
        "working_quantity": 0.3,
        "working_time_in_force": force,
        "pending_side": "SELL",
    }


def pair(last: float) -> dict[str, Any]:
    """Return a list's pending legs."""
    return {
        "pending_above_type": "LIMIT_MAKER",
        "pending_above_price": price(last, 1.1),
        "pending_below_type": "STOP_LOSS",
        "pending_below_stop_price": price(last, 0.8),
    }


def data(answer: Any) -> Any:
    """Return an answer as its model has it; one that no model fits is raw, and ping's is empty."""
    found = answer.data()
    assert not isinstance(found, dict) or not found, f"no model fits {found}"
    return found


def refusal(rest: Any, **order: Any) -> str:
    """Return the words with which an order was refused."""
    try:
        rest.new_order(**order)
    except BadRequestError as error:
        return str(error)
    raise AssertionError(f"{order} was taken")


def over_rest() -> float:
    """Ask everything, and trade in every way, over REST; return the last price."""
    rest = SPOT.rest_api
    for name, arguments in (PUBLIC | REST_ONLY).items():
        data(getattr(rest, name)(**arguments))
    last = float(data(rest.ticker_price(symbol=SYMBOL)).actual_instance.price)
    single: dict[str, Any] = {"symbol": SYMBOL, "quantity": 0.5}
    bought = data(rest.new_order(**single, side="BUY", type="MARKET", new_order_resp_type="FULL"))
    assert bought.status == "FILLED"
    limit = single | {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "price": price(last, 0.9)}
    order = data(rest.new_order(**limit, strategy_id=3))
    assert data(rest.get_order(symbol=SYMBOL, order_id=order.order_id)).status == "NEW"
    data(rest.order_amend_keep_priority(symbol=SYMBOL, new_qty=0.4, order_id=order.order_id))
    data(rest.order_amendments(symbol=SYMBOL, order_id=order.order_id))
    replaced = data(
        rest.order_cancel_replace(
            **limit,
            cancel_replace_mode="STOP_ON_FAILURE",
            cancel_order_id=order.order_id,
            new_order_resp_type="RESULT",
        )
    )
    data(rest.get_open_orders(symbol=SYMBOL))
    data(rest.delete_order(symbol=SYMBOL, order_id=replaced.new_order_response.order_id))
    data(rest.new_order(**single, side="SELL", type="STOP_LOSS", stop_price=price(last, 0.9)))
    data(rest.order_test(**single, side="SELL", type="MARKET", compute_commission_rates=True))
    assert "LOT_SIZE" in refusal(rest, **single | {"quantity": 0.0001}, side="SELL", type="MARKET")
    lists(rest, last)
    rest.new_order(**limit | {"side": "SELL", "price": price(last, 1.002)})
    crossing = limit | {"quantity": 100, "price": price(last, 1.003), "time_in_force": "IOC"}
    prevented = data(rest.new_order(**crossing, self_trade_prevention_mode="EXPIRE_TAKER"))
    data(rest.my_prevented_matches(symbol=SYMBOL, order_id=prevented.order_id))
    data(rest.all_orders(symbol=SYMBOL))
    data(rest.my_trades(symbol=SYMBOL))
    data(rest.delete_open_orders(symbol=SYMBOL))
    return last


def lists(rest: Any, last: float) -> None:
    """Place every kind of list, ask for them, cancel one."""
    data(rest.order_list_oco(**oco(last), new_order_resp_type="FULL"))
    old = {"symbol": SYMBOL, "side": "SELL", "quantity": 0.3, "price": price(last, 1.1), "stop_price": price(last, 0.9)}
    placed = data(rest.order_oco(**old))
    data(rest.get_order_list(order_list_id=placed.order_list_id))
    data(rest.open_order_list())
    data(rest.delete_order_list(symbol=SYMBOL, order_list_id=placed.order_list_id))
    data(rest.all_order_list())
    sized = {"pending_quantity": 0.2}
    resting = working(last, 0.9, "GTC")
    data(rest.order_list_oto(**resting, **sized, pending_type="MARKET"))
    data(rest.order_list_otoco(**resting, **sized, **pair(last)))
    data(rest.order_list_opo(**resting, pending_type="STOP_LOSS", pending_stop_price=price(last, 0.8)))
    entry = data(rest.order_list_opoco(**working(last, 1.01, "FOK"), **pair(last), new_order_resp_type="FULL"))
    assert entry.order_reports[0].status == "FILLED"


async def over_the_socket(last: float) -> None:
    """Ask and trade over the WebSocket API, and hear of it as user data."""
    api = SPOT.websocket_api
    await api.create_connection()
    heard: list[Any] = []
    user = await api.user_data_stream_subscribe_signature()
    user.stream.on("message", heard.append)

    async def ask(name: str, **arguments: Any) -> Any:
        answer = data(await getattr(api, name)(**arguments))
        assert getattr(answer, "status", 200) == 200, answer  # the model of exchangeInfo has no status
        return getattr(answer, "result", None)

    for name, arguments in (PUBLIC | SOCKET_ONLY).items():
        await ask(name, **arguments)
    single: dict[str, Any] = {"symbol": SYMBOL, "side": "BUY", "quantity": 0.5}
    await ask("order_place", **single, type="MARKET", new_order_resp_type="FULL")
    limit = single | {"type": "LIMIT", "time_in_force": "GTC", "price": price(last, 0.9)}
    order = await ask("order_place", **limit)
    await ask("order_status", symbol=SYMBOL, order_id=order.order_id)
    await ask("order_amend_keep_priority", symbol=SYMBOL, new_qty=0.4, order_id=order.order_id)
    await ask("order_amendments", symbol=SYMBOL, order_id=order.order_id)
    which = {"cancel_replace_mode": "STOP_ON_FAILURE", "cancel_order_id": order.order_id}
    replaced = await ask("order_cancel_replace", **limit, **which)
    await ask("open_orders_status", symbol=SYMBOL)
    await ask("order_cancel", symbol=SYMBOL, order_id=replaced.new_order_response.order_id)
    placed = await ask("order_list_place_oco", **oco(last))
    await ask("order_list_status", order_list_id=placed.order_list_id)
    await ask("open_order_lists_status")
    await ask("order_list_cancel", symbol=SYMBOL, order_list_id=placed.order_list_id)
    await ask("all_order_lists")
    await ask("order_list_place_opoco", **working(last, 1.01, "FOK"), **pair(last), new_order_resp_type="FULL")
    await ask("open_orders_cancel_all", symbol=SYMBOL)
    await ask("all_orders", symbol=SYMBOL)
    await ask("my_trades", symbol=SYMBOL)
    kinds = {type(event.actual_instance).__name__ for event in heard}
    assert kinds == {"ExecutionReport", "OutboundAccountPosition", "ListStatus"}, kinds
    await api.user_data_stream_unsubscribe()
    await api.close_connection(close_session=True)


async def over_streams() -> None:
    """Hear a message of every stream."""
    streams = SPOT.websocket_streams
    await streams.create_connection()
    heard: dict[str, Any] = {}
    for name, arguments in STREAMS.items():
        handle = await getattr(streams, name)(**arguments)
        handle.on("message", lambda message, name=name: heard.setdefault(name, message))
    for _ in range(700):
        if len(heard) == len(STREAMS):
            break
        await asyncio.sleep(0.1)
    assert heard.keys() == STREAMS.keys(), STREAMS.keys() - heard.keys()
    for name, message in heard.items():
        assert not isinstance(message, dict), f"no model fits {name}: {message}"
    await streams.close_connection(close_session=True)


async def main() -> None:
    """Use the sockets after REST."""
    await over_the_socket(over_rest())
    await over_streams()
    print("all done")


asyncio.run(main())
