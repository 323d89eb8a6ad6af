"""Order lists: OCO, OTO, OTOCO, OPO and OPOCO; how their legs are checked, come in and are sized."""

from collections.abc import Sequence
from decimal import Decimal

from roottrading.adapters.exchange.simulated.arrivals import arrive
from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.filters import check_size
from roottrading.adapters.exchange.simulated.list_checks import check_list, check_pair_around
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
from roottrading.adapters.exchange.simulated.refusals import Refused, duplicate, insufficient_balance
from roottrading.adapters.exchange.simulated.state import TRIGGERED_TYPES, BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderSpec, PlaceOrderList


def place_list(venue: Venue, book: Book, account: str, request: PlaceOrderList, now: Time) -> None:
    """Place a list: an OCO's two legs at once, of the others the working order and its pending legs after it."""
    kind, specs = request.kind, request.orders
    check_list(book, account, kind, specs)
    _check_ids(book, account, request)
    if kind == "OCO":
        _place_pair(venue, book, account, request, now)
    else:
        _place_working(venue, book, account, request, now)


def _check_ids(book: Book, account: str, request: PlaceOrderList) -> None:
    """Refuse client order ids that open orders, the list's other legs or open lists have."""
    ids = {spec.client_order_id for spec in request.orders}
    if len(ids) < len(request.orders) or any(book.alive(account, number) is not None for number in ids):
        raise duplicate()
    for order in book.of_account(account):
        if order.list_client_id == request.client_order_id:
            raise duplicate()


def _accept_leg(
    venue: Venue, book: Book, account: str, request: PlaceOrderList, spec: OrderSpec, list_id: int, now: Time
) -> BookOrder:
    return accept(venue, book, account, spec, now, list_id, request.client_order_id)


def _next_list(book: Book) -> int:
    market = book.market
    market.lists += 1
    return market.lists


def _place_pair(venue: Venue, book: Book, account: str, request: PlaceOrderList, now: Time) -> None:
    """Place an OCO: both legs rest, and lock once."""
    specs = request.orders
    check_pair_around(book, specs)
    for spec in specs:
        check_market(book, spec)
        check_funds(venue, book, account, spec, now)
    list_id = _next_list(book)
    legs = [_accept_leg(venue, book, account, request, spec, list_id, now) for spec in specs]
    for leg in legs:
        tell_opened(venue, leg, now)
    _rest_pair(venue, book, legs, now)


def _rest_pair(venue: Venue, book: Book, legs: Sequence[BookOrder], now: Time) -> None:
    """Rest the two legs of an OCO; the one that can be filled in parts holds what both of them lock."""
    first, second = legs
    holder = first if first.type not in TRIGGERED_TYPES else second
    lock(venue, payer(venue, book, holder), holder, max(needs(book, first), needs(book, second)))
    for leg, other in ((first, second), (second, first)):
        leg.sibling = other.id
        rest(venue, book, leg, now)


def _place_working(venue: Venue, book: Book, account: str, request: PlaceOrderList, now: Time) -> None:
    """Place the working order of a list; its pending legs are known, and funded unless it pays them itself (OPO)."""
    kind, (working_spec, *pending_specs) = request.kind, request.orders
    pays = kind in {"OPO", "OPOCO"}
    check_market(book, working_spec)
    check_funds(venue, book, account, working_spec, now)
    if not pays:
        _check_both_funded(venue, book, account, working_spec, pending_specs)
    list_id = _next_list(book)
    working = _accept_leg(venue, book, account, request, working_spec, list_id, now)
    tell_opened(venue, working, now)
    numbers: list[int] = []
    for spec in pending_specs:
        leg = _accept_leg(venue, book, account, request, spec, list_id, now)
        leg.status = "PENDING_NEW"
        leg.waits = "working"
        numbers.append(leg.id)
        tell_opened(venue, leg, now)
    working.pending = tuple(numbers)
    working.pays = pays
    if not pays:
        first = book.orders[numbers[0]]
        lock(venue, payer(venue, book, first), first, max(needs(book, book.orders[number]) for number in numbers))
    arrive(venue, book, working, now)
    place_pending(venue, now)


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
        legs = [book.orders[number] for number in working.pending if number in book.orders]
        working.pending = ()
        if not legs:
            continue
        funds = legs[0].locked
        unlock(venue, payer(venue, book, legs[0]), legs[0])
        if working.pays:
            quantity = _sized(book, legs, funds)
            for leg in legs:
                leg.quantity = quantity
        try:
            _check_placeable(venue, book, legs)
        except Refused:
            for leg in legs:
                end(venue, book, leg, "EXPIRED", "REJECTED", now)
            continue
        for leg in legs:
            leg.status = "NEW"
            leg.waits = ""
            tell_opened(venue, leg, now)
        if len(legs) > 1:
            _rest_pair(venue, book, legs, now)
        else:
            arrive(venue, book, legs[0], now)


def _sized(book: Book, legs: Sequence[BookOrder], funds: Decimal) -> Decimal:
    """Return the quantity of an OPO's legs: what was received, brought down to the lot filters."""
    instrument = book.instrument
    quantity = funds // book.step * book.step
    most, step = instrument.max_quantity, ZERO
    if legs[0].type == "MARKET":
        step = instrument.market_step_size
        most = min((bound for bound in (most, instrument.market_max_quantity) if bound), default=ZERO)
    if most and quantity > most:
        quantity = most // book.step * book.step
    return quantity // step * step if step else quantity


def _check_placeable(venue: Venue, book: Book, legs: Sequence[BookOrder]) -> None:
    """Refuse pending legs that the market or a filter does not take now."""
    if len(legs) > 1:
        check_pair_around(book, legs)
    free = payer(venue, book, legs[0]).free
    for leg in legs:
        check_size(book, leg, leg.quantity)
        check_market(book, leg)
        if needs(book, leg) > free:
            raise insufficient_balance()
