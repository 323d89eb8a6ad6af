"""Resizing: an open order's quantity becomes less, and with an OCO's leg that of the other one."""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.orders import lock, needs, payer, unlock
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.time import Time


def resize(venue: Venue, book: Book, order: BookOrder, quantity: Decimal, now: Time) -> None:
    """Give an order, and the leg that must equal it, a quantity; what they lock is reckoned anew."""
    pair = [order]
    sibling = book.orders.get(order.sibling)
    if sibling is not None:
        pair.append(sibling)
    elif order.waits == "working":  # pending legs are no siblings yet
        pair += [leg for leg in book.legs_of(order) if leg is not order and leg.waits == "working"]
    for leg in pair:
        leg.quantity = quantity
        leg.updated_at = now
    for leg in pair:
        if leg.locked:
            wallet = payer(venue, book, leg)
            unlock(venue, wallet, leg)
            lock(venue, wallet, leg, max(needs(book, each) for each in pair))
        venue.changed(leg)
