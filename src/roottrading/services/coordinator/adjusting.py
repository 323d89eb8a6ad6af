"""The bot's share of the account: capital added or removed, foreign coins adopted (trading-rules 7.1)."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from roottrading.domain.ids import cycle_id
from roottrading.domain.money import ONE, ZERO, floor_to, plain
from roottrading.domain.time import Time
from roottrading.messages.commands import AdoptTradeCycle
from roottrading.messages.events import CommandRefused
from roottrading.messages.service import AccountAdjusted
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.entering import Desk, instrument_of, plan_of
from roottrading.services.coordinator.records import find
from roottrading.services.coordinator.state import OpenCycle, PendingAdjustment

DEADLINE = "adjustment/"
ADOPTED = "adopted"


def on_adjusted(draft: Draft, desk: Desk, adjusted: AccountAdjusted, now: Time) -> None:
    """Take an adjustment once: capital at its time, coins at the first close of their symbol from then on."""
    account = draft.state.account
    if adjusted.number <= account.adjustment_number:
        return
    pending = PendingAdjustment(
        adjusted.number, adjusted.kind, adjusted.symbol, adjusted.amount, adjusted.price, adjusted.effective_at
    )
    if pending.kind == "adopt":
        instrument_of(desk, pending.symbol)
        if pending.price is None or pending.price <= 0 or pending.amount <= 0:
            raise ValueError(
                f"adjustment {pending.number} adopts {pending.amount} {pending.symbol} at {pending.price}: "
                "quantity and price must be above 0"
            )
    draft.put_account(replace(account, adjustment_number=adjusted.number))
    if pending.kind == "capital" and pending.effective_at <= now:
        _add_capital(draft, pending)
        return
    draft.put_adjustment(pending)
    if pending.effective_at > now:
        draft.deadlines.append((f"{DEADLINE}{pending.number}", pending.effective_at))


def on_due(draft: Draft, now: Time) -> None:
    """Take the capital whose time has come, in the order it was asked for."""
    for number in sorted(draft.state.adjustments):
        pending = draft.state.adjustments[number]
        if pending.kind == "capital" and pending.effective_at <= now:
            draft.drop_adjustment(pending)
            _add_capital(draft, pending)


def adopt_waiting(draft: Draft, desk: Desk, at: Time, closes: Mapping[str, Decimal]) -> None:
    """Begin the cycles of adopted coins whose symbol is free and has a close: one cycle per symbol, always."""
    for number in sorted(draft.state.adjustments):
        pending = draft.state.adjustments[number]
        ready = pending.effective_at <= at and pending.symbol not in draft.state.cycles and pending.symbol in closes
        if pending.kind == "adopt" and ready:
            draft.drop_adjustment(pending)
            _adopt(draft, desk, pending, at, closes[pending.symbol])


def on_adoption_refused(draft: Draft, refused: CommandRefused) -> None:
    """Undo an adoption that the trader could not take, and let it wait again; nothing was ordered for it."""
    cycle = find(draft.state, refused.symbol, refused.cycle_id)
    if cycle is None or not cycle.adoption or cycle.status != "opening":
        return
    draft.drop_cycle(cycle)
    draft.put_dust(cycle.symbol, cycle.lent)
    draft.put_adjustment(
        PendingAdjustment(cycle.adoption, "adopt", cycle.symbol, cycle.ordered, cycle.worst_price, cycle.at)
    )
    _put_in(draft, -cycle.paid, -cycle.ordered * cycle.highest_close)
    draft.watched.add(cycle.symbol)
    text = (
        f"adopting {plain(cycle.ordered)} {cycle.symbol} was refused ({refused.reason}): tried again at the next close"
    )
    draft.alert("warning", ADOPTED, text, refused.at, cycle.symbol)


def _add_capital(draft: Draft, pending: PendingAdjustment) -> None:
    draft.put_account(replace(draft.state.account, cash=draft.state.account.cash + pending.amount))
    _put_in(draft, pending.amount, pending.amount)


def _put_in(draft: Draft, capital: Decimal, worth: Decimal) -> None:
    """Move what gains and losses are measured against: what is put in is no profit."""
    account = draft.state.account
    draft.put_account(
        replace(
            account,
            capital=account.capital + capital,
            mark=None if account.mark is None else account.mark + worth,
            opening=account.opening if account.day is None else account.opening + worth,
        )
    )


def _adopt(draft: Draft, desk: Desk, pending: PendingAdjustment, at: Time, close: Decimal) -> None:
    symbol, quantity, price = pending.symbol, pending.amount, pending.price or ZERO
    stop = floor_to(close * (ONE - desk.settings.adopted_stop), instrument_of(desk, symbol).tick_size)
    cycle = cycle_id(desk.deployment, f"adopt/{pending.number}")
    plan = replace(plan_of(desk.deployment, cycle, stop, None, None), entry_id="")
    draft.command(symbol, AdoptTradeCycle(cycle, symbol, quantity, price, plan, at))
    _put_in(draft, quantity * price, quantity * close)
    adopted = OpenCycle(
        id=cycle,
        symbol=symbol,
        status="opening",
        at=at,
        entry_signal_id=0,
        strategy=ADOPTED,
        timeframe="",
        verdict_timeframe="",
        ordered=quantity,
        worst_price=price,
        reserved=ZERO,
        resting=False,
        atr=None,
        initial_stop=stop,
        stop_price=stop,
        target_price=None,
        highest_close=close,
        trail_high=close,
        held_target=False,
        updated_at=at,
        entry_ended=True,
        bought=quantity,
        paid=quantity * price,
        lent=draft.take_dust(symbol),
        opened_at=at,
        filled_at=at,
        adoption=pending.number,
    )
    draft.put_cycle(adopted)
    draft.journal(adopted)
    draft.watched.add(symbol)
    text = f"{plain(quantity)} {symbol} adopted at {plain(price)}, stop {plain(stop)}"
    draft.alert("info", ADOPTED, text, at, symbol)
