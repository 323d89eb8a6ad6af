"""Order lists: OCO, OTO, OTOCO, OPO and OPOCO, and the older form of the OCO."""

from collections.abc import Callable
from typing import Any, Final

from roottrading.domain.order import ListKind, Side
from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError, missing
from roottrading.exchange_server.finding import find_list, unknown_order
from roottrading.exchange_server.ledger import Asked
from roottrading.exchange_server.order_form import (
    Form,
    leg_parameters,
    read_leg,
    read_mode,
    read_response,
    read_side,
    refusal_in,
)
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.trading import cancel_found
from roottrading.messages.exchange import ENTRY, PlaceOrderList

STOPS: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
PROFITS: Final = frozenset({"TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
MOST_LISTS: Final = 20
PAYING: Final = frozenset({"OPO", "OPOCO"})
_COMMON: Final = frozenset({"symbol", "listClientOrderId", "newOrderRespType", "selfTradePreventionMode"})
_WORKING: Final = leg_parameters("working") | {"workingSide", "workingQuantity"}
_PAIR: Final = leg_parameters("pendingAbove") | leg_parameters("pendingBelow") | {"pendingSide"}


def _leg(call: Call, prefix: str, side: Side, quantity: str | None) -> Form:
    """Read one leg; `quantity` names its parameter, None where the exchange sizes it."""
    parameters = call.parameters
    size = None
    if quantity is not None:
        size = parameters.amount(quantity)
        if size is None:
            raise missing(quantity)
    name = parameters.client_id(prefix + "ClientOrderId") or call.server.names.next()
    return read_leg(parameters, prefix, side, name, size, read_mode(parameters))


def _pair(call: Call, above: str, below: str, side: Side, quantity: str | None) -> tuple[Form, Form]:
    """Read the legs of an OCO, the stop first; ApiError where they do not stand as they must."""
    upper, lower = _leg(call, above, side, quantity), _leg(call, below, side, quantity)
    kinds = {upper.spec.type, lower.spec.type}
    if "MARKET" in kinds or "LIMIT" in kinds:
        raise ApiError(-1158, "Order type not supported in OCO.")
    if kinds == {"LIMIT_MAKER"}:
        raise ApiError(-1168, "At least one OCO order must be contingent.")
    stop_place, other_place = (lower, upper) if side == "SELL" else (upper, lower)
    if other_place.spec.type in STOPS:
        raise (
            ApiError(-1197, "A stop loss order in a sell OCO must be below.")
            if side == "SELL"
            else ApiError(-1196, "A stop loss order in a buy OCO must be above.")
        )
    if stop_place.spec.type in PROFITS:
        raise (
            ApiError(-1199, "A take profit order in a sell OCO must be above.")
            if side == "SELL"
            else ApiError(-1198, "A take profit order in a buy OCO must be below.")
        )
    if stop_place.spec.type == "LIMIT_MAKER":
        raise (
            ApiError(-1166, "A limit order in a sell OCO must be above.")
            if side == "SELL"
            else ApiError(-1165, "A limit order in a buy OCO must be below.")
        )
    return stop_place, other_place


def oco(call: Call) -> dict[str, Any]:
    """Place an OCO: an above and a below leg of one side and quantity."""
    forms = _pair(call, "above", "below", read_side(call.parameters), "quantity")
    return _place(call, "OCO", forms)


def old_oco(call: Call) -> dict[str, Any]:
    """Place an OCO in the older form: a LIMIT_MAKER and a stop."""
    given = call.parameters
    side = read_side(given)
    limit, stop = ("above", "below") if side == "SELL" else ("below", "above")
    given.required("price")
    given.required("stopPrice")
    with_limit = given.text("stopLimitPrice") is not None
    names = {
        "price": limit + "Price",
        "limitClientOrderId": limit + "ClientOrderId",
        "limitStrategyId": limit + "StrategyId",
        "limitStrategyType": limit + "StrategyType",
        "limitIcebergQty": limit + "IcebergQty",
        "stopPrice": stop + "StopPrice",
        "stopClientOrderId": stop + "ClientOrderId",
        "stopStrategyId": stop + "StrategyId",
        "stopStrategyType": stop + "StrategyType",
        "stopIcebergQty": stop + "IcebergQty",
        "trailingDelta": stop + "TrailingDelta",
        "stopLimitPrice": stop + "Price",
        "stopLimitTimeInForce": stop + "TimeInForce",
    }
    if with_limit:
        given.required("stopLimitTimeInForce")
    renamed = {names.get(name, name): given.required(name) for name in given.names if given.text(name) is not None}
    renamed[limit + "Type"] = "LIMIT_MAKER"
    renamed[stop + "Type"] = "STOP_LOSS_LIMIT" if with_limit else "STOP_LOSS"
    return oco(Call(call.server, Parameters(renamed), call.account, call.now, call.stamp))


def chain(kind: ListKind) -> Callable[[Call], dict[str, Any]]:
    """Return the handler of a list whose working order brings in its pending ones."""
    sized = kind not in PAYING
    quantity = "pendingQuantity" if sized else None

    def handler(call: Call) -> dict[str, Any]:
        parameters = call.parameters
        working = _leg(call, "working", read_side(parameters, "workingSide"), "workingQuantity")
        if working.spec.type not in {"LIMIT", "LIMIT_MAKER"}:
            raise ApiError(-1116, "Invalid orderType.")
        side = read_side(parameters, "pendingSide")
        if kind in {"OTO", "OPO"}:
            return _place(call, kind, (working, _leg(call, "pending", side, quantity)))
        return _place(call, kind, (working, *_pair(call, "pendingAbove", "pendingBelow", side, quantity)))

    return handler


def _place(call: Call, kind: ListKind, forms: tuple[Form, ...]) -> dict[str, Any]:
    """Place a list; its pending legs are answered as they were when it came, whatever became of them since."""
    parameters, ledger = call.parameters, call.venue.ledger
    symbol = parameters.symbol(call.venue.instruments)
    name = parameters.client_id("listClientOrderId") or call.server.names.next()
    answer = read_response(parameters, "RESULT")
    if len(ledger.open_lists(call.account, symbol)) >= MOST_LISTS:
        raise ApiError(-1013, "Filter failure: MAX_NUM_ORDER_LISTS")
    specs = tuple(form.spec for form in forms)
    asked = Asked({form.spec.client_order_id: form.extras for form in forms}, "", "OCO" if kind == "OCO" else "OTO")
    events = call.venue.execute(
        call.account, PlaceOrderList(symbol, name, ENTRY, call.now, kind, specs), call.now, asked
    )
    if (refusal := refusal_in(events, name)) is not None:
        raise refusal
    found = ledger.list_named(call.account, name)
    assert found is not None  # it was just placed
    at = call.stamp(call.now)
    reports = []
    for place, order in enumerate(found.orders):
        report = order.placed(at, answer, call.stamp)
        if kind != "OCO" and place:
            report = _pending(report, sized=kind not in PAYING, full=answer == "FULL")
        reports.append(report)
    return found.shown(call.stamp, started=True) | {"transactionTime": at, "orderReports": reports}


def _pending(report: dict[str, Any], sized: bool, full: bool) -> dict[str, Any]:
    """Return a pending leg's report as it was before its working order was filled."""
    if "status" not in report:
        return report  # an ACK tells nothing that could have changed
    nothing = "0.00000000"
    before = report | {
        "status": "PENDING_NEW",
        "executedQty": nothing,
        "cummulativeQuoteQty": nothing,
        "workingTime": -1,
    }
    before.pop("expiryReason", None)
    if full:
        before["fills"] = []
    if not sized:
        before["origQty"] = nothing
    return before


def cancel_list(call: Call) -> dict[str, Any]:
    """Cancel a whole list."""
    symbol = call.parameters.symbol(call.venue.instruments)
    found = find_list(call, unknown_order(), "listClientOrderId")
    if found.symbol != symbol or not found.is_open:
        raise unknown_order()
    cancel_id = call.parameters.client_id("newClientOrderId") or call.server.names.next()
    leg = next(order for order in found.orders if order.is_open)
    return cancel_found(call, leg, cancel_id)


_OLD: Final = frozenset(
    {
        "side",
        "quantity",
        "limitClientOrderId",
        "price",
        "limitStrategyId",
        "limitStrategyType",
        "limitIcebergQty",
        "trailingDelta",
        "stopClientOrderId",
        "stopPrice",
        "stopStrategyId",
        "stopStrategyType",
        "stopLimitPrice",
        "stopIcebergQty",
        "stopLimitTimeInForce",
    }
)
_LISTS: Final = "/api/v3/orderList/"


def _endpoint(
    kind: str, handler: Callable[[Call], dict[str, Any]], parameters: frozenset[str], orders: int
) -> Endpoint:
    words = f"orderList.place.{kind}"
    return Endpoint("POST", _LISTS + kind, words, handler, parameters | _COMMON, "signed", orders=orders, trades=True)


ENDPOINTS: Final = (
    _endpoint("oco", oco, leg_parameters("above") | leg_parameters("below") | {"side", "quantity"}, 2),
    _endpoint("oto", chain("OTO"), _WORKING | leg_parameters("pending") | {"pendingSide", "pendingQuantity"}, 2),
    _endpoint("otoco", chain("OTOCO"), _WORKING | _PAIR | {"pendingQuantity"}, 3),
    _endpoint("opo", chain("OPO"), _WORKING | leg_parameters("pending") | {"pendingSide"}, 2),
    _endpoint("opoco", chain("OPOCO"), _WORKING | _PAIR, 3),
    Endpoint("POST", "/api/v3/order/oco", "orderList.place", old_oco, _OLD | _COMMON, "signed", orders=2, trades=True),
    Endpoint(
        "DELETE",
        "/api/v3/orderList",
        "orderList.cancel",
        cancel_list,
        frozenset({"symbol", "orderListId", "listClientOrderId", "newClientOrderId"}),
        "signed",
        trades=True,
    ),
)
