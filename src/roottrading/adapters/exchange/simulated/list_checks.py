"""What order lists must look like: their kinds, their legs, and how the legs' prices stand to each other."""

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
PAYING: Final = frozenset({"OPO", "OPOCO"})  # the working order pays for its legs


def check_list(book: Book, account: str, kind: ListKind, specs: tuple[OrderSpec, ...]) -> None:
    """Refuse a list that does not get through the door; an OPO's legs are sized, and checked again, later."""
    check_tradable(book)
    instrument = book.instrument
    _check_allowed(instrument, kind)
    if len(specs) != LEGS[kind]:
        raise Refused(BAD_VALUE, "Data sent for parameter 'orders' is not valid.")
    sized = True
    for spec in specs:
        if sized:
            check_form(instrument, spec)
            if spec.quantity is None:
                raise Refused(BAD_VALUE, "Market orders by quote quantity are not supported in order lists.")
            check_size(book, spec, spec.quantity)
        else:
            if spec.quantity is not None or spec.quote_quantity is not None:
                raise Refused(PENDING_NOT_REQUIRED, "Pending orders should not include the 'quantity' tag.")
            check_form(instrument, spec, sized=False)
        check_prices(book, spec)
        sized = kind not in PAYING
    if kind == "OCO":
        _check_pair(*specs)
    else:
        _check_roles(kind, specs)
    check_counts(book, account, specs)


def _check_allowed(instrument: Instrument, kind: ListKind) -> None:
    """Refuse a kind of list that the symbol has not."""
    if not instrument.oco_allowed and kind not in {"OTO", "OPO"}:
        raise Refused(INVALID, "OCO orders are not supported for this symbol.")
    if not instrument.oto_allowed and kind != "OCO":
        raise Refused(INVALID, "OTO orders are not supported for this symbol.")
    if not instrument.opo_allowed and kind in PAYING:
        raise Refused(INVALID, "OPO orders are not supported for this symbol.")


def _check_roles(kind: ListKind, specs: tuple[OrderSpec, ...]) -> None:
    """Refuse a working order and pending legs whose types or sides do not fit their roles."""
    working = specs[0]
    if working.type not in {"LIMIT", "LIMIT_MAKER"}:
        raise Refused(BAD_TYPE, "Invalid orderType.")
    if kind in PAYING:
        if working.side != "BUY":
            raise Refused(OPO_WORKING_BUY, "Working order in an OPO list must be a bid.")
        if specs[1].side != "SELL" or specs[-1].side != "SELL":
            raise Refused(OPO_PENDING_SELL, "Pending orders in an OPO list must be asks.")
    if len(specs) > 2:
        _check_pair(specs[1], specs[2])


def _check_pair(first: OrderSpec, second: OrderSpec) -> None:
    """Refuse an OCO that is not one stop and one target of one side and quantity, the target on its proper side."""
    stop, target = (first, second) if first.type in STOP_TYPES else (second, first)
    if stop.type not in STOP_TYPES or target.type not in TARGET_TYPES:
        raise Refused(OCO_TYPE, "Order type not supported in OCO.")
    if first.side != second.side or first.quantity != second.quantity:
        raise Refused(BAD_VALUE, "Data sent for parameter 'quantity' is not valid.")
    if stop.side == "SELL":
        if _level(stop) >= _level(target):
            raise Refused(SELL_OCO_LIMIT_ABOVE, "A limit order in a sell OCO must be above.")
    elif _level(stop) <= _level(target):
        raise Refused(BUY_OCO_LIMIT_BELOW, "A limit order in a buy OCO must be below.")


def check_pair_around(book: Book, first: Asked, second: Asked) -> None:
    """Refuse an OCO whose legs do not stand on both sides of the last price."""
    last = book.market.last
    if last is None:
        return
    one, other = _level(first), _level(second)
    if not (one < last < other or other < last < one):
        raise Refused(REJECTED, "The relationship of the prices for the orders is not correct.")


def _level(leg: Asked) -> Decimal:
    """Return the price at which a leg acts: its stop price, else its limit."""
    return leg.stop_price or leg.price or ZERO
