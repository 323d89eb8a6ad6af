"""What order lists must look like: their kinds, their legs, and how the legs' prices stand to each other."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.filters import (
    check_counts,
    check_form,
    check_prices,
    check_size,
    check_tradable,
)
from roottrading.adapters.exchange.simulated.refusals import (
    BAD_TYPE,
    BAD_VALUE,
    BUY_OCO_LIMIT_BELOW,
    INVALID,
    OCO_TYPE,
    OPO_PENDING_SELL,
    OPO_WORKING_BUY,
    PENDING_NOT_REQUIRED,
    REJECTED,
    SELL_OCO_LIMIT_ABOVE,
    Refused,
)
from roottrading.adapters.exchange.simulated.state import STOP_TYPES, TARGET_TYPES, Asked
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.order import ListKind
from roottrading.messages.exchange import OrderSpec

LEGS: Final[dict[ListKind, int]] = {"OCO": 2, "OTO": 2, "OTOCO": 3, "OPO": 2, "OPOCO": 3}


def check_list(book: Book, account: str, kind: ListKind, specs: tuple[OrderSpec, ...]) -> None:
    """Refuse a list that does not get through the door; an OPO's legs are sized, and checked again, later."""
    check_tradable(book)
    _check_allowed(book.instrument, kind)
    if len(specs) != LEGS[kind]:
        raise Refused(BAD_VALUE, "Data sent for parameter 'orders' is not valid.")
    sized = kind not in {"OPO", "OPOCO"}
    for spec in specs if sized else specs[:1]:
        check_form(book.instrument, spec)
        if spec.quantity is None:
            raise Refused(BAD_VALUE, "Market orders by quote quantity are not supported in order lists.")
        check_size(book, spec, spec.quantity)
    if not sized:
        for spec in specs[1:]:
            if spec.quantity is not None or spec.quote_quantity is not None:
                raise Refused(PENDING_NOT_REQUIRED, "Pending orders should not include the 'quantity' tag.")
            check_form(book.instrument, spec, sized=False)
    for spec in specs:
        check_prices(book, spec)
    _check_roles(kind, specs)
    check_counts(book, account, specs)


def _check_allowed(instrument: Instrument, kind: ListKind) -> None:
    """Refuse a kind of list that the symbol has not."""
    if kind in {"OCO", "OTOCO", "OPOCO"} and not instrument.oco_allowed:
        raise Refused(INVALID, "OCO orders are not supported for this symbol.")
    if kind != "OCO" and not instrument.oto_allowed:
        raise Refused(INVALID, "OTO orders are not supported for this symbol.")
    if kind in {"OPO", "OPOCO"} and not instrument.opo_allowed:
        raise Refused(INVALID, "OPO orders are not supported for this symbol.")


def _check_roles(kind: ListKind, specs: tuple[OrderSpec, ...]) -> None:
    """Refuse legs whose types, sides or quantities do not fit their roles."""
    pair = specs
    if kind != "OCO":
        working, pair = specs[0], specs[1:]
        if working.type not in {"LIMIT", "LIMIT_MAKER"}:
            raise Refused(BAD_TYPE, "Invalid orderType.")
        if kind in {"OPO", "OPOCO"}:
            if working.side != "BUY":
                raise Refused(OPO_WORKING_BUY, "Working order in an OPO list must be a bid.")
            if any(spec.side != "SELL" for spec in pair):
                raise Refused(OPO_PENDING_SELL, "Pending orders in an OPO list must be asks.")
    if len(pair) == 2:
        _check_pair(pair)


def _check_pair(pair: Sequence[OrderSpec]) -> None:
    """Refuse an OCO that is not one stop and one target of one side and quantity, the target on its proper side."""
    stops = [leg for leg in pair if leg.type in STOP_TYPES]
    targets = [leg for leg in pair if leg.type in TARGET_TYPES]
    if len(stops) != 1 or len(targets) != 1:
        raise Refused(OCO_TYPE, "Order type not supported in OCO.")
    if pair[0].side != pair[1].side or pair[0].quantity != pair[1].quantity:
        raise Refused(BAD_VALUE, "Data sent for parameter 'quantity' is not valid.")
    stop, target = _level(stops[0]), _level(targets[0])
    if pair[0].side == "SELL" and stop >= target:
        raise Refused(SELL_OCO_LIMIT_ABOVE, "A limit order in a sell OCO must be above.")
    if pair[0].side == "BUY" and stop <= target:
        raise Refused(BUY_OCO_LIMIT_BELOW, "A limit order in a buy OCO must be below.")


def check_pair_around(book: Book, legs: Sequence[Asked]) -> None:
    """Refuse an OCO whose legs do not stand on both sides of the last price."""
    last = book.market.last
    if last is None:
        return
    low, high = sorted(_level(leg) for leg in legs)
    if not low < last < high:
        raise Refused(REJECTED, "The relationship of the prices for the orders is not correct.")


def _level(leg: Asked) -> Decimal:
    """Return the price at which a leg acts: its stop price, else its limit."""
    return leg.stop_price or leg.price or ZERO
