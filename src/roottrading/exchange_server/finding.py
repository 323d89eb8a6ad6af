"""Finding the order or the list that a request means, by id, by client id, or by both where they agree."""

from roottrading.exchange_server.endpoint import Call
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.records import ListRecord, OrderRecord


def no_such_order() -> ApiError:
    """Return the answer to a question for an order that is not known."""
    return ApiError(-2013, "Order does not exist.")


def unknown_order() -> ApiError:
    """Return the answer to a cancel of what is not open."""
    return ApiError(-2011, "Unknown order sent.")


def find_order(
    call: Call, absent: ApiError, id_name: str = "orderId", client_name: str = "origClientOrderId"
) -> OrderRecord:
    """Return the account's order that the request means; `absent` is raised where there is none."""
    parameters, ledger = call.parameters, call.venue.ledger
    symbol = parameters.symbol(call.venue.instruments)
    order_id, client_id = parameters.integer(id_name), parameters.client_id(client_name)
    if order_id is None and client_id is None:
        raise _neither(client_name, id_name)
    if order_id is None:
        found = ledger.named(call.account, symbol, client_id or "")
    else:
        found = ledger.order(call.account, symbol, order_id)
        if found is not None and client_id not in {None, found.client_order_id}:
            raise ApiError(-2039, "Client order ID is not correct for this order ID.")
    if found is None:
        raise absent
    return found


def find_list(call: Call, absent: ApiError, client_name: str) -> ListRecord:
    """Return the account's order list that the request means; `absent` is raised where there is none."""
    parameters, ledger = call.parameters, call.venue.ledger
    list_id, client_id = parameters.integer("orderListId"), parameters.client_id(client_name)
    if list_id is None and client_id is None:
        raise _neither(client_name, "orderListId")
    found = ledger.list_named(call.account, client_id or "") if list_id is None else ledger.lists.get(list_id)
    if found is None or found.account != call.account or client_id not in {None, found.client_id}:
        raise absent
    return found


def _neither(one: str, other: str) -> ApiError:
    return ApiError(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")
