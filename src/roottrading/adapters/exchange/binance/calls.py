"""Requests as calls: endpoint, WebSocket API method, parameters, what they cost and who goes first."""

from collections.abc import Callable
from typing import Any, Final, Literal

from msgspec import Struct

from roottrading.adapters.exchange.binance.budget import Purpose
from roottrading.domain.money import plain
from roottrading.domain.order import ListKind
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    ENTRY,
    PROTECTION,
    AmendOrder,
    AnyRequest,
    CancelOrder,
    CancelReplace,
    ListFills,
    ListOpenOrders,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
    QueryAccount,
    QueryOrder,
)

Parameters = dict[str, str | int | bool]
HttpMethod = Literal["GET", "POST", "PUT", "DELETE"]

STOP_TYPES: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
SIZED_BY_EXCHANGE: Final = frozenset({"OPO", "OPOCO"})
MOST_TRADES: Final = 1_000  # in one answer of myTrades


class Call(Struct, frozen=True):
    """One signed call, the same on both doors: REST (`method`, `path`) and WebSocket API (`socket_method`).

    `changes` says that it changes something at the exchange: it is sent once, with `signed_at` as its timestamp.
    A question may be repeated and is signed with the time of its sending. `orders` is what it adds to the count of
    unfilled orders, `weight` what it weighs at most.
    """

    method: HttpMethod
    path: str
    socket_method: str
    params: Parameters
    purpose: Purpose
    weight: int
    orders: int = 0
    changes: bool = False
    signed_at: Time = 0


ALL_OPEN_ORDERS: Final = Call("GET", "/api/v3/openOrders", "openOrders.status", {}, "question", 80)


def call_of(request: AnyRequest) -> Call:
    """Return the call that carries a request out."""
    return _ENCODERS[type(request)](request)


def _place(request: PlaceOrder) -> Call:
    params: Parameters = {"symbol": request.symbol, **_single(request.order), "newOrderRespType": "FULL"}
    return _changing(request, "POST", "order", "order.place", params, orders=1)


def _place_list(request: PlaceOrderList) -> Call:
    kind = request.kind.lower()
    params: Parameters = {
        "symbol": request.symbol,
        "listClientOrderId": request.client_order_id,
        **_LISTS[request.kind](request),
        **_prevention(request.orders[0]),
        "newOrderRespType": "FULL",
    }
    orders = len(request.orders)
    return _changing(request, "POST", f"orderList/{kind}", f"orderList.place.{kind}", params, orders=orders)


def _cancel(request: CancelOrder) -> Call:
    params: Parameters = {
        "symbol": request.symbol,
        "origClientOrderId": request.target,
        "newClientOrderId": request.client_order_id,
    }
    return _changing(request, "DELETE", "order", "order.cancel", params)


def _cancel_replace(request: CancelReplace) -> Call:
    params: Parameters = {
        "symbol": request.symbol,
        "cancelReplaceMode": "STOP_ON_FAILURE" if request.stop_on_failure else "ALLOW_FAILURE",
        "cancelOrigClientOrderId": request.target,
        "orderRateLimitExceededMode": "DO_NOTHING",
        **({"cancelRestrictions": "ONLY_NEW"} if request.only_new else {}),
        **_single(request.order),
        "newOrderRespType": "FULL",
    }
    return _changing(request, "POST", "order/cancelReplace", "order.cancelReplace", params, orders=1)


def _amend(request: AmendOrder) -> Call:
    params: Parameters = {
        "symbol": request.symbol,
        "origClientOrderId": request.target,
        "newClientOrderId": request.target,  # the order keeps its id
        "newQty": plain(request.quantity),
    }
    return _changing(request, "PUT", "order/amend/keepPriority", "order.amend.keepPriority", params, weight=4)


def _query(request: QueryOrder) -> Call:
    params: Parameters = {"symbol": request.symbol, "origClientOrderId": request.client_order_id}
    return _asking("order", "order.status", params, 4)


def _open_orders(request: ListOpenOrders) -> Call:
    return _asking("openOrders", "openOrders.status", {"symbol": request.symbol}, 6)


def _fills(request: ListFills) -> Call:
    return trades_call(request.symbol, request.from_trade_id)


def _account(_: QueryAccount) -> Call:
    return account_call()


def trades_call(symbol: str, from_trade_id: int) -> Call:
    """Return the question for executions from a trade id on; with 0 for the newest (older ones are long booked)."""
    params: Parameters = {"symbol": symbol, "limit": MOST_TRADES}
    if from_trade_id > 0:
        params["fromId"] = from_trade_id
    return _asking("myTrades", "myTrades", params, 20)


def orders_call(symbol: str, from_order_id: int) -> Call:
    """Return the question for the account's orders from an order id on, whatever became of them."""
    return _asking("allOrders", "allOrders", {"symbol": symbol, "orderId": from_order_id, "limit": MOST_TRADES}, 20)


def account_call() -> Call:
    """Return the question for all balances; those of 0 too, for they may have become so."""
    return _asking("account", "account.status", {"omitZeroBalances": False}, 20)


def commission_call(symbol: str) -> Call:
    """Return the question for the account's fee rates in a symbol."""
    return _asking("account/commission", "account.commission", {"symbol": symbol}, 20)


def _changing(
    request: AnyRequest,
    method: HttpMethod,
    path: str,
    socket_method: str,
    params: Parameters,
    weight: int = 1,
    orders: int = 0,
) -> Call:
    purposes: dict[int, Purpose] = {PROTECTION: "protection", ENTRY: "entry"}
    purpose = purposes.get(request.urgency, "exit")
    return Call(method, f"/api/v3/{path}", socket_method, params, purpose, weight, orders, True, request.issued_at)


def _asking(path: str, socket_method: str, params: Parameters, weight: int) -> Call:
    return Call("GET", f"/api/v3/{path}", socket_method, params, "question", weight)


_ENCODERS: Final[dict[type, Callable[[Any], Call]]] = {
    PlaceOrder: _place,
    PlaceOrderList: _place_list,
    CancelOrder: _cancel,
    CancelReplace: _cancel_replace,
    AmendOrder: _amend,
    QueryOrder: _query,
    ListOpenOrders: _open_orders,
    ListFills: _fills,
    QueryAccount: _account,
}


# ---- orders as parameters


def _single(spec: OrderSpec) -> Parameters:
    """Return the parameters of an order by itself."""
    params: Parameters = {"side": spec.side, "type": spec.type}
    if spec.quantity is not None:
        params["quantity"] = plain(spec.quantity)
    if spec.quote_quantity is not None:
        params["quoteOrderQty"] = plain(spec.quote_quantity)
    if spec.price is not None:
        params["price"] = plain(spec.price)
    if spec.stop_price is not None:
        params["stopPrice"] = plain(spec.stop_price)
    if spec.time_in_force is not None:
        params["timeInForce"] = spec.time_in_force
    return {**params, **_prevention(spec), "newClientOrderId": spec.client_order_id}


def _prevention(spec: OrderSpec) -> Parameters:
    """Return the self-trade prevention; NONE is asked for by symbols that know none, so nothing is said there."""
    return {} if spec.self_trade_prevention == "NONE" else {"selfTradePreventionMode": spec.self_trade_prevention}


def _leg(spec: OrderSpec, role: str) -> Parameters:
    """Return the parameters of a leg, but for its side and quantity."""
    params: Parameters = {f"{role}Type": spec.type, f"{role}ClientOrderId": spec.client_order_id}
    if spec.price is not None:
        params[f"{role}Price"] = plain(spec.price)
    if spec.stop_price is not None:
        params[f"{role}StopPrice"] = plain(spec.stop_price)
    if spec.time_in_force is not None:
        params[f"{role}TimeInForce"] = spec.time_in_force
    return params


def _sized(spec: OrderSpec, role: str) -> Parameters:
    name = f"{role}Quantity" if role else "quantity"
    return {} if spec.quantity is None else {name: plain(spec.quantity)}


def _pair(first: OrderSpec, second: OrderSpec, above: str, below: str) -> Parameters:
    """Return the two legs of an OCO: who sells has his stop below, who buys above."""
    stop, target = (first, second) if first.type in STOP_TYPES else (second, first)
    upper, lower = (target, stop) if stop.side == "SELL" else (stop, target)
    return {**_leg(upper, above), **_leg(lower, below)}


def _oco(request: PlaceOrderList) -> Parameters:
    first, second = request.orders
    return {"side": first.side, **_sized(first, ""), **_pair(first, second, "above", "below")}


def _working(request: PlaceOrderList) -> Parameters:
    working, pending = request.orders[:2]
    sized = {} if request.kind in SIZED_BY_EXCHANGE else _sized(pending, "pending")
    return {
        "workingSide": working.side,
        **_leg(working, "working"),
        **_sized(working, "working"),
        "pendingSide": pending.side,
        **sized,
    }


def _with_one_leg(request: PlaceOrderList) -> Parameters:
    return {**_working(request), **_leg(request.orders[1], "pending")}


def _with_pair(request: PlaceOrderList) -> Parameters:
    return {**_working(request), **_pair(request.orders[1], request.orders[2], "pendingAbove", "pendingBelow")}


_LISTS: Final[dict[ListKind, Callable[[PlaceOrderList], Parameters]]] = {
    "OCO": _oco,
    "OTO": _with_one_leg,
    "OPO": _with_one_leg,
    "OTOCO": _with_pair,
    "OPOCO": _with_pair,
}
