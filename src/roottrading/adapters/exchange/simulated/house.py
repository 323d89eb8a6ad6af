"""What the house does to a symbol or an account: trading stops, filters change, amounts come and go."""

from decimal import Decimal
from typing import Final

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, plain
from roottrading.domain.time import Time
from roottrading.messages.exchange import InstrumentChanged

STATUSES: Final = ("TRADING", "HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY")


def set_status(venue: Venue, book: Book, status: str, now: Time, house: str) -> None:
    """Set a symbol's trading status, and tell every account. Raises ValueError for a status that Binance has not."""
    symbol = book.instrument.symbol
    if status not in STATUSES:
        raise ValueError(f"status {status!r} of {symbol}: use one of {', '.join(STATUSES)}")
    book.market.status = status
    _announce(venue, InstrumentChanged(symbol, "", now, status), house)


def change_filters(venue: Venue, book: Book, instrument: Instrument, now: Time, house: str) -> None:
    """Judge a symbol's orders by these filters from now on, and tell every account; those in the book stay."""
    book.adopt(instrument)
    _announce(venue, InstrumentChanged(instrument.symbol, "", now, book.market.status, instrument), house)


def deposit(venue: Venue, account: str, asset: str, amount: Decimal) -> None:
    """Bring an amount into an account's free balance; a negative one takes it out. ValueError where less is free."""
    wallet = venue.wallet(account, asset)
    if wallet.free + amount < ZERO:
        held = f"account {account!r} has {plain(wallet.free)} {asset} free"
        raise ValueError(f"{held}: {plain(-amount)} can not be taken out")
    venue.touched.append(wallet)
    wallet.free += amount


def _announce(venue: Venue, changed: InstrumentChanged, house: str) -> None:
    for account in sorted({house, *(account for account, _ in venue.wallets)}):
        venue.mail[account].append(changed)
