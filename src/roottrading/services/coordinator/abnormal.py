"""Abnormal trading: what happens too often, or too far from the plan, is an alert and curbs entries (trading-rules 8).

Everything is judged at the event that tells of it. What spans symbols - a minute's orders, an hour's refusals, losses
in a row - is counted so that the order in which one instant's events arrive does not matter (consistency-rules 1.7).
"""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from roottrading.domain.money import ONE, ZERO, plain
from roottrading.domain.order import ENDED
from roottrading.domain.time import DAY, HOUR, MILLISECOND, MINUTE, Time, iso, start_of_day
from roottrading.messages.events import (
    FillUnmatched,
    OrderChanged,
    OrderRejected,
    PrefixShared,
    ProtectionRestored,
)
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.leaving import cancel_resting
from roottrading.services.coordinator.settings import AbnormalSettings
from roottrading.services.coordinator.state import Account, Conduct, Curb, OpenCycle

ORDERS: Final = "orders_per_minute"
REJECTED: Final = "rejected_orders"
SLIPPAGE: Final = "slippage"
LOSSES: Final = "losses_in_a_row"
UNMATCHED: Final = "unmatched_fill"
UNPROTECTED: Final = "unprotected"
SHARED: Final = "prefix_shared"

RESUMED: Final[Time] = 0  # until a person resumes


def counts_orders(settings: AbnormalSettings) -> bool:
    """Say whether every order's end is looked at; with both bounds off none is."""
    return settings.orders_per_minute is not None or settings.reject_share is not None


def is_counted(changed: OrderChanged) -> bool:
    """Say whether an order's change is its end, which is what a minute's orders are counted by: each has just one."""
    return changed.order.status in ENDED


def on_ended(draft: Draft, changed: OrderChanged, settings: AbnormalSettings) -> None:
    """Count an order that ended; too many in a minute are a loop that nobody meant."""
    at = changed.order.updated_at
    conduct = _in_hour(draft.state.conduct, at)
    minute = at - at % MINUTE
    if minute > conduct.minute:
        conduct = replace(conduct, minute=minute, ended=0)
    conduct = replace(conduct, ended=conduct.ended + 1, hour_ended=conduct.hour_ended + 1)
    draft.put_conduct(conduct)
    bound = settings.orders_per_minute
    if bound is not None and conduct.ended == bound + 1:
        text = f"more than {bound} orders ended in the minute of {iso(conduct.minute)}"
        _curb(draft, Curb(ORDERS), text, at)
    if conduct.rejected:
        _judge_rejected(draft, conduct, at, settings)


def on_rejected(draft: Draft, rejected: OrderRejected, settings: AbnormalSettings) -> None:
    """Count a request that the exchange refused, against all of its hour."""
    if settings.reject_share is None:
        return
    conduct = _in_hour(draft.state.conduct, rejected.at)
    conduct = replace(conduct, rejected=conduct.rejected + 1)
    draft.put_conduct(conduct)
    _judge_rejected(draft, conduct, rejected.at, settings)


def on_bought(draft: Draft, before: OpenCycle, cycle: OpenCycle, at: Time, settings: AbnormalSettings) -> None:
    """Hold what an entry has paid so far against the plan's worst price; said at the fill that goes beyond."""
    if settings.slippage is None:
        return
    most = cycle.worst_price * (ONE + settings.slippage)
    if cycle.paid > most * cycle.bought and before.paid <= most * before.bought:
        text = f"cycle {cycle.id} paid {plain(cycle.paid)} for {plain(cycle.bought)}: above {plain(most)}"
        _slipped(draft, cycle, text, at, settings.slippage)


def on_settled(draft: Draft, cycle: OpenCycle, pnl: Decimal, at: Time, settings: AbnormalSettings) -> None:
    """Judge a cycle that closed by our own orders: how far below its stop it was sold, and whether it lost again."""
    if settings.slippage is not None:
        least = cycle.stop_price * (ONE - settings.slippage)
        if cycle.received < least * cycle.sold:
            text = f"cycle {cycle.id} got {plain(cycle.received)} for {plain(cycle.sold)}: below {plain(least)}"
            _slipped(draft, cycle, text, at, settings.slippage)
    if settings.losses_in_a_row is not None and cycle.verdict_timeframe:
        _count_loss(draft, pnl < ZERO, cycle.filled_at, settings.losses_in_a_row)


def on_span(draft: Draft, span: ProtectionRestored, settings: AbnormalSettings) -> None:
    """Judge how long an open quantity was without a resting stop; one being sold is no such span (1.5)."""
    bound = settings.unprotected_ms
    if bound is None or span.kind != "unprotected" or span.until - span.since <= bound * MILLISECOND:
        return
    lasted = (span.until - span.since) // MILLISECOND
    text = f"cycle {span.cycle_id} was without a resting stop for {lasted} ms, more than {bound}"
    _curb(draft, Curb(UNPROTECTED), text, span.until, span.symbol)


def on_unmatched(draft: Draft, fill: FillUnmatched, settings: AbnormalSettings) -> None:
    """Say that the account traded under our prefix without the books: a person must look, whatever the bound."""
    text = (
        f"order {fill.client_order_id} was filled ({fill.side} {plain(fill.quantity)} at {plain(fill.price)}), but no "
        "cycle knows it: the books lack this trade; compare the account with the portfolio"
    )
    bound = settings.unmatched_fills
    conduct = draft.state.conduct
    if bound is not None:
        conduct = replace(conduct, unmatched_fills=conduct.unmatched_fills + 1)
        draft.put_conduct(conduct)
        if conduct.unmatched_fills >= bound:
            _curb(draft, Curb(UNMATCHED), text, fill.at, fill.symbol)
            return
    draft.alert("critical", UNMATCHED, text, fill.at, fill.symbol)


def on_shared(draft: Draft, shared: PrefixShared) -> None:
    """Buy nothing while another deployment of our name trades on the account: whose is whose nobody could tell."""
    text = (
        f"order {shared.client_order_id} of {shared.symbol} (number {shared.binance_order_id}) has our prefix and is "
        "not ours: a second deployment of this name trades on the account; stop one of the two, then `control resume`"
    )
    _curb(draft, Curb(SHARED), text, shared.at)


def curbing(account: Account, at: Time) -> Curb | None:
    """Return what keeps the account from buying at T, None where nothing does."""
    for curb in account.curbs:
        if curb.until == RESUMED or at < curb.until:
            return curb
    return None


def resumed(draft: Draft) -> None:
    """Lift all of it, and begin to count afresh."""
    if draft.state.account.curbs:
        draft.put_account(replace(draft.state.account, curbs=()))
    if draft.state.kept_conduct:
        draft.put_conduct(Conduct())


def _in_hour(conduct: Conduct, at: Time) -> Conduct:
    hour = at - at % HOUR
    return conduct if hour <= conduct.hour else replace(conduct, hour=hour, hour_ended=0, rejected=0)


def _judge_rejected(draft: Draft, conduct: Conduct, at: Time, settings: AbnormalSettings) -> None:
    """Curb the hour while the share is reached; orders of the same instant may bring it down again."""
    share = settings.reject_share
    if share is None:
        return
    asked = conduct.hour_ended + conduct.rejected
    if conduct.rejected >= settings.reject_least and conduct.rejected >= share * asked:
        text = f"the exchange refused {conduct.rejected} of {asked} requests since {iso(conduct.hour)}"
        _curb(draft, Curb(REJECTED, conduct.hour + HOUR), text, at)
    else:
        _uncurb(draft, REJECTED)


def _count_loss(draft: Draft, lost: bool, at: Time, bound: int) -> None:
    """Count losses in a row over all symbols; at one instant the wins come first, in whatever order they arrive."""
    conduct = draft.state.conduct
    if lost:
        conduct = replace(conduct, losses=conduct.losses + 1)
        if at > conduct.last_loss_at:
            conduct = replace(conduct, last_loss_at=at, losses_at_once=1)
        elif at == conduct.last_loss_at:
            conduct = replace(conduct, losses_at_once=conduct.losses_at_once + 1)
    else:
        left = conduct.losses_at_once if at <= conduct.last_loss_at else 0
        if left == conduct.losses:
            return
        conduct = replace(conduct, losses=left)
    draft.put_conduct(conduct)
    if conduct.losses < bound:
        _uncurb(draft, LOSSES)
    elif lost:
        _curb(draft, Curb(LOSSES, start_of_day(at) + DAY), f"{conduct.losses} cycles in a row lost money", at)


def _slipped(draft: Draft, cycle: OpenCycle, text: str, at: Time, slippage: Decimal) -> None:
    _curb(draft, Curb(SLIPPAGE), f"{text} each, {plain(slippage)} off the plan's price", at, cycle.symbol)


def _curb(draft: Draft, curb: Curb, text: str, at: Time, symbol: str = "") -> None:
    """Buy nothing from now on, and cancel what rests to buy; said once while it stands, but for what has a symbol."""
    account = draft.state.account
    known = [other for other in account.curbs if other.reason == curb.reason]
    if known != [curb]:
        others = [other for other in account.curbs if other.reason != curb.reason]
        curbs = tuple(sorted((*others, curb), key=lambda other: other.reason))
        draft.put_account(replace(account, curbs=curbs))
        cancel_resting(draft, curb.reason)
    elif not symbol:
        return
    until = "until a person resumes" if curb.until == RESUMED else f"until {iso(curb.until)}"
    draft.alert("critical", curb.reason, f"{text}: nothing is bought {until}", at, symbol)


def _uncurb(draft: Draft, reason: str) -> None:
    account = draft.state.account
    if any(curb.reason == reason for curb in account.curbs):
        draft.put_account(replace(account, curbs=tuple(curb for curb in account.curbs if curb.reason != reason)))
