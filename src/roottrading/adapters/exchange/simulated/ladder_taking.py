"""Taking from a ladder: an arriving or triggered order meets the levels of a recorded book, price by price."""

from collections.abc import Iterator
from decimal import Decimal
from heapq import merge

from roottrading.adapters.exchange.simulated.book import INFINITE, Book
from roottrading.adapters.exchange.simulated.execution import fill, match
from roottrading.adapters.exchange.simulated.ladder import Ladder
from roottrading.adapters.exchange.simulated.orders import payer
from roottrading.adapters.exchange.simulated.self_trade import prevent, prevented
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED
from roottrading.domain.time import Time

Offer = tuple[Decimal, Decimal, BookOrder | None]  # price, quantity, and whose: None for the ladder's


def take_from(venue: Venue, book: Book, ladder: Ladder, order: BookOrder, now: Time) -> None:
    """Fill what the book holds up to the order's limit and its account's means; its rest is the caller's business."""
    if order.quote_quantity is not None:
        order.quantity = _worth(book, ladder, order)
    if order.time_in_force == "FOK" and not _fills_whole(venue, book, ladder, order, now):
        return
    buys = order.side == "BUY"
    for price, standing, maker in _offers(book, ladder, order):
        if maker is not None and prevented(order, maker):
            prevent(venue, book, order, maker, now)
            if order.status in ENDED:
                return
            continue
        rest = order.quantity - order.executed
        quantity = min(rest, standing, _affordable(venue, book, order, price, rest))
        if quantity <= ZERO:
            return
        if maker is not None:
            match(venue, book, order, maker, quantity, now)
        else:
            trade = book.market.trades = book.market.trades + 1
            ladder.took(buys, price, quantity)
            fill(venue, book, order, price, quantity, False, trade, now)
        if order.status in ENDED:
            return


def best_price(ladder: Ladder, buys: bool) -> Decimal | None:
    """Return the best price that a taker meets, None in an empty book."""
    return next((price for price, _ in ladder.levels(buys)), None)


def _offers(book: Book, ladder: Ladder, order: BookOrder) -> Iterator[Offer]:
    """Return what the order meets up to its limit, best price first, accounts' orders before levels of that price."""
    buys = order.side == "BUY"
    bound = order.price or (INFINITE if buys else ZERO)
    sign = 1 if buys else -1
    resting = [
        (sign * (maker.price or ZERO), 0, place, (maker.price or ZERO, maker.quantity - maker.executed, maker))
        for place, maker in enumerate(book.makers(buys, bound))
    ]
    standing = [
        (sign * price, 1, place, (price, quantity, None))
        for place, (price, quantity) in enumerate(ladder.levels(buys))
        if (price <= bound if buys else price >= bound)
    ]
    for _, _, _, offer in merge(resting, standing, key=lambda entry: entry[:3]):
        yield offer


def _affordable(venue: Venue, book: Book, order: BookOrder, price: Decimal, rest: Decimal) -> Decimal:
    """Return how much of the rest the account can pay for at `price`."""
    free = payer(venue, book, order).free
    if order.side == "SELL":
        return min(rest, free // book.step * book.step)
    return rest if rest * price <= free else free // (price * book.step) * book.step


def _worth(book: Book, ladder: Ladder, order: BookOrder) -> Decimal:
    """Return how much a quote amount comes to in this book; what the book lacks is reckoned at its last price."""
    left = order.quote_quantity or ZERO
    quantity, price = ZERO, book.market.last
    for price, standing, _ in _offers(book, ladder, order):
        wanted = left // (price * book.step) * book.step
        quantity += min(wanted, standing)
        left -= min(wanted, standing) * price
        if wanted <= standing:
            return quantity
    return quantity if price is None else quantity + left // (price * book.step) * book.step


def _fills_whole(venue: Venue, book: Book, ladder: Ladder, order: BookOrder, now: Time) -> bool:
    """Say whether a FOK can be filled whole; an order of its own account in the way is prevented before that."""
    wanted = order.quantity
    for _, standing, maker in _offers(book, ladder, order):
        if maker is None or not prevented(order, maker):
            wanted -= standing
        elif order.self_trade_prevention != "EXPIRE_MAKER":
            prevent(venue, book, order, maker, now)
            return False
        if wanted <= ZERO:
            return True
    return False
