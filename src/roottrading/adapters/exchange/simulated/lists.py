"""Order lists: OCO, OTO, OTOCO, OPO and OPOCO; how their legs are checked, come in and are sized."""

from collections.abc import Sequence
from decimal import Decimal

from roottrading.adapters.exchange.simulated.arrivals import arrive
from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.filters import check_size
from roottrading.adapters.exchange.simulated.list_checks import PAYING, check_list, check_pair_around
from roottrading.adapters.exchange.simulated.orders import (
    accept,
    cost,
    end,
    lock,
    needs,
    payer,
    rest,
    tell_opened,
    unlock,
)
from roottrading.adapters.exchange.simulated.placing import check_funds, check_market
from roottrading.adapters.exchange.simulated.refusals import REJECTED, Refused, duplicate, insufficient_balance
from roottrading.adapters.exchange.simulated.state import TRIGGERED_TYPES, BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderSpec, PlaceOrderList


def place_list(venue: Venue, book: Book, account: str, request: PlaceOrderList, now: Time) -> None:
    """Place a list: an OCO's two legs at once, of the others the working order and its pending legs after it."""
    check_list(book, account, request.kind, request.orders)
    _check_ids(book, account, request)
    if request.kind == "OCO":
        _place_pair(venue, book, account, request, now)
    else:
        _place_working(venue, book, account, request, now)


def _check_ids(book: Book, account: str, request: PlaceOrderList) -> None:
    """Refuse client order ids that open orders, the list's other legs or open lists have."""
    ids = {spec.client_order_id for spec in request.orders}
    if len(ids) < len(request.orders):
        raise duplicate()
    for order in book.orders.values():
        if order.account == account and (
            order.client_order_id in ids or order.list_client_id == request.client_order_id
        ):
            raise duplicate()


def _place_pair(venue: Venue, book: Book, account: str, request: PlaceOrderList, now: Time) -> None:
    """Place an OCO: both legs rest, and lock once."""
    first_spec, second_spec = request.orders
    check_pair_around(book, first_spec, second_spec)
    for spec in request.orders:
        check_market(book, spec)
        check_funds(venue, book, account, spec, now)
    number = _next_list(book)
    first = accept(venue, book, account, first_spec, now, number, request.client_order_id)
    second = accept(venue, book, account, second_spec, now, number, request.client_order_id)
    tell_opened(venue, first, now)
    tell_opened(venue, second, now)
    _rest_pair(venue, book, first, second, now)


def _next_list(book: Book) -> int:
    """Return the symbol's next list id."""
    market = book.market
    market.lists += 1
    return market.lists


def _rest_pair(venue: Venue, book: Book, first: BookOrder, second: BookOrder, now: Time) -> None:
    """Rest the two legs of an OCO; the one that can be filled in parts holds what both of them lock."""
    holder = second if first.type in TRIGGERED_TYPES else first
    needed = first.quantity if first.side == "SELL" else max(needs(book, first), needs(book, second))
    lock(venue, payer(venue, book, holder), holder, needed)
    first.sibling = second.id
    second.sibling = first.id
    rest(venue, book, first, now)
    rest(venue, book, second, now)


def _place_working(venue: Venue, book: Book, account: str, request: PlaceOrderList, now: Time) -> None:
    """Place the working order of a list; its pending legs are known, and funded unless it pays them itself (OPO)."""
    working_spec, *pending_specs = request.orders
    pays = request.kind in PAYING
    check_market(book, working_spec)
    check_funds(venue, book, account, working_spec, now)
    if not pays:
        _check_both_funded(venue, book, account, working_spec, pending_specs)
    number, name = _next_list(book), request.client_order_id
    working = accept(venue, book, account, working_spec, now, number, name)
    tell_opened(venue, working, now)
    legs: list[BookOrder] = []
    for spec in pending_specs:
        leg = accept(venue, book, account, spec, now, number, name)
        leg.status = "PENDING_NEW"
        leg.waits = "working"
        legs.append(leg)
        tell_opened(venue, leg, now)
    working.pending = tuple([leg.id for leg in legs])
    working.pays = pays
    if not pays:
        lock(venue, payer(venue, book, legs[0]), legs[0], max(needs(book, leg) for leg in legs))
    arrive(venue, book, working, now)


def _check_both_funded(
    venue: Venue, book: Book, account: str, working: OrderSpec, pending: Sequence[OrderSpec]
) -> None:
    """Refuse an OTO whose legs the account can not fund beside the working order."""
    needed = max(cost(book, spec, spec.quantity or ZERO, None) for spec in pending)
    if pending[0].side == working.side:
        needed += cost(book, working, working.quantity or ZERO, None)
    if needed > venue.pair(book, account)[pending[0].side == "BUY"].free:
        raise insufficient_balance()


def place_pending(venue: Venue, now: Time) -> None:
    """Bring in the pending legs of working orders that were filled; legs that are refused end EXPIRED, REJECTED."""
    while venue.placements:
        working = venue.placements.pop(0)
        book = venue.books[working.symbol]
        legs = [book.orders[number] for number in working.pending]
        working.pending = ()
        first = legs[0]
        wallet = payer(venue, book, first)
        if working.pays:
            quantity = _sized(book, first, first.locked)
            for leg in legs:
                leg.quantity = quantity
        unlock(venue, wallet, first)
        try:
            _check_placeable(book, legs, wallet.free)
        except Refused:
            for leg in legs:
                end(venue, book, leg, "EXPIRED", "REJECTED", now)
            continue
        for leg in legs:
            leg.status = "NEW"
            leg.waits = ""
            tell_opened(venue, leg, now)
        if len(legs) > 1:
            _rest_pair(venue, book, first, legs[1], now)
        else:
            arrive(venue, book, first, now)


def _sized(book: Book, leg: BookOrder, funds: Decimal) -> Decimal:
    """Return the quantity of an OPO's legs: what was received, brought down to the lot filters."""
    instrument = book.instrument
    step, most = book.step, instrument.max_quantity
    quantity = funds // step * step
    if most and quantity > most:
        quantity = most // step * step
    if leg.type == "MARKET":
        step, most = instrument.market_step_size, instrument.market_max_quantity
        if most and quantity > most:
            quantity = most
        if step:
            quantity = quantity // step * step
    return quantity


def _check_placeable(book: Book, legs: Sequence[BookOrder], free: Decimal) -> None:
    """Refuse pending legs that the market, a filter or the balance does not take now."""
    if book.refused_lists:
        book.refused_lists -= 1
        raise Refused(REJECTED, "Order rejected.")
    if len(legs) > 1:
        check_pair_around(book, legs[0], legs[1])
    for leg in legs:
        check_size(book, leg, leg.quantity)
        check_market(book, leg)
        if leg.side == "BUY" and needs(book, leg) > free:  # sells were paid for when the list came, or by its working
            raise insufficient_balance()
