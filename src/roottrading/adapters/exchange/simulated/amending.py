"""Amending: an order's quantity is lowered, or its name changed, and the order keeps its place in the queue."""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.filters import check_size, check_tradable
from roottrading.adapters.exchange.simulated.queries import report
from roottrading.adapters.exchange.simulated.refusals import AMEND_REJECTED, UNKNOWN_ORDER, Refused, duplicate
from roottrading.adapters.exchange.simulated.resizing import resize
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.time import Time
from roottrading.messages.exchange import AmendOrder


def amend_order(venue: Venue, book: Book, account: str, request: AmendOrder, now: Time) -> None:
    """Lower an open order's quantity, of an OCO's leg that of both; answer with the order as it is then."""
    check_tradable(book)
    order = book.alive(account, request.target)
    if order is None:
        raise Refused(AMEND_REJECTED, UNKNOWN_ORDER)
    _check_quantity(book, order, request.quantity)
    resize(venue, book, order, request.quantity, now)
    venue.mail[account].append(report(order, now))


def rename_order(venue: Venue, book: Book, order: BookOrder, client_order_id: str) -> None:
    """Give an open order another client order id. Raises Refused where another open order has it."""
    if client_order_id == order.client_order_id:
        return
    if book.alive(order.account, client_order_id) is not None:
        raise duplicate()
    del book.clients[order.account, order.client_order_id]
    order.client_order_id = client_order_id
    book.clients[order.account, client_order_id] = order.id
    venue.changed(order)


def _check_quantity(book: Book, order: BookOrder, quantity: Decimal) -> None:
    """Refuse what does not lower the quantity, or leaves nothing open, or fails a filter."""
    if order.status == "PENDING_NEW" and not order.quantity:
        raise Refused(AMEND_REJECTED, "Order amend (pending OPO order) is not supported.")
    if quantity > order.quantity:
        raise Refused(AMEND_REJECTED, "Order amend (quantity increase) is not supported.")
    if quantity == order.quantity:
        raise Refused(AMEND_REJECTED, "The requested action would change no state; rejecting.")
    check_size(book, order, quantity)
    if quantity <= order.executed:
        raise Refused(AMEND_REJECTED, "Order amend (quantity not above the executed one) is not supported.")
