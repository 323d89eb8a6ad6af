"""Cancels, and cancelReplace: one order out, another in, as one request."""

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.orders import end
from roottrading.adapters.exchange.simulated.placing import check_order, place
from roottrading.adapters.exchange.simulated.refusals import (
    CANCEL_REJECTED,
    INVALID,
    REPLACE_FAILED,
    REPLACE_HALF,
    UNKNOWN_ORDER,
    Refused,
)
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.time import Time
from roottrading.messages.exchange import CancelOrder, CancelRefused, CancelReplace, OrderRefused


def cancel(venue: Venue, book: Book, account: str, target: str, now: Time) -> bool:
    """Cancel an order, and with a leg its whole list; say whether there was such an open order."""
    order = book.alive(account, target)
    if order is None:
        return False
    for leg in book.legs_of(order):
        leg.sibling = -1
        leg.pending = ()
        end(venue, book, leg, "CANCELED", "", now)
    return True


def cancel_order(venue: Venue, book: Book, account: str, request: CancelOrder, now: Time) -> None:
    """Carry out a cancel, or refuse it with -2011."""
    if not cancel(venue, book, account, request.target, now):
        _refuse_cancel(venue, account, request, now)


def cancel_replace(venue: Venue, book: Book, account: str, request: CancelReplace, now: Time) -> None:
    """Cancel `target`, then place `order` (trading-rules 1.8).

    The new order's form and filters are judged before anything is canceled. Then -2021: canceled and nothing placed;
    -2022: not canceled (with `only_new` also where the target was filled in part) and nothing placed. Where a cancel
    may fail and the new order stands, only the cancel is refused.
    """
    if not book.instrument.cancel_replace_allowed:
        raise Refused(INVALID, "Order cancel-replace is not supported for this symbol.")
    check_order(book, account, request.order)
    canceled = not _touched(book, account, request) and cancel(venue, book, account, request.target, now)
    if not canceled and request.stop_on_failure:
        _refuse_both(venue, account, request, now)
        return
    try:
        place(venue, book, account, request.order, now)
    except Refused as refused:
        if canceled:
            message = f"Order cancel-replace partially failed. {refused.message}"
            venue.mail[account].append(
                OrderRefused(request.symbol, request.client_order_id, now, REPLACE_HALF, message)
            )
        else:
            _refuse_both(venue, account, request, now)
        return
    if not canceled:
        _refuse_cancel(venue, account, request, now)


def _touched(book: Book, account: str, request: CancelReplace) -> bool:
    """Say whether a target that must be untouched (cancelRestrictions ONLY_NEW) was filled in part."""
    if not request.only_new:
        return False
    target = book.alive(account, request.target)
    return target is not None and target.executed > 0


def _refuse_cancel(venue: Venue, account: str, request: CancelOrder | CancelReplace, now: Time) -> None:
    venue.mail[account].append(CancelRefused(request.symbol, request.target, now, CANCEL_REJECTED, UNKNOWN_ORDER))


def _refuse_both(venue: Venue, account: str, request: CancelReplace, now: Time) -> None:
    message = f"Order cancel-replace failed. {UNKNOWN_ORDER}"
    venue.mail[account].append(
        OrderRefused(request.symbol, request.client_order_id, now, REPLACE_FAILED, message, CANCEL_REJECTED)
    )
