"""Order events folded into orders: once each, in whatever order reply, stream and reconciliation say them."""

from decimal import Decimal
from typing import Final

from roottrading.domain.ids import order_id
from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED, Order, OrderStatus
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderEnded, OrderOpened, OrderReported
from roottrading.services.trader.asked import ask_about, asked_for, drop_answered, from_request, note_attempt
from roottrading.services.trader.survey import is_working
from roottrading.services.trader.turn import Turn

NEVER_PLACED: Final = frozenset({"REJECTED", "OTO_PHASE_ONE_EXPIRED"})
_RANK: Final[dict[OrderStatus, int]] = {
    "PENDING_NEW": 0,
    "NEW": 1,
    "PARTIALLY_FILLED": 2,
    "FILLED": 3,
    "CANCELED": 3,
    "REJECTED": 3,
    "EXPIRED": 3,
    "EXPIRED_IN_MATCH": 3,
}


def fold_opened(turn: Turn, event: OrderOpened) -> None:
    """The exchange has the order: working, or a pending leg."""
    execution = turn.execution
    before = execution.orders.get(event.client_order_id)
    if before is None:
        asked = asked_for(execution, event.client_order_id)
        if asked is None:
            note_attempt(execution, event.client_order_id)
            issued_at = event.at
        else:
            issued_at = asked[1]
        order = Order(
            order_id(turn.desk.deployment, event.client_order_id),
            execution.cycle_id,
            event.client_order_id,
            event.symbol,
            event.side,
            event.type,
            event.quantity or ZERO,
            event.price,
            event.stop_price,
            event.status,
            issued_at,
            event.at if event.at > issued_at else issued_at,
            ZERO,
            event.order_id,
        )
        turn.keep(order)
    else:
        update(turn, before, event.status, ZERO, event.at, event.order_id, event.quantity)
    if execution.unanswered:
        drop_answered(turn, event.client_order_id)


def fold_reported(turn: Turn, event: OrderReported) -> Order | None:
    """The order as a question found it: what it says counts, not when it was asked. Returns it where it just ended."""
    execution = turn.execution
    before = execution.orders.get(event.client_order_id)
    at = event.updated_at or (0 if event.status == "FILLED" else event.at)  # FILLED at its last fill
    if before is None:
        asked = asked_for(execution, event.client_order_id)
        if asked is None:
            note_attempt(execution, event.client_order_id)
        created_at = event.at if asked is None else asked[1]
        status = event.status
        if status in ENDED and not execution.bought and event.quantity == 0:
            status = "REJECTED"
        order = Order(
            order_id(turn.desk.deployment, event.client_order_id),
            execution.cycle_id,
            event.client_order_id,
            event.symbol,
            event.side,
            event.type,
            event.quantity,
            event.price,
            event.stop_price,
            status,
            created_at,
            max(at, created_at),
            event.executed_quantity,
            event.order_id,
        )
        turn.keep(order)
    else:
        order = update(turn, before, event.status, event.executed_quantity, at, event.order_id, event.quantity)
    drop_answered(turn, event.client_order_id, reported=True)
    return order if order.status in ENDED and (before is None or is_working(before)) else None


def fold_ended(turn: Turn, event: OrderEnded) -> Order | None:
    """The order ended; returns it where that is news. A pending leg that was never placed is REJECTED in here."""
    execution = turn.execution
    before = execution.orders.get(event.client_order_id) or from_request(turn, event.client_order_id, event.order_id)
    if before is None:
        if event.reason not in NEVER_PLACED:  # else it never was an order, and its entry's end has answered the request
            ask_about(turn, event.client_order_id)
        return None
    status = event.status
    if before.status == "PENDING_NEW" and (event.reason in NEVER_PLACED or not execution.bought):
        status = "REJECTED"
    was_working = is_working(before)
    order = update(turn, before, status, event.executed_quantity, event.at, event.order_id, None)
    drop_answered(turn, event.client_order_id)
    return order if was_working else None


def update(
    turn: Turn,
    before: Order,
    status: OrderStatus,
    executed: Decimal,
    at: Time,
    binance_order_id: int,
    quantity: Decimal | None,
) -> Order:
    """Fold what was said about a known order: an ended order stays ended, sums and times only grow."""
    if before.status == "REJECTED" and _RANK[status] in (1, 2):
        status = "CANCELED"  # it was placed after all, and had ended when we heard of it
    elif _RANK[status] <= _RANK[before.status]:
        status = before.status
    executed_before = before.executed_quantity
    executed = executed if executed > executed_before else executed_before
    quantity = quantity or before.quantity
    news = status != before.status or executed != executed_before
    if not news and quantity == before.quantity and before.binance_order_id == binance_order_id:
        return before
    order = Order(
        before.id,
        before.cycle_id,
        before.client_order_id,
        before.symbol,
        before.side,
        before.type,
        quantity,
        before.price,
        before.stop_price,
        status,
        before.created_at,
        at if news and at > before.updated_at else before.updated_at,
        executed,
        binance_order_id,
    )
    turn.keep(order)
    return order
