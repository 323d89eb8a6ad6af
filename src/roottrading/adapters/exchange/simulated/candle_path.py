"""A closed candle's path: open, low, high, close (trading-rules 5.2 to 5.4)."""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.arrivals import trigger
from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.execution import fill_from_candle
from roottrading.adapters.exchange.simulated.lists import place_pending
from roottrading.adapters.exchange.simulated.state import TARGET_TYPES, BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time


def walk(venue: Venue, book: Book, candle: Candle, now: Time) -> None:
    """Match what rests along the candle's path: all on the way down first, the highest level first; then all above.

    What is triggered meets the price of its level, or the open where the candle began beyond it. An order acts once
    a candle. Legs that come in on the way down join in.
    """
    market = book.market
    done: set[int] = set()
    for falls, end in ((True, candle.low), (False, candle.high)):
        while True:
            order = _next(book, falls, end, done)
            if order is None:
                break
            done.add(order.id)
            level = order.price if order.waits == "limit" else order.stop_price
            assert level is not None
            reference = min(level, candle.open) if falls else max(level, candle.open)
            market.last = reference
            if order.waits == "trigger":
                trigger(venue, book, order, reference, now)
            else:
                fill_from_candle(venue, book, order, level, order.quantity - order.executed, True, now)
            place_pending(venue, now)


def _next(book: Book, falls: bool, end: Decimal, done: set[int]) -> BookOrder | None:
    """Return the order that the path touches next on its way to `end`: by level, then by its place in the queue."""
    best: BookOrder | None = None
    for order in book.orders.values():
        if order.falls is not falls or order.waits not in {"limit", "trigger"} or order.id in done:
            continue
        if (order.level < end if falls else order.level > end) or _is_early(book, order):
            continue
        if best is None or order.level == best.level:
            nearer = best is None or order.priority < best.priority
        else:
            nearer = order.level > best.level if falls else order.level < best.level
        if nearer:
            best = order
    return best


def _is_early(book: Book, order: BookOrder) -> bool:
    """Say whether it is a target of an account that bought in this candle: it waits for the next one (5.2)."""
    if order.side != "SELL" or order.account not in book.market.bought:
        return False
    return order.type == "LIMIT" or order.type in TARGET_TYPES
