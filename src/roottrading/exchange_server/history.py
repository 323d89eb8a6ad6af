"""What an account may ask of its orders, lists and executions."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from roottrading.domain.time import DAY, Time
from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.finding import find_list, find_order, no_such_order
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.records import Execution, ListRecord
from roottrading.exchange_server.wording import amount

ItemT = TypeVar("ItemT")
_WHICH: Final = frozenset({"symbol", "orderId", "origClientOrderId"})
_SPAN: Final = frozenset({"startTime", "endTime", "limit"})


def order(call: Call) -> dict[str, Any]:
    """Answer what became of an order."""
    return find_order(call, no_such_order()).shown(call.stamp)


def open_orders(call: Call) -> list[dict[str, Any]]:
    """Answer with the open orders of a symbol, or of all."""
    parameters = call.parameters
    symbol = parameters.symbol(call.venue.instruments) if "symbol" in parameters else None
    return [each.shown(call.stamp) for each in call.venue.ledger.open_orders(call.account, symbol)]


def all_orders(call: Call) -> list[dict[str, Any]]:
    """Answer with orders: from an id on, in a span of time, or the newest."""
    parameters = call.parameters
    symbol = parameters.symbol(call.venue.instruments)
    limit, first = parameters.limit(500, 1000), parameters.integer("orderId")
    start, end = _span(parameters)
    orders = call.venue.ledger.of_account(call.account, symbol)
    if first is not None:
        orders = [each for each in orders if each.order_id >= first]
    wanted = _page(orders, lambda each: each.created_at, start, end, limit, forward=first is not None)
    return [each.shown(call.stamp) for each in wanted]


def my_trades(call: Call) -> list[dict[str, Any]]:
    """Answer with executions: of an order, from an id on, in a span of time, or the newest."""
    parameters = call.parameters
    symbol = parameters.symbol(call.venue.instruments)
    limit = parameters.limit(500, 1000)
    order_id, first = parameters.integer("orderId"), parameters.integer("fromId")
    start, end = _span(parameters)
    if (start is not None or end is not None) and (order_id is not None or first is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    found = call.venue.ledger.executions(call.account, symbol)
    if order_id is not None:
        found = [each for each in found if each.order_id == order_id]
    if first is not None:
        found = [each for each in found if each.trade_id >= first]
    wanted = _page(found, lambda each: each.at, start, end, limit, forward=first is not None)
    return [_trade(call, symbol, each) for each in wanted]


def _trade(call: Call, symbol: str, execution: Execution) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "id": execution.trade_id,
        "orderId": execution.order_id,
        "orderListId": execution.list_id,
        "price": amount(execution.price),
        "qty": amount(execution.quantity),
        "quoteQty": amount(execution.price * execution.quantity),
        "commission": amount(execution.fee),
        "commissionAsset": execution.fee_asset,
        "time": call.stamp(execution.at),
        "isBuyer": execution.is_buyer,
        "isMaker": execution.is_maker,
        "isBestMatch": True,
    }


def order_list(call: Call) -> dict[str, Any]:
    """Answer what became of an order list."""
    absent = ApiError(-2018, "Order list does not exist.")
    return find_list(call, absent, "origClientOrderId").shown(call.stamp)


def all_lists(call: Call) -> list[dict[str, Any]]:
    """Answer with order lists: from an id on, in a span of time, or the newest."""
    parameters = call.parameters
    limit, first = parameters.limit(500, 1000), parameters.integer("fromId")
    start, end = _span(parameters)
    if first is not None and (start is not None or end is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    lists = call.venue.ledger.lists
    found: Sequence[ListRecord] = [lists[number] for number in sorted(lists) if lists[number].account == call.account]
    if first is not None:
        found = [each for each in found if each.list_id >= first]
    wanted = _page(found, lambda each: each.at, start, end, limit, forward=first is not None)
    return [each.shown(call.stamp) for each in wanted]


def open_lists(call: Call) -> list[dict[str, Any]]:
    """Answer with the open order lists."""
    return [each.shown(call.stamp) for each in call.venue.ledger.open_lists(call.account)]


def prevented_matches(call: Call) -> list[dict[str, Any]]:
    """Answer with the matches of the account with itself that were prevented."""
    parameters = call.parameters
    symbol = parameters.symbol(call.venue.instruments)
    limit, first = parameters.limit(500, 1000), parameters.integer("fromPreventedMatchId") or 0
    number, order_id = parameters.integer("preventedMatchId"), parameters.integer("orderId")
    if (number is None) == (order_id is None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    found = []
    for each in call.venue.ledger.preventions(call.account, symbol):
        if each.number < first or number not in {None, each.number}:
            continue
        if order_id in {None, each.match.taker_id, each.match.maker_id}:
            found.append(each.shown(call.stamp))
    return found[:limit]


def _span(parameters: Parameters) -> tuple[Time | None, Time | None]:
    """Return a span of time of 24 hours at most."""
    start, end = parameters.instant("startTime"), parameters.instant("endTime")
    if start is not None and end is not None:
        if end < start:
            raise ApiError(-1130, "Data sent for parameter 'startTime' is not valid.")
        if end - start > DAY:
            raise ApiError(-1127, "More than 24 hours between startTime and endTime.")
    return start, end


def _page(
    items: Sequence[ItemT],
    time_of: Callable[[ItemT], Time],
    start: Time | None,
    end: Time | None,
    limit: int,
    forward: bool,
) -> Sequence[ItemT]:
    """Return the oldest from `start` or from an id on (`forward`), else the newest; in the order of time."""
    found = [
        each for each in items if (start is None or time_of(each) >= start) and (end is None or time_of(each) <= end)
    ]
    return found[:limit] if forward or start is not None else found[-limit:]


def _open_weight(parameters: Parameters) -> int:
    return 6 if "symbol" in parameters else 80


def _trades_weight(parameters: Parameters) -> int:
    return 5 if "orderId" in parameters else 20


def _prevented_weight(parameters: Parameters) -> int:
    return 20 if "orderId" in parameters else 2


def _get(
    path: str,
    words: str,
    handler: Callable[[Call], Any],
    parameters: frozenset[str],
    weight: int | Callable[[Parameters], int],
) -> Endpoint:
    return Endpoint("GET", "/api/v3/" + path, words, handler, parameters, "signed", weight)


ENDPOINTS: Final = (
    _get("order", "order.status", order, _WHICH, 4),
    _get("openOrders", "openOrders.status", open_orders, frozenset({"symbol"}), _open_weight),
    _get("allOrders", "allOrders", all_orders, _SPAN | {"symbol", "orderId"}, 20),
    _get("myTrades", "myTrades", my_trades, _SPAN | {"symbol", "orderId", "fromId"}, _trades_weight),
    _get("orderList", "orderList.status", order_list, frozenset({"orderListId", "origClientOrderId"}), 4),
    _get("allOrderList", "allOrderLists", all_lists, _SPAN | {"fromId"}, 20),
    _get("openOrderList", "openOrderLists.status", open_lists, frozenset(), 6),
    _get(
        "myPreventedMatches",
        "myPreventedMatches",
        prevented_matches,
        frozenset({"symbol", "preventedMatchId", "orderId", "fromPreventedMatchId", "limit"}),
        _prevented_weight,
    ),
)
