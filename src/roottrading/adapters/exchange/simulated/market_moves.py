"""What the market does to a book, the accounts' orders with it: opens, closed candles, points, a ladder's changes.

Each says whether orders were met, so that there may be something to tell.
"""

from decimal import Decimal
from typing import Final

from roottrading.adapters.exchange.simulated.arrivals import meet_open
from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.candle_path import walk
from roottrading.adapters.exchange.simulated.ladder import Ladder
from roottrading.adapters.exchange.simulated.ladder_matching import meet_levels, meet_print
from roottrading.adapters.exchange.simulated.lists import place_pending
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.candle import Candle
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time

TRADING: Final = "TRADING"


def stand_on_open(venue: Venue, book: Book, candle: Candle, now: Time) -> bool:
    """Stand on a candle's open; what waited for it meets it (trading-rules 5.1)."""
    market = book.market
    book.begin_candle(candle.open_time, candle.volume)
    book.tell(now)
    market.standing = True
    market.last = candle.open
    if market.status != TRADING or not book.waiting:
        return False
    _meet_waiting(venue, book, candle.open, now)
    return True


def close_candle(venue: Venue, book: Book, candle: Candle, now: Time) -> bool:
    """Match what rested along the candle's path (trading-rules 5.2 to 5.5); the tape stands on no open then."""
    market = book.market
    book.begin_candle(candle.open_time, candle.volume)
    book.tell(now)
    market.standing = False
    if not book.orders or market.status != TRADING or not market.traded:
        market.last = candle.close
        return False
    walk(venue, book, candle, now)
    market.last = candle.close
    return True


def go_to(venue: Venue, book: Book, price: Decimal, volume: Decimal | None, now: Time) -> bool:
    """Go straight from the last price to another one, meeting what rests on the way, and stay there."""
    market = book.market
    book.tell(now)
    book.lasting = market.standing = True
    market.open_time = now
    market.bought = ()
    if volume is not None:
        market.traded = volume > ZERO
        market.allowance = volume * book.volume_share
    begin = price if market.last is None else market.last
    market.last = price
    if market.status != TRADING or not book.orders:
        return False
    _meet_waiting(venue, book, price, now)
    if market.traded:
        low, high = min(begin, price), max(begin, price)
        walk(venue, book, Candle(book.instrument.symbol, "1m", now, begin, high, low, price, ZERO), now)
        market.last = price
    return True


def follow(book: Book, ladder: Ladder, last: Decimal | None) -> None:
    """Match against a ladder from now on; `last` is the last price known."""
    book.ladder = ladder
    book.lasting = book.market.standing = book.market.traded = True
    book.market.last = last


def meet_ladder(venue: Venue, book: Book, now: Time) -> bool:
    """Let resting orders meet the ladder, which has changed."""
    if book.ladder is None or not book.limits or book.market.status != TRADING:
        return False
    meet_levels(venue, book, book.ladder, now)
    return True


def pass_print(venue: Venue, book: Book, price: Decimal, quantity: Decimal, now: Time) -> bool:
    """Let a print of others go by in a book with a ladder: it is the last price, and stops go by it."""
    if book.market.status != TRADING or not book.orders:
        book.tell(now)
        book.market.last = price
        return False
    meet_print(venue, book, price, quantity, now)
    return True


def _meet_waiting(venue: Venue, book: Book, price: Decimal, now: Time) -> None:
    for order in list(book.waiting.values()):
        meet_open(venue, book, order, price, now)
        place_pending(venue, now)
