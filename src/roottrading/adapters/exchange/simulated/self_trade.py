"""Self-trade prevention: an account's orders do not trade with each other; the taker's mode says which one goes."""

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.orders import end
from roottrading.adapters.exchange.simulated.resizing import resize
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Prevention, Venue
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time


def prevented(taker: BookOrder, maker: BookOrder) -> bool:
    """Say whether these two must not trade."""
    return taker.account == maker.account and taker.self_trade_prevention != "NONE"


def prevent(venue: Venue, book: Book, taker: BookOrder, maker: BookOrder, now: Time) -> None:
    """Expire what the taker's mode names: its own rest, the resting order, or both.

    DECREMENT takes from both what they would have traded; one of which nothing is left expires.
    """
    mode = taker.self_trade_prevention
    if venue.preventions is not None:
        venue.preventions.append(
            Prevention(
                taker.symbol,
                taker.id,
                maker.id,
                mode,
                maker.price or ZERO,
                taker.quantity - taker.executed,
                maker.quantity - maker.executed,
                now,
            )
        )
    if mode == "DECREMENT":
        overlap = min(taker.quantity - taker.executed, maker.quantity - maker.executed)
        for order in (maker, taker):
            if order.quantity - order.executed > overlap:
                resize(venue, book, order, order.quantity - overlap, now)
            else:
                order.quantity -= overlap
                end(venue, book, order, "EXPIRED_IN_MATCH", "", now)
    if mode in {"EXPIRE_MAKER", "EXPIRE_BOTH"}:
        end(venue, book, maker, "EXPIRED_IN_MATCH", "", now)
    if mode in {"EXPIRE_TAKER", "EXPIRE_BOTH"}:
        end(venue, book, taker, "EXPIRED_IN_MATCH", "", now)
