"""What was asked of the exchange, and which of its words answers which request."""

from roottrading.domain.ids import order_id
from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED, Order
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    AnyRequest,
    CancelOrder,
    CancelReplace,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
    QueryOrder,
)
from roottrading.services.trader.leg_ids import ENTRY_LEG, EXIT_LEG, STOP_LEG, TARGET_LEG, leg_of, sibling_of
from roottrading.services.trader.legs import specs_of
from roottrading.services.trader.state import CycleExecution
from roottrading.services.trader.survey import is_working
from roottrading.services.trader.turn import Turn


def asked_for(execution: CycleExecution, client_order_id: str) -> tuple[OrderSpec, Time] | None:
    """Return what an unanswered request asked for under the id, and when it was issued."""
    for unanswered in execution.unanswered:
        request = unanswered.request
        for spec in specs_of(request):
            if spec.client_order_id == client_order_id:
                return spec, request.issued_at
    return None


def from_request(turn: Turn, client_order_id: str, binance_order_id: int) -> Order | None:
    """Return the order as its request asked for it: its first event came before the word that it was taken."""
    asked = asked_for(turn.execution, client_order_id)
    if asked is None:
        return None
    spec, issued_at = asked
    return Order(
        order_id(turn.desk.deployment, client_order_id),
        turn.execution.cycle_id,
        client_order_id,
        turn.execution.symbol,
        spec.side,
        spec.type,
        spec.quantity or ZERO,
        spec.price,
        spec.stop_price,
        "PENDING_NEW" if spec.quantity is None else "NEW",
        issued_at,
        issued_at,
        ZERO,
        binance_order_id,
    )


def ask_about(turn: Turn, client_order_id: str) -> None:
    """Ask for an order of ours that we know nothing of, and wait: until then nothing is decided for the cycle."""
    for unanswered in turn.execution.unanswered:
        if client_order_id == unanswered.request.client_order_id:
            return
    turn.ask(QueryOrder(turn.execution.symbol, client_order_id, 0, turn.now))


def drop_answered(turn: Turn, client_order_id: str, reported: bool = False) -> None:
    """Forget the requests that an event about this order answers."""
    execution = turn.execution
    for unanswered in execution.unanswered:
        if _is_answered(execution, unanswered.request, client_order_id, reported):
            execution.unanswered = tuple([entry for entry in execution.unanswered if entry is not unanswered])
            turn.resurvey()
            request = unanswered.request
            if type(request) is CancelOrder and execution.orders[request.target].status != "CANCELED":
                take_back(turn, request.target)  # it ended by itself, and its list's other leg may still stand


def take_back(turn: Turn, target: str) -> None:
    """A leg that we asked to cancel was not: it, and its list, count again."""
    execution = turn.execution
    if leg_of(execution, target) == ENTRY_LEG:
        return  # nothing waits for an entry to be gone
    both = (target, sibling_of(execution, target))
    if any(leg in execution.given_up for leg in both):
        execution.given_up = tuple(leg for leg in execution.given_up if leg not in both)
        turn.resurvey()


def note_attempt(execution: CycleExecution, client_order_id: str) -> None:
    """Count an attempt that we find at the exchange and do not remember, so that its id is never used again."""
    leg = leg_of(execution, client_order_id)
    number = int(client_order_id[len(execution.prefix) + 1 :])
    if leg == ENTRY_LEG:
        execution.entries = max(execution.entries, number)
    elif leg in (STOP_LEG, TARGET_LEG):
        execution.protections = max(execution.protections, number)
    elif leg == EXIT_LEG:
        execution.exits = max(execution.exits, number)


def _is_answered(execution: CycleExecution, request: AnyRequest, client_order_id: str, reported: bool) -> bool:
    orders = execution.orders
    kind = type(request)
    if kind is PlaceOrder or kind is CancelReplace:
        return request.client_order_id == client_order_id
    if type(request) is PlaceOrderList:
        first = orders.get(request.orders[0].client_order_id)
        if first is not None and first.status in ENDED and not first.executed_quantity:
            return True  # an entry that bought nothing answers for its legs: they were never placed
        missing = [leg for leg in request.orders if leg.client_order_id not in orders]
        return not missing
    if type(request) is CancelOrder:
        return request.target == client_order_id and not is_working(orders[client_order_id])
    if request.client_order_id != client_order_id:
        return False
    return reported or kind is not QueryOrder or not is_working(orders[client_order_id])
