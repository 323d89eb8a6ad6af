"""Trading, one order at a time: place, test, cancel, amend."""

from typing import Any, Final

from roottrading.adapters.exchange.simulated.refusals import Refused
from roottrading.domain.money import ONE
from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError, missing
from roottrading.exchange_server.finding import find_order, unknown_order
from roottrading.exchange_server.ledger import Asked
from roottrading.exchange_server.order_form import (
    ORDER_PARAMETERS,
    Form,
    as_error,
    read_order,
    read_response,
    refusal_in,
)
from roottrading.exchange_server.records import OrderRecord
from roottrading.exchange_server.wording import amount
from roottrading.messages.exchange import ENTRY, EXIT, CancelOrder, PlaceOrder

RESTRICTIONS: Final = frozenset({"ONLY_NEW", "ONLY_PARTIALLY_FILLED"})
MOST_AMENDMENTS: Final = 10
_FULL: Final = frozenset({"MARKET", "LIMIT"})  # what is answered in full where nothing else is asked for


def request_of(call: Call, form: Form) -> PlaceOrder:
    """Return the core's request for an order."""
    symbol = call.parameters.symbol(call.venue.instruments)
    return PlaceOrder(symbol, form.spec.client_order_id, ENTRY, call.now, form.spec)


def place_form(call: Call, form: Form) -> dict[str, Any]:
    """Place an order that was read, and answer as the request asks."""
    request = request_of(call, form)
    kind = read_response(call.parameters, "FULL" if form.spec.type in _FULL else "ACK")
    name = request.client_order_id
    events = call.venue.execute(call.account, request, call.now, Asked({name: form.extras}))
    if (refusal := refusal_in(events, name)) is not None:
        raise refusal
    record = call.venue.ledger.named(call.account, request.symbol, name)
    assert record is not None  # it was just placed
    return record.placed(call.stamp(call.now), kind, call.stamp)


def place(call: Call) -> dict[str, Any]:
    """Place an order."""
    return place_form(call, read_order(call.parameters, call.server.names))


def check_form(call: Call, form: Form) -> None:
    """Refuse an order that would not get through the door."""
    try:
        call.venue.exchange.check(request_of(call, form), call.account)
    except Refused as refused:
        raise as_error(refused) from None


def test(call: Call) -> dict[str, Any]:
    """Check an order as if it were to be placed."""
    read_response(call.parameters, "ACK")
    check_form(call, read_order(call.parameters, call.server.names))
    if not call.parameters.boolean("computeCommissionRates", usual=False):
        return {}
    fees = call.venue.fees
    nothing = {"maker": amount(None), "taker": amount(None)}
    return {
        "standardCommissionForOrder": {"maker": amount(fees.maker), "taker": amount(fees.taker)},
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": nothing,
        "discount": {
            "enabledForAccount": fees.in_bnb,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": amount(ONE - fees.bnb_factor),
        },
    }


def cancel_order(call: Call, record: OrderRecord, cancel_id: str) -> dict[str, Any]:
    """Cancel an order that was found, and with a leg its whole list; ApiError -2011 where it is not to be."""
    wanted = call.parameters.text("cancelRestrictions")
    if wanted is not None and wanted not in RESTRICTIONS:
        raise ApiError(-1145, "Invalid cancelRestrictions")
    if not record.is_open:
        raise unknown_order()
    if wanted is not None and record.status != wanted.removeprefix("ONLY_"):
        raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
    return cancel_found(call, record, cancel_id)


def cancel_found(call: Call, record: OrderRecord, cancel_id: str) -> dict[str, Any]:
    """Cancel an open order; answer with it, or with its list."""
    request = CancelOrder(record.symbol, cancel_id, EXIT, call.now, record.client_order_id)
    call.venue.execute(call.account, request, call.now, Asked(cancel_id=cancel_id))
    if record.list_id < 0:
        return record.canceled(call.stamp)
    found = call.venue.ledger.lists[record.list_id]
    return found.shown(call.stamp) | {"orderReports": [order.canceled(call.stamp) for order in found.orders]}


def cancel(call: Call) -> dict[str, Any]:
    """Cancel an order."""
    record = find_order(call, unknown_order())
    return cancel_order(call, record, call.parameters.client_id("newClientOrderId") or call.server.names.next())


def cancel_all(call: Call) -> list[dict[str, Any]]:
    """Cancel all open orders of a symbol; their cancels have one id."""
    symbol = call.parameters.symbol(call.venue.instruments)
    open_orders = call.venue.ledger.open_orders(call.account, symbol)
    if not open_orders:
        raise unknown_order()
    cancel_id = call.server.names.next()
    return [cancel_found(call, order, cancel_id) for order in open_orders if order.is_open]


def amend(call: Call) -> dict[str, Any]:
    """Lower an order's quantity; it keeps its place in the queue."""
    parameters = call.parameters
    record = find_order(call, ApiError(-2038, "Unknown order sent."))
    quantity = parameters.amount("newQty")
    if quantity is None:
        raise missing("newQty")
    if not record.is_open:
        raise ApiError(-2038, "Unknown order sent.")
    if len(record.amendments) >= MOST_AMENDMENTS:
        raise ApiError(-1013, "Filter failure: MAX_NUM_ORDER_AMENDS")
    old, new = record.client_order_id, parameters.client_id("newClientOrderId") or call.server.names.next()
    known = call.venue.ledger.named(call.account, record.symbol, new)
    if known is not None and known is not record and known.is_open:
        raise ApiError(-2038, "Duplicate order sent.")
    refusal = refusal_in(call.venue.amend(record, quantity, new, call.now), new)
    if refusal is not None:
        raise refusal
    answer = {
        "transactTime": call.stamp(call.now),
        "executionId": record.amendments[-1].execution_id,
        "amendedOrder": _amended(call, record, old),
    }
    if record.list_id >= 0:
        shown = call.venue.ledger.lists[record.list_id].shown(call.stamp)
        del shown["listStatusType"], shown["transactionTime"]
        answer["listStatus"] = shown
    return answer


def _amended(call: Call, record: OrderRecord, old: str) -> dict[str, Any]:
    shown = {
        "symbol": record.symbol,
        "orderId": record.order_id,
        "orderListId": record.list_id,
        "origClientOrderId": old,
        "clientOrderId": record.client_order_id,
        "price": amount(record.price),
        "qty": amount(record.quantity),
        "executedQty": amount(record.executed),
        "preventedQty": amount(None),
        "quoteOrderQty": amount(record.quote_quantity),
        "cumulativeQuoteQty": amount(record.executed_quote),
        "status": record.status,
        "timeInForce": record.time_in_force,
        "type": record.type,
        "side": record.side,
        "selfTradePreventionMode": record.self_trade_prevention,
    }
    if record.working_at >= 0:
        shown["workingTime"] = call.stamp(record.working_at)
    return shown | record.conditional()


def amendments(call: Call) -> list[dict[str, Any]]:
    """Answer with all amendments of an order."""
    parameters = call.parameters
    symbol = parameters.symbol(call.venue.instruments)
    parameters.required("orderId")
    first, limit = parameters.integer("fromExecutionId") or 0, parameters.limit(500, 1000)
    record = call.venue.ledger.order(call.account, symbol, parameters.integer("orderId") or 0)
    if record is None:
        return []
    wanted = [each for each in record.amendments if each.execution_id >= first]
    return [
        {
            "symbol": symbol,
            "orderId": record.order_id,
            "executionId": each.execution_id,
            "origClientOrderId": each.old_id,
            "newClientOrderId": each.new_id,
            "origQty": amount(each.old_quantity),
            "newQty": amount(each.new_quantity),
            "time": call.stamp(each.at),
        }
        for each in wanted[:limit]
    ]


_WHICH: Final = frozenset({"symbol", "orderId", "origClientOrderId", "newClientOrderId"})

ENDPOINTS: Final = (
    Endpoint("POST", "/api/v3/order", "order.place", place, ORDER_PARAMETERS, "signed", orders=1, trades=True),
    Endpoint(
        "POST",
        "/api/v3/order/test",
        "order.test",
        test,
        ORDER_PARAMETERS | {"computeCommissionRates"},
        "signed",
        weight=lambda parameters: 20 if "computeCommissionRates" in parameters else 1,
    ),
    Endpoint(
        "DELETE",
        "/api/v3/order",
        "order.cancel",
        cancel,
        _WHICH | {"cancelRestrictions"},
        "signed",
        trades=True,
    ),
    Endpoint(
        "DELETE",
        "/api/v3/openOrders",
        "openOrders.cancelAll",
        cancel_all,
        frozenset({"symbol"}),
        "signed",
        trades=True,
    ),
    Endpoint(
        "PUT",
        "/api/v3/order/amend/keepPriority",
        "order.amend.keepPriority",
        amend,
        _WHICH | {"newQty"},
        "signed",
        weight=4,
        trades=True,
    ),
    Endpoint(
        "GET",
        "/api/v3/order/amendments",
        "order.amendments",
        amendments,
        frozenset({"symbol", "orderId", "fromExecutionId", "limit"}),
        "signed",
        weight=4,
    ),
)
