"""Commission: what the exchange keeps of an execution, and in which asset (trading-rules 5.6).

A fee in BNB is reckoned at the price of BNB known before the instant: what symbols do in the same instant has no order
that a price could hang on. Who buys or sells BNB itself pays the normal fee out of what he receives: the books could
not tell the BNB that pays from the BNB that is traded, and a cycle that sells all it has could not pay.
"""

from decimal import Decimal
from typing import Final

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.state import BookOrder, Wallet
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.money import ONE, ZERO
from roottrading.domain.time import Time

BNB: Final = "BNB"
BNB_DIGITS: Final = 8
Commission = tuple[Decimal, str, Decimal]  # the amount, its asset, and the rate by which it was reckoned


def commission(
    venue: Venue, book: Book, order: BookOrder, price: Decimal, quantity: Decimal, is_maker: bool, now: Time
) -> Commission:
    """Return the commission on an execution: in BNB where that is on and affordable, else in the asset received."""
    fees = venue.fees
    rate = fees.maker if is_maker else fees.taker
    if fees.in_bnb and book.instrument.base_asset != BNB:
        discounted = rate * fees.bnb_factor
        amount = _in_bnb(venue, book, order, price, quantity, discounted, now)
        if amount is not None:
            return amount, BNB, discounted
    if order.side == "BUY":
        step = book.base_fee_step
        return quantity * rate // step * step, book.instrument.base_asset, rate
    step = book.quote_fee_step
    return price * quantity * rate // step * step, book.instrument.quote_asset, rate


def _in_bnb(
    venue: Venue, book: Book, order: BookOrder, price: Decimal, quantity: Decimal, rate: Decimal, now: Time
) -> Decimal | None:
    """Return the commission in BNB, rounded down; None where no price is known or the account has too little free."""
    instrument = book.instrument
    worth = price * quantity * rate
    if instrument.quote_asset == BNB:
        bnb_price = ONE
    else:
        pair = venue.books.get(BNB + instrument.quote_asset)
        known = None if pair is None else pair.price_before(now)
        if known is None:
            return None
        bnb_price = known
    # in whole units of 1e-8: the quotient itself would have to be rounded
    amount = (worth.scaleb(BNB_DIGITS) // bnb_price).scaleb(-BNB_DIGITS)
    wallet = venue.wallet(order.account, BNB)
    return amount if wallet.free - _owed(venue, book, order, wallet, price, quantity) >= amount else None


def _owed(venue: Venue, book: Book, order: BookOrder, wallet: Wallet, price: Decimal, quantity: Decimal) -> Decimal:
    """Return what the order itself still has to pay out of this wallet's free amount, this execution included."""
    if order.locked or wallet is not venue.pair(book, order.account)[order.side == "BUY"]:
        return ZERO
    rest = order.quantity - order.executed
    dearest = order.price or book.taker_price(True, book.market.last or price)
    return price * quantity + dearest * (rest - quantity)
