"""Placing one order: through the door, past the matching engine's own refusals, to the market."""

from roottrading.adapters.exchange.simulated.arrivals import arrive
from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.filters import (
    check_counts,
    check_form,
    check_lots,
    check_notional,
    check_prices,
    check_size,
    check_tradable,
)
from roottrading.adapters.exchange.simulated.ladder_taking import best_price
from roottrading.adapters.exchange.simulated.orders import accept, cost, tell_opened
from roottrading.adapters.exchange.simulated.refusals import REJECTED, Refused, duplicate, insufficient_balance
from roottrading.adapters.exchange.simulated.state import STOP_TYPES, TRIGGERED_TYPES, Asked
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderSpec


def check_order(book: Book, account: str, spec: OrderSpec) -> None:
    """Refuse what does not get through the door: form and filters, nothing that needs the book."""
    check_tradable(book)
    check_form(book.instrument, spec)
    check_prices(book, spec)
    if spec.quantity is not None:
        check_size(book, spec, spec.quantity)
    elif spec.quote_quantity is not None:
        check_notional(book.instrument, spec.quote_quantity, True)
        last = book.market.last
        if last is not None:
            price = book.taker_price(spec.side == "BUY", last)
            check_lots(book, spec.type, spec.quote_quantity // (price * book.step) * book.step)
    check_counts(book, account, (spec,))


def check_market(book: Book, spec: Asked) -> None:
    """Refuse a LIMIT_MAKER that would take, and a stop price that the market is already beyond."""
    last = book.market.last
    buys = spec.side == "BUY"
    if spec.type == "LIMIT_MAKER":
        price = spec.price or ZERO
        if book.ladder is not None:
            last = best_price(book.ladder, buys)
        crosses = last is not None and (price >= last if buys else price <= last)
        if crosses or (book.limits and book.makers(buys, price)):
            raise Refused(REJECTED, "Order would immediately match and take.")
    elif spec.type in TRIGGERED_TYPES and last is not None:
        stop = spec.stop_price or ZERO
        from_above = buys is not (spec.type in STOP_TYPES)
        if stop >= last if from_above else stop <= last:
            raise Refused(REJECTED, "Order would trigger immediately.")


def place(venue: Venue, book: Book, account: str, spec: OrderSpec, now: Time) -> None:
    """Place an order that got through the door."""
    if book.alive(account, spec.client_order_id) is not None:
        raise duplicate()
    check_market(book, spec)
    check_funds(venue, book, account, spec, now)
    order = accept(venue, book, account, spec, now)
    tell_opened(venue, order, now)
    arrive(venue, book, order, now)


def check_funds(venue: Venue, book: Book, account: str, spec: OrderSpec, now: Time) -> None:
    """Refuse an order that the account's free balance does not cover."""
    needed = cost(book, spec, spec.quantity or ZERO, book.open_at(now))
    if needed > venue.pair(book, account)[spec.side == "BUY"].free:
        raise insufficient_balance()
