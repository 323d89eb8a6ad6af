"""A request carried out: by its kind, and within its window of time."""

from typing import Final

from roottrading.adapters.exchange.simulated.amending import amend_order
from roottrading.adapters.exchange.simulated.cancels import cancel_order, cancel_replace
from roottrading.adapters.exchange.simulated.lists import place_list, place_pending
from roottrading.adapters.exchange.simulated.placing import check_order, place
from roottrading.adapters.exchange.simulated.queries import answer
from roottrading.adapters.exchange.simulated.refusals import BAD_SYMBOL, CLOCK, OUTSIDE_WINDOW, Refused
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import (
    AccountChanged,
    AmendOrder,
    CancelOrder,
    CancelRefused,
    CancelReplace,
    ListFills,
    ListOpenOrders,
    OrderRefused,
    PlaceOrder,
    PlaceOrderList,
    QueryAccount,
    QueryOrder,
    Request,
)

AHEAD: Final = SECOND  # how far a request's clock may run before the exchange's


def carry_out(venue: Venue, request: Request, now: Time, account: str) -> None:
    """Carry out one request of an account; what came of it, a refusal too, is in the mail."""
    try:
        _carry_out(venue, request, now, account)
    except Refused as refused:
        code, message = refused.code, refused.message
        if isinstance(request, CancelOrder):
            venue.mail[account].append(CancelRefused(request.symbol, request.target, now, code, message))
        else:
            venue.mail[account].append(OrderRefused(request.symbol, request.client_order_id, now, code, message))


def _carry_out(venue: Venue, request: Request, now: Time, account: str) -> None:
    book = venue.books.get(request.symbol)
    if book is None:
        raise Refused(BAD_SYMBOL, "Invalid symbol.")
    in_time = now - venue.model.receive_window <= request.issued_at <= now + AHEAD
    if in_time and isinstance(request, PlaceOrderList):  # the two that trade most come first
        place_list(venue, book, account, request, now)
    elif in_time and isinstance(request, CancelReplace):
        cancel_replace(venue, book, account, request, now)
    elif isinstance(request, QueryAccount):
        held = tuple(venue.balances(account).values())
        venue.mail[account].append(AccountChanged(request.symbol, request.client_order_id, now, held))
    elif isinstance(request, (QueryOrder, ListOpenOrders, ListFills)):
        venue.mail[account].append(answer(book, account, request, now))
    elif not in_time:
        raise Refused(CLOCK, OUTSIDE_WINDOW)
    elif isinstance(request, PlaceOrder):
        check_order(book, account, request.order)
        place(venue, book, account, request.order, now)
    elif isinstance(request, CancelOrder):
        cancel_order(venue, book, account, request, now)
    elif isinstance(request, AmendOrder):
        amend_order(venue, book, account, request, now)
    else:
        raise TypeError(f"the exchange does not know the request {type(request).__name__}")
    if venue.placements:
        place_pending(venue, now)
