"""A survey of a cycle's orders: what they add up to, and which of them we are in doubt about; one look at each."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.money import ZERO
from roottrading.domain.order import LIVE, Order
from roottrading.messages.exchange import CancelOrder, CancelReplace
from roottrading.services.trader.leg_ids import EXIT_LEG, sibling_of
from roottrading.services.trader.state import CycleExecution


class Survey(Struct, frozen=True, gc=False):
    """What the orders of a cycle come to, by client order id where orders are named.

    `covered` is the quantity under resting stops (trading-rules 1.10). `booked` says that we have every execution that
    the orders are said to have. `doubtful` are legs whose fate must be near, and without which nothing is decided:
    pending after their entry, or the other leg of a list that ended. `overdue` are legs that are gone without our
    having heard it - their list was touched, or we had it cancelled: nothing waits for their word, but the cycle does
    not end before it. `outdated` are stops below the wanted price, or in a list that was given up.
    """

    covered: Decimal
    booked: bool
    working: bool
    entry_working: bool
    exit_working: bool
    doubtful: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()


def survey_of(execution: CycleExecution) -> Survey:
    """Look at every order once; at the pairs of lists only where one of them was touched."""
    bought, sold, covered = execution.adopted, ZERO, ZERO
    entry_working = exit_working = touched = False
    pending: list[str] = []
    resting: list[str] = []
    outdated: list[str] = []
    at = len(execution.prefix)
    for client_order_id, order in execution.orders.items():
        status, executed = order.status, order.executed_quantity
        if order.side == "BUY":
            bought += executed
            entry_working = entry_working or status in LIVE
            continue
        sold += executed
        if status == "PENDING_NEW":
            pending.append(client_order_id)
        elif status not in LIVE:
            touched = True
        elif client_order_id[at] == EXIT_LEG:
            exit_working = True
        else:
            resting.append(client_order_id)
            touched = touched or executed > ZERO
            if order.stop_price is not None:
                covered += order.quantity - executed
                if _is_outdated(execution, order):
                    outdated.append(client_order_id)
    doubtful: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    if resting and touched:
        doubtful, overdue = _pairs(execution, resting)
    if pending and bought and not entry_working:
        doubtful = (*doubtful, *(leg for leg in pending if leg not in execution.given_up))
    return Survey(
        covered,
        bought == execution.bought and sold == execution.sold,
        entry_working or exit_working or bool(resting) or bool(pending),
        entry_working,
        exit_working,
        doubtful,
        overdue,
        tuple(outdated),
    )


def is_working(order: Order) -> bool:
    """Say whether the order may still do something; a pending leg may."""
    return order.status in LIVE


def _is_outdated(execution: CycleExecution, stop: Order) -> bool:
    name = stop.client_order_id
    if stop.stop_price is None or (
        stop.stop_price >= execution.stop_price
        and (execution.target_price is not None or sibling_of(execution, name) not in execution.orders)
    ):
        return False
    return not stop.executed_quantity and name not in execution.given_up


def _pairs(execution: CycleExecution, resting: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the doubtful and the overdue among resting legs, by what became of the other leg of their list."""
    doubtful, overdue = [], []
    for client_order_id in resting:
        other = sibling_of(execution, client_order_id)
        sibling = execution.orders.get(other)
        order = execution.orders[client_order_id]
        if client_order_id in execution.given_up:
            if not _is_being_cancelled(execution, (client_order_id, other)):
                overdue.append(client_order_id)
        elif sibling is not None and not order.executed_quantity:
            if sibling.executed_quantity:
                overdue.append(client_order_id)
            elif not is_working(sibling) and client_order_id not in execution.triggered:
                doubtful.append(client_order_id)
    return tuple(doubtful), tuple(overdue)


def _is_being_cancelled(execution: CycleExecution, legs: tuple[str, str]) -> bool:
    return any(
        isinstance(unanswered.request, CancelReplace | CancelOrder) and unanswered.request.target in legs
        for unanswered in execution.unanswered
    )
