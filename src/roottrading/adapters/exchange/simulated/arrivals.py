"""Arrivals: what an accepted or triggered order does first, at the open, inside a candle, and at its trigger."""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.matching import conclude, take
from roottrading.adapters.exchange.simulated.orders import (
    leave,
    lock,
    needs,
    part_from_sibling,
    payer,
    rest,
    unlock,
)
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderTriggered


def arrive(venue: Venue, book: Book, order: BookOrder, now: Time) -> None:
    """Let an accepted order meet the market, or rest (trading-rules 5.1).

    Without an open to meet, MARKET waits for the next one, FOK and IOC end at once, and GTC rests.
    """
    reference = book.open_at(now)
    if order.type == "LIMIT":
        if reference is None and order.time_in_force != "GTC":
            conclude(venue, book, order, now)
        else:
            take(venue, book, order, reference, now)
    elif order.type == "MARKET" and reference is not None:
        take(venue, book, order, reference, now)
    else:
        lock(venue, payer(venue, book, order), order, needs(book, order))
        rest(venue, book, order, now)


def meet_open(venue: Venue, book: Book, order: BookOrder, reference: Decimal, now: Time) -> None:
    """Let a MARKET order that waited meet the open."""
    unlock(venue, payer(venue, book, order), order)
    leave(book, order)
    take(venue, book, order, reference, now)


def trigger(venue: Venue, book: Book, order: BookOrder, reference: Decimal, now: Time) -> None:
    """Let the market touch an order's stop price: it takes at `reference`; its OCO's other leg ends.

    One with a limit says so: it is on the book now, and what is not filled waits for its limit.
    """
    if order.sibling >= 0:
        part_from_sibling(venue, book, order, now)
    unlock(venue, payer(venue, book, order), order)
    leave(book, order)
    order.triggered = True
    if order.price is not None:
        venue.mail[order.account].append(OrderTriggered(order.symbol, order.client_order_id, now, order.id))
    take(venue, book, order, reference, now)
