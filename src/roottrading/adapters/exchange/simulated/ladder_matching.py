"""Matching against a ladder: a recorded book's levels and prints instead of a candle's path.

A resting limit order is met at its own price where the book comes to it (a level at or beyond it), or where somebody
traded beyond it: so much is taken as stood or was traded there. Stops go by prints.
"""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.arrivals import trigger
from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.execution import fill
from roottrading.adapters.exchange.simulated.ladder import Ladder
from roottrading.adapters.exchange.simulated.lists import place_pending
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time


def meet_levels(venue: Venue, book: Book, ladder: Ladder, now: Time) -> None:
    """Fill resting limit orders that the book has come to, best price and longest wait first."""
    for buys in (True, False):
        for level, standing in ladder.levels(buys):
            left = standing
            for order in _reached(book, buys, level):
                quantity = _fill_resting(venue, book, order, left, now)
                if quantity:
                    ladder.took(buys, level, quantity)
                    left -= quantity
                if not left:
                    break
            if left == standing:
                break  # nobody reaches this level, so nobody reaches those behind it


def meet_print(venue: Venue, book: Book, price: Decimal, quantity: Decimal, now: Time) -> None:
    """Let a print go by: resting orders that it traded beyond are met with its quantity, then stops are triggered."""
    book.tell(now)
    book.market.last = price
    left = quantity
    for buys in (True, False):
        for order in _reached(book, buys, price):
            if order.price != price and left:
                left -= _fill_resting(venue, book, order, left, now)
    done: set[int] = set()
    while (stop := _touched(book, price, done)) is not None:
        done.add(stop.id)
        trigger(venue, book, stop, price, now)
        place_pending(venue, now)


def _reached(book: Book, buys: bool, price: Decimal) -> list[BookOrder]:
    """Return resting buys at or above (or sells at or below) `price`, best price first, then the first to come."""
    return book.makers(not buys, price)


def _fill_resting(venue: Venue, book: Book, order: BookOrder, most: Decimal, now: Time) -> Decimal:
    """Fill up to `most` of a resting order at its own price; return how much."""
    if order.id not in book.limits or order.price is None:
        return ZERO  # it went with the other leg of its list meanwhile
    quantity = min(order.quantity - order.executed, most // book.step * book.step)
    if quantity:
        trade = book.market.trades = book.market.trades + 1
        fill(venue, book, order, order.price, quantity, True, trade, now)
        place_pending(venue, now)
    return quantity


def _touched(book: Book, price: Decimal, done: set[int]) -> BookOrder | None:
    """Return the stop that a print at `price` triggers next: the level passed first, then the first to come."""
    touched = [
        order
        for order in book.orders.values()
        if order.waits == "trigger"
        and order.id not in done
        and (price <= order.level if order.falls else price >= order.level)
    ]
    return min(touched, key=lambda order: (-abs(order.level - price), order.priority), default=None)
