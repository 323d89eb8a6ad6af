"""Cycles from their events: what fills add up to, where a cycle may go, and what it earned (trading-rules 5.7, 6.4)."""

from msgspec.structs import replace

from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import (
    Dust,
    IllegalMove,
    cycle_pnl,
    dust_left,
    move,
)
from roottrading.messages.events import OrderChanged, OrderFilled, TradeCycleMoved
from roottrading.services.coordinator import abnormal
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.ledger import cash_change
from roottrading.services.coordinator.limits import after_close
from roottrading.services.coordinator.records import find
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.state import OpenCycle


class UnknownCycle(Exception):
    """A fill names a cycle that is not open here: the books would be wrong if it were passed over."""


def on_fill(draft: Draft, filled: OrderFilled, instrument: Instrument, settings: CoordinatorSettings) -> None:
    """Fold an execution into the cash and its cycle; the first one borrows the symbol's dust."""
    fill = filled.fill
    cycle = find(draft.state, fill.symbol, fill.cycle_id)
    if cycle is None:
        raise UnknownCycle(
            f"fill {fill.id} of {fill.symbol} ({fill.side} {fill.quantity} at {fill.price}) belongs to cycle "
            f"{fill.cycle_id}, which is not open: compare the trader's orders of this cycle with its trade_cycles row"
        )
    account = draft.state.account
    draft.put_account(replace(account, cash=account.cash + cash_change(fill, instrument)))
    first = fill.side == "BUY" and not cycle.bought
    before = cycle
    cycle = folded(cycle, fill, instrument, draft.take_dust(fill.symbol) if first else cycle.lent)
    draft.put_cycle(cycle)
    if fill.side == "BUY":
        abnormal.on_bought(draft, before, cycle, fill.filled_at, settings.abnormal)
    if cycle.status != "opening":
        draft.journal(cycle)
        if fill.side == "BUY":
            draft.watched.add(cycle.symbol)  # where trailing starts follows the average entry price


def folded(cycle: OpenCycle, fill: Fill, instrument: Instrument, lent: Dust) -> OpenCycle:
    """Return the cycle with one execution more in its sums, and what dust is lent to it."""
    base_fees, other_fees = cycle.base_fees, cycle.other_fees
    if fill.fee_asset == instrument.base_asset:
        base_fees += fill.fee
    else:
        other_fees += fill.fee_in_quote
    bought, paid, sold, received = cycle.bought, cycle.paid, cycle.sold, cycle.received
    reserved = cycle.reserved
    if fill.side == "BUY":
        bought += fill.quantity
        paid += fill.price * fill.quantity
        if reserved:
            reserved = (cycle.ordered - bought if cycle.ordered > bought else ZERO) * cycle.worst_price
    else:
        sold += fill.quantity
        received += fill.price * fill.quantity
    at = fill.filled_at
    return replace(
        cycle,
        bought=bought,
        paid=paid,
        sold=sold,
        received=received,
        reserved=reserved,
        base_fees=base_fees,
        other_fees=other_fees,
        fees=cycle.fees + fill.fee_in_quote,
        lent=lent,
        opened_at=cycle.opened_at or at,
        filled_at=at if at > cycle.filled_at else cycle.filled_at,
        updated_at=at if at > cycle.updated_at else cycle.updated_at,
    )


def on_order(draft: Draft, changed: OrderChanged) -> None:
    """Free what an ended entry reserved; a cycle that is still opening may send another entry order and keeps it."""
    order = changed.order
    cycle = find(draft.state, order.symbol, order.cycle_id)
    if cycle is None or not cycle.reserved:
        return
    ended = order.status in ENDED
    reserved = ZERO if ended and cycle.status != "opening" else cycle.reserved
    if ended != cycle.entry_ended or reserved != cycle.reserved:
        draft.put_cycle(replace(cycle, entry_ended=ended, reserved=reserved))


def on_moved(draft: Draft, moved: TradeCycleMoved, settings: CoordinatorSettings) -> None:
    """Follow the trader's word on where the cycle is; raises IllegalMove where the state machine has no arrow."""
    cycle = find(draft.state, moved.symbol, moved.cycle_id)
    if cycle is None or moved.status == cycle.status:
        return
    status = move(cycle.id, cycle.status, moved.status)
    if status == "closed" and not cycle.bought:
        raise IllegalMove(f"cycle {cycle.id} of {cycle.symbol} cannot be closed: it never bought anything")
    cycle = replace(
        cycle,
        status="manual" if cycle.status == "manual" else status,
        reserved=ZERO if cycle.entry_ended or status != "open" else cycle.reserved,
        reason=cycle.reason if status == "open" else moved.reason or cycle.reason,
        updated_at=moved.at if moved.at > cycle.updated_at else cycle.updated_at,
    )
    if status == "expired":
        expire(draft, cycle, moved.at)
    elif status == "closed":
        settle(draft, cycle, moved.at, settings)
    else:
        draft.put_cycle(cycle)
        draft.watched.add(cycle.symbol)
        draft.journal(cycle)


def expire(draft: Draft, cycle: OpenCycle, at: Time) -> None:
    """End a cycle whose entry never filled: its reservation is free, nothing else has happened (trading-rules 2.10)."""
    if cycle.bought:
        raise IllegalMove(f"cycle {cycle.id} of {cycle.symbol} cannot expire: it bought {cycle.bought}")
    draft.drop_cycle(cycle)
    draft.put_symbol(replace(draft.state.symbol(cycle.symbol), ended_at=at))
    draft.journal(cycle)
    draft.watched.add(cycle.symbol)


def settle(draft: Draft, cycle: OpenCycle, at: Time, settings: CoordinatorSettings) -> None:
    """End a cycle that sold what can be sold: its profit, the dust it leaves, what it means for the symbol.

    A cycle that a person took over ends as `manual` (trading-rules 7.3).
    """
    left = dust_left(cycle.paid, cycle.received_net, cycle.sold, cycle.lent)
    pnl = cycle_pnl(cycle.received, cycle.paid, cycle.other_fees, cycle.lent, left)
    draft.drop_cycle(cycle)
    draft.put_dust(cycle.symbol, left)
    symbol = draft.state.symbol(cycle.symbol)
    if cycle.status == "manual":
        draft.put_symbol(replace(symbol, ended_at=at, stops=0))
    else:
        # adopted coins have no verdict timeframe: their stop is no strategy's, so nothing has to cool down
        stopped = cycle.reason == "stop" and pnl < 0 and cycle.verdict_timeframe != ""
        draft.put_symbol(after_close(symbol, stopped, cycle.filled_at, at, cycle.verdict_timeframe, settings))
        abnormal.on_settled(draft, cycle, pnl, at, settings.abnormal)
    draft.journal(cycle, pnl)
    draft.watched.add(cycle.symbol)
