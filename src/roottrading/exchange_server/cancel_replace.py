"""cancelReplace: one order out, another in, and an answer that tells both fates."""

from typing import Any, Final

from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError, missing
from roottrading.exchange_server.finding import find_order, unknown_order
from roottrading.exchange_server.order_form import ORDER_PARAMETERS, Form, read_order, read_response
from roottrading.exchange_server.trading import cancel_order, check_form, place_form

MODES: Final = frozenset({"STOP_ON_FAILURE", "ALLOW_FAILURE"})
OVER_LIMIT: Final = frozenset({"DO_NOTHING", "CANCEL_ONLY"})
SUCCESS: Final = "SUCCESS"
FAILURE: Final = "FAILURE"
NOT_ATTEMPTED: Final = "NOT_ATTEMPTED"
PARAMETERS: Final = ORDER_PARAMETERS | {
    "cancelReplaceMode",
    "cancelNewClientOrderId",
    "cancelOrigClientOrderId",
    "cancelOrderId",
    "cancelRestrictions",
    "orderRateLimitExceededMode",
}


def cancel_replace(call: Call) -> dict[str, Any]:
    """Judge the new order's form and filters, cancel the old order, place the new one.

    Both done: 200. One of them: 409 and -2021. None: 400 and -2022.
    """
    parameters = call.parameters
    mode = parameters.choice("cancelReplaceMode", MODES)
    if mode is None:
        raise missing("cancelReplaceMode")
    over_limit = parameters.choice("orderRateLimitExceededMode", OVER_LIMIT) or "DO_NOTHING"
    form = read_order(parameters, call.server.names)
    read_response(parameters, "ACK")
    symbol = parameters.symbol(call.venue.instruments)
    if not call.venue.instruments[symbol].cancel_replace_allowed:
        raise ApiError(-1013, "Order cancel-replace is not supported for this symbol.")
    check_form(call, form)
    too_many = _count(call, over_limit)
    canceled, cancel_answer = _cancel(call)
    if not canceled and mode == "STOP_ON_FAILURE":
        raise _failed(-2022, 400, FAILURE, cancel_answer, NOT_ATTEMPTED, None, too_many)
    placed, place_answer = (False, too_many.body()) if too_many is not None else _place(call, form)
    if canceled and placed:
        return {
            "cancelResult": SUCCESS,
            "newOrderResult": SUCCESS,
            "cancelResponse": cancel_answer,
            "newOrderResponse": place_answer,
        }
    if not placed:
        call.server.limits.give_back(call.account, 0 if too_many else 1, call.now)
    results = (SUCCESS if canceled else FAILURE, SUCCESS if placed else FAILURE)
    half = canceled or placed
    raise _failed(
        -2021 if half else -2022, 409 if half else 400, results[0], cancel_answer, results[1], place_answer, too_many
    )


def _count(call: Call, over_limit: str) -> ApiError | None:
    """Count the new order; over the limit do nothing at all, or (CANCEL_ONLY) go on to cancel."""
    try:
        call.server.limits.take_orders(call.account, 1, call.now)
    except ApiError as error:
        if over_limit == "DO_NOTHING":
            raise
        return error
    return None


def _cancel(call: Call) -> tuple[bool, dict[str, Any]]:
    parameters = call.parameters
    name = parameters.client_id("cancelNewClientOrderId") or call.server.names.next()
    try:
        record = find_order(call, unknown_order(), "cancelOrderId", "cancelOrigClientOrderId")
        return True, cancel_order(call, record, name)
    except ApiError as error:
        if error.code not in {-2011, -2039}:
            raise
        return False, error.body()


def _place(call: Call, form: Form) -> tuple[bool, dict[str, Any]]:
    try:
        return True, place_form(call, form)
    except ApiError as error:
        return False, error.body()


def _failed(
    code: int,
    status: int,
    cancel_result: str,
    cancel_answer: Any,
    place_result: str,
    place_answer: Any,
    too_many: ApiError | None,
) -> ApiError:
    words = "Order cancel-replace partially failed." if code == -2021 else "Order cancel-replace failed."
    data = {
        "cancelResult": cancel_result,
        "newOrderResult": place_result,
        "cancelResponse": cancel_answer,
        "newOrderResponse": place_answer,
    }
    return ApiError(code, words, 429 if too_many else status, data, too_many.retry_after if too_many else None)


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/api/v3/order/cancelReplace",
        "order.cancelReplace",
        cancel_replace,
        PARAMETERS,
        "signed",
        counts=True,
        trades=True,
    ),
)
