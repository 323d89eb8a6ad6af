"""Answers to requests made into events: successes, refusals, halves, and answers that say nothing."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from roottrading.adapters.exchange.binance.errors import (
    CANCEL_REJECTED,
    NOT_REPLACED,
    REPLACED_IN_PART,
    Failure,
    failure_of,
)
from roottrading.adapters.exchange.binance.orders_to_events import (
    Reader,
    canceled,
    executions,
    open_orders,
    placed,
    reported,
    trades,
)
from roottrading.adapters.exchange.binance.wire import BalanceReply, ListReply, Malformed, converted, time_of
from roottrading.domain.balance import Balance
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    AccountChanged,
    AmendOrder,
    AnyRequest,
    CancelOrder,
    CancelRefused,
    CancelReplace,
    ExchangeEvent,
    ExecutionsReported,
    ListFills,
    ListOpenOrders,
    OpenOrdersReported,
    OrderAbsent,
    OrderRefused,
    OrderSpec,
    OutcomeUnknown,
    PlaceOrder,
    PlaceOrderList,
    QueryAccount,
    QueryOrder,
)

Events = Sequence[ExchangeEvent]
SUCCESS: Final = "SUCCESS"


def succeeded(reader: Reader, request: AnyRequest, told: Any, at: Time) -> Events:
    """Return what a success says; one that cannot be understood leaves the outcome unknown. Never raises.

    `at` is the exchange's time when the request was sent: what a question did not find was not there then.
    """
    try:
        return _READERS[type(request)](reader, request, told, at)
    except Malformed as error:
        reader.strangers.note("answers", f"{type(request).__name__}: {error}")
        return (unknown(request, at),)


def failed(reader: Reader, request: AnyRequest, failure: Failure, at: Time) -> Events:
    """Return what an answer that is no success means for the request. Never raises."""
    if failure.code == REPLACED_IN_PART and isinstance(request, CancelReplace):
        return _half_replaced(reader, request, failure, at)
    meaning = failure.meaning
    if meaning == "unknown":
        return (unknown(request, at),)
    if meaning == "absent" and isinstance(request, QueryOrder):
        return (OrderAbsent(request.symbol, request.client_order_id, at),)
    if isinstance(request, CancelOrder) and failure.code == CANCEL_REJECTED:
        return (CancelRefused(request.symbol, request.target, at, failure.code, failure.message),)
    return (_refused(request, failure, at),)


def unknown(request: AnyRequest, at: Time) -> OutcomeUnknown:
    """Return the event that says: it may or may not have been carried out."""
    return OutcomeUnknown(request.symbol, request.client_order_id, at)


def refused_here(request: AnyRequest, code: int, message: str, at: Time) -> OrderRefused:
    """Return the refusal of a request that was never sent."""
    return OrderRefused(request.symbol, request.client_order_id, at, code, message)


def _refused(request: AnyRequest, failure: Failure, at: Time) -> OrderRefused:
    cancel_code, message = 0, failure.message
    if failure.code == NOT_REPLACED and isinstance(failure.data, dict):
        inner = failure.data.get("cancelResponse")
        if isinstance(inner, dict):
            refusal = failure_of(failure.status, inner)
            cancel_code, message = refusal.code, f"{message} {refusal.message}"
    return OrderRefused(request.symbol, request.client_order_id, at, failure.code, message, cancel_code)


def _half_replaced(reader: Reader, request: CancelReplace, failure: Failure, at: Time) -> Events:
    """Return both halves: canceled and nothing placed (-2021), or not canceled and placed nevertheless."""
    data = failure.data if isinstance(failure.data, dict) else {}
    cancel, order = data.get("cancelResponse"), data.get("newOrderResponse")
    if data.get("cancelResult") == SUCCESS and data.get("newOrderResult") != SUCCESS:
        refusal = failure_of(failure.status, order) if isinstance(order, dict) else None
        message = failure.message if refusal is None else f"{failure.message} {refusal.message}"
        refused = OrderRefused(request.symbol, request.client_order_id, at, REPLACED_IN_PART, message)
        try:
            return (*_canceled(reader, cancel, at), refused)
        except Malformed as error:
            reader.strangers.note("answers", f"cancelReplace: {error}")
            return (refused,)
    if data.get("newOrderResult") == SUCCESS:
        try:
            events = placed(reader, order, _specs(request), at)
        except Malformed as error:
            reader.strangers.note("answers", f"cancelReplace: {error}")
            return (unknown(request, at),)
        code = failure_of(failure.status, cancel).code if isinstance(cancel, dict) else CANCEL_REJECTED
        return (*events, CancelRefused(request.symbol, request.target, at, code, failure.message))
    return (unknown(request, at),)


def _specs(request: AnyRequest) -> dict[str, OrderSpec]:
    if isinstance(request, PlaceOrderList):
        return {spec.client_order_id: spec for spec in request.orders}
    if isinstance(request, PlaceOrder | CancelReplace):
        return {request.order.client_order_id: request.order}
    return {}


def _placed_one(reader: Reader, request: PlaceOrder, told: Any, at: Time) -> Events:
    return placed(reader, told, _specs(request), at)


def _placed_list(reader: Reader, request: PlaceOrderList, told: Any, at: Time) -> Events:
    reports = converted(told, ListReply, reader.strangers, "order list").order_reports
    if not reports:
        raise Malformed("an order list without its orders")
    specs = _specs(request)
    return [event for report in reports for event in placed(reader, report, specs, at)]


def _canceled(reader: Reader, told: Any, at: Time) -> list[ExchangeEvent]:
    """Return the end of what was canceled: an order, or with a leg its whole list."""
    if isinstance(told, dict) and "orderReports" in told:
        reports = converted(told, ListReply, reader.strangers, "canceled list").order_reports
        return [event for report in reports for event in canceled(reader, report, at)]
    return canceled(reader, told, at)


def _canceled_order(reader: Reader, _: CancelOrder, told: Any, at: Time) -> Events:
    return _canceled(reader, told, at)


def _replaced(reader: Reader, request: CancelReplace, told: Any, at: Time) -> Events:
    if not isinstance(told, dict):
        raise Malformed("cancelReplace: an object was expected")
    ended = _canceled(reader, told.get("cancelResponse"), at)
    return (*ended, *placed(reader, told.get("newOrderResponse"), _specs(request), at))


def _amended(reader: Reader, request: AmendOrder, told: Any, at: Time) -> Events:
    amended = told.get("amendedOrder") if isinstance(told, dict) else None
    if not isinstance(amended, dict):
        raise Malformed("amend: an amended order was expected")
    named = {**amended, "origQty": amended.get("qty"), "clientOrderId": request.target, "origClientOrderId": ""}
    return (reported(reader, named, at),)


def _found(reader: Reader, request: QueryOrder, told: Any, at: Time) -> Events:
    found = reported(reader, told, at)
    if found.client_order_id != request.client_order_id:
        raise Malformed(f"asked for {request.client_order_id}, told of another order")
    return (found,)


def _open(reader: Reader, request: ListOpenOrders, told: Any, at: Time) -> Events:
    return (OpenOrdersReported(request.symbol, request.client_order_id, at, open_orders(reader, told, at)),)


def _executed(reader: Reader, request: ListFills, told: Any, at: Time) -> Events:
    found = executions(reader, trades(reader, told))
    return (ExecutionsReported(request.symbol, request.client_order_id, at, found),)


def _account(reader: Reader, request: QueryAccount, told: Any, at: Time) -> Events:
    held = balances(reader, told)
    return (AccountChanged(request.symbol, request.client_order_id, read_at(told, at), held),)


def read_at(told: Any, at: Time) -> Time:
    """Return up to when an account's answer knows: its last change, by the exchange's own clock; else `at`."""
    updated = told.get("updateTime") if isinstance(told, dict) else None
    if not isinstance(updated, int) or isinstance(updated, bool) or updated <= 0:
        return at
    return time_of(updated)


def balances(reader: Reader, told: Any) -> tuple[Balance, ...]:
    """Return the balances of an account. Raises Malformed."""
    listed = told.get("balances") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        raise Malformed("account: balances were expected")
    found = (converted(each, BalanceReply, reader.strangers, "balance") for each in listed)
    return tuple(Balance(each.asset, each.free, each.locked) for each in found)


_READERS: Final[dict[type, Callable[[Reader, Any, Any, Time], Events]]] = {
    PlaceOrder: _placed_one,
    PlaceOrderList: _placed_list,
    CancelOrder: _canceled_order,
    CancelReplace: _replaced,
    AmendOrder: _amended,
    QueryOrder: _found,
    ListOpenOrders: _open,
    ListFills: _executed,
    QueryAccount: _account,
}
