"""Taking: an arriving or triggered order meets what rests in the book, then the candle's volume."""

from collections.abc import Iterator
from decimal import Decimal

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.execution import fill_from_candle, match
from roottrading.adapters.exchange.simulated.ladder_taking import take_from
from roottrading.adapters.exchange.simulated.orders import end, lock, needs, payer, rest
from roottrading.adapters.exchange.simulated.self_trade import prevent, prevented
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.order import ENDED
from roottrading.domain.time import Time


def take(venue: Venue, book: Book, order: BookOrder, reference: Decimal | None, now: Time) -> None:
    """Fill what can be filled of the order now, at `reference` or (None) from resting orders only; end or rest it.

    Resting orders at prices better than or at the taker's come before the candle's volume; beyond its price a limit
    order meets what rests up to its limit. In a candle without volume only a GTC limit order meets anything, and
    that only what rests (trading-rules 5.1, 5.4).
    """
    if book.ladder is not None:
        take_from(venue, book, book.ladder, order, now)
        if order.status not in ENDED:
            conclude(venue, book, order, now)
        return
    buys = order.side == "BUY"
    limit = order.price
    price: Decimal | None = None
    flows = reference is not None and book.market.traded
    if flows and reference is not None:
        price = book.taker_price(buys, reference)
        if limit is not None and (price > limit if buys else price < limit):
            price = None
    force = order.time_in_force
    if not book.limits:  # nothing but the candle to meet
        if price is not None:
            until = order.quantity if limit is not None else _affordable(venue, book, order, price)
            wanted = until - order.executed
            if wanted and (force != "FOK" or wanted <= book.market.allowance):
                fill_from_candle(venue, book, order, price, wanted, False, now)
    else:
        meets = price is not None or (limit is not None and (flows or force == "GTC"))
        if meets and (force != "FOK" or _fills_whole(venue, book, order, price, now)):
            _fill(venue, book, order, price, now)
    if order.status not in ENDED:
        conclude(venue, book, order, now)


def conclude(venue: Venue, book: Book, order: BookOrder, now: Time) -> None:
    """End or rest what was not filled on arrival."""
    if order.price is None:
        end(venue, book, order, "EXPIRED", "INSUFFICIENT_LIQUIDITY", now)
    elif order.time_in_force == "FOK":
        end(venue, book, order, "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED", now)
    elif order.time_in_force == "IOC":
        end(venue, book, order, "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED", now)
    else:
        lock(venue, payer(venue, book, order), order, needs(book, order))
        rest(venue, book, order, now)


def _fill(venue: Venue, book: Book, order: BookOrder, price: Decimal | None, now: Time) -> None:
    """Meet resting orders up to the candle's price, then its volume, then resting orders up to the limit."""
    limit = order.price
    if price is not None:
        until = order.quantity if limit is not None else _affordable(venue, book, order, price)
        until = _meet(venue, book, order, price, until, now)
        if order.status not in ENDED and until > order.executed:
            fill_from_candle(venue, book, order, price, until - order.executed, False, now)
    if limit is not None and order.status not in ENDED:
        _meet(venue, book, order, limit, order.quantity, now)


def _meet(venue: Venue, book: Book, order: BookOrder, bound: Decimal, until: Decimal, now: Time) -> Decimal:
    """Trade with resting orders up to `bound`, best price and longest wait first, until so much is executed.

    Returns `until`, less what was taken from the order's quantity instead of being executed (DECREMENT).
    """
    for maker in book.makers(order.side == "BUY", bound):
        if order.executed >= until:
            break
        if prevented(order, maker):
            before = order.quantity
            prevent(venue, book, order, maker, now)
            until -= before - order.quantity
        else:
            quantity = min(until - order.executed, maker.quantity - maker.executed)
            match(venue, book, order, maker, quantity, now)
        if order.status in ENDED:
            break
    return until


def _affordable(venue: Venue, book: Book, order: BookOrder, price: Decimal) -> Decimal:
    """Return how much an order without a limit can execute in all at `price`, by its quote amount and the balance.

    One that waited may find a price beyond what it had locked; the rest of it expires.
    """
    if order.quote_quantity is not None:
        order.quantity = order.quote_quantity // (price * book.step) * book.step
    rest = order.quantity - order.executed
    free = payer(venue, book, order).free
    if order.side == "SELL":
        most = free if rest <= free else free // book.step * book.step
    else:
        most = rest if rest * price <= free else free // (price * book.step) * book.step
    return order.executed + min(rest, most)


def _fills_whole(venue: Venue, book: Book, order: BookOrder, price: Decimal | None, now: Time) -> bool:
    """Say whether a FOK can be filled whole; where an order of its own account is in the way, that is prevented here.

    Nothing of it is executed before that: it is all or nothing in self-trade prevention too.
    """
    wanted = order.quantity
    for source in _sources(book, order, price):
        if not isinstance(source, BookOrder):
            wanted -= source
        elif not prevented(order, source):
            wanted -= source.quantity - source.executed
        elif order.self_trade_prevention != "EXPIRE_MAKER":
            prevent(venue, book, order, source, now)
            return False
        if wanted <= 0:
            return True
    return False


def _sources(book: Book, order: BookOrder, price: Decimal | None) -> Iterator[BookOrder | Decimal]:
    """Return what a limit order meets, in turn: resting orders, and between them what the candle's volume allows."""
    buys = order.side == "BUY"
    assert order.price is not None
    candle = price
    for maker in book.makers(buys, order.price):
        beyond = (
            maker.price is not None and candle is not None and (maker.price > candle if buys else maker.price < candle)
        )
        if beyond:
            yield book.market.allowance // book.step * book.step
            candle = None
        yield maker
    if candle is not None:
        yield book.market.allowance // book.step * book.step
