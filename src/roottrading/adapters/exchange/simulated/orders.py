"""An order's life in the book: taken in, put to rest, ended; and the funds that it locks meanwhile."""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.state import (
    MARKET_TYPES,
    STOP_TYPES,
    TRIGGERED_TYPES,
    Asked,
    BookOrder,
    Wallet,
)
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.money import ZERO
from roottrading.domain.order import OrderStatus
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderEnded, OrderOpened, OrderSpec


def accept(
    venue: Venue, book: Book, account: str, spec: OrderSpec, now: Time, list_id: int = -1, list_client_id: str = ""
) -> BookOrder:
    """Take an order into the book under the symbol's next id; it does not rest yet."""
    market = book.market
    number = market.orders = market.orders + 1
    order = BookOrder(
        number,
        account,
        market.symbol,
        spec.client_order_id,
        list_id,
        list_client_id,
        spec.side,
        spec.type,
        ZERO if spec.quantity is None else spec.quantity,
        spec.price,
        spec.stop_price,
        spec.time_in_force,
        spec.self_trade_prevention,
        spec.quote_quantity,
        now,
        now,
    )
    book.orders[number] = order
    book.clients[account, spec.client_order_id] = number
    if venue.changes is not None:
        venue.changed(order)
    return order


def tell_opened(venue: Venue, order: BookOrder, now: Time) -> None:
    """Tell the account that the exchange has the order, with its status."""
    venue.mail[order.account].append(
        OrderOpened(
            order.symbol,
            order.client_order_id,
            now,
            order.id,
            order.list_id,
            order.side,
            order.type,
            order.quantity or None,
            order.price,
            order.stop_price,
            order.status,
        )
    )


def payer(venue: Venue, book: Book, order: BookOrder) -> Wallet:
    """Return the wallet that pays for the order: quote for a buy, base for a sell."""
    pair = book.pairs.get(order.account) or venue.pair(book, order.account)
    return pair[order.side == "BUY"]


def cost(book: Book, asked: Asked, quantity: Decimal, reference: Decimal | None) -> Decimal:
    """Return what so much of an order may cost its payer at most.

    A market order is reckoned at `reference` or (None) the last price; where none is known it needs nothing, and
    takes what it can when it meets its open.
    """
    buys = asked.side == "BUY"
    if asked.quote_quantity is not None:
        if buys:
            return asked.quote_quantity
        known = reference or book.market.last
        if known is None:
            return quantity
        return asked.quote_quantity // (book.taker_price(False, known) * book.step) * book.step
    if not buys:
        return quantity
    price = asked.price or asked.stop_price
    if price is None:
        known = reference or book.market.last
        price = ZERO if known is None else book.taker_price(True, known)
    return price * quantity


def needs(book: Book, order: BookOrder) -> Decimal:
    """Return what the rest of an order needs of its payer while it rests or waits."""
    return cost(book, order, order.quantity - order.executed, None)


def lock(venue: Venue, wallet: Wallet, order: BookOrder, amount: Decimal) -> None:
    """Move `amount` from free to locked, for the order (which is about to rest, and so is marked as changed then)."""
    venue.touched.append(wallet)
    wallet.free -= amount
    wallet.locked += amount
    order.locked += amount


def unlock(venue: Venue, wallet: Wallet, order: BookOrder) -> None:
    """Set all free that the order locked (it is about to take, rest or end, and so is marked as changed then)."""
    amount = order.locked
    if amount:
        venue.touched.append(wallet)
        wallet.free += amount
        wallet.locked -= amount
        order.locked = ZERO


def rest(venue: Venue, book: Book, order: BookOrder, now: Time) -> None:
    """Put an order into the book: at its limit, before its trigger, or before the next open; it locks nothing here."""
    buys = order.side == "BUY"
    if order.type in TRIGGERED_TYPES and not order.triggered:
        assert order.stop_price is not None  # checked at the door
        order.waits = "trigger"
        order.level = order.stop_price
        order.falls = buys is not (order.type in STOP_TYPES)
    elif order.type in MARKET_TYPES:
        order.waits = "open"
        book.waiting[order.id] = order
    else:
        assert order.price is not None
        order.waits = "limit"
        book.limits[order.id] = order
        order.falls = buys
        order.level = order.price - book.tick if buys else order.price + book.tick
    market = book.market
    order.priority = market.priorities = market.priorities + 1
    order.updated_at = now
    if venue.changes is not None:
        venue.changed(order)


def leave(book: Book, order: BookOrder) -> None:
    """Take an order from where it waited: it moves, or has come to its end."""
    if order.waits == "limit":
        del book.limits[order.id]
    elif order.waits == "open":
        del book.waiting[order.id]
    order.waits = ""


def retire(venue: Venue, book: Book, order: BookOrder, now: Time) -> None:
    """Take an order that has come to its end out of the book, and forget the oldest one where history is full."""
    market, number = book.market, order.id
    if order.waits:
        leave(book, order)
    order.updated_at = now
    order.ended = market.endings = market.endings + 1
    del book.orders[number]
    history = book.history
    history[number] = order
    if venue.changes is not None:
        venue.changed(order)
    if len(history) > venue.model.history:
        _, oldest = history.popitem(last=False)
        key, clients = (oldest.account, oldest.client_order_id), book.clients
        if clients.get(key) == oldest.id:
            del clients[key]
        if venue.changes is not None:
            venue.changed(oldest)


def end(venue: Venue, book: Book, order: BookOrder, status: OrderStatus, reason: str, now: Time) -> None:
    """End an order before it is filled whole, and with it whatever hangs on it."""
    if order.locked:
        unlock(venue, payer(venue, book, order), order)
    order.status = status
    retire(venue, book, order, now)
    venue.mail[order.account].append(
        OrderEnded(order.symbol, order.client_order_id, now, order.id, status, order.executed, reason)
    )
    if order.pending:
        for number in order.pending:
            leg = book.orders.get(number)
            if leg is not None:
                end(venue, book, leg, "EXPIRED", "OTO_PHASE_ONE_EXPIRED", now)
        order.pending = ()
    if order.sibling >= 0:
        part_from_sibling(venue, book, order, now)


def part_from_sibling(venue: Venue, book: Book, order: BookOrder, now: Time) -> None:
    """End the other leg of an OCO: one of the two was touched. What it locked for both becomes free first."""
    sibling = book.orders.get(order.sibling)
    order.sibling = -1
    if sibling is not None:
        sibling.sibling = -1
        end(venue, book, sibling, "EXPIRED", "OCO_TRIGGER", now)
