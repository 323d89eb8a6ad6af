"""Entries at InstantComplete(T): who may, in which order, how much; every other crossing is refused by name."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.ids import client_order_ids, cycle_id, verdict_id
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, plain
from roottrading.domain.time import Time, duration
from roottrading.messages.commands import OpenTradeCycle, ProtectionPlan
from roottrading.services.coordinator.abnormal import curbing
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.ledger import TRADING, Valuation, market_status, reserved, value
from roottrading.services.coordinator.ranking import rank
from roottrading.services.coordinator.records import State
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.sizing import Prices, Refused, Room, prices, size
from roottrading.services.coordinator.state import Account, Candidate, OpenCycle


class Desk(Struct, frozen=True):
    """What entries are decided with, beside the state; `instruments` change as the exchange says."""

    deployment: str
    instruments: dict[str, Instrument]
    fees: FeeSchedule
    settings: CoordinatorSettings


def on_candidates(draft: Draft, desk: Desk, at: Time, closes: Mapping[str, Decimal], worth: Valuation | None) -> None:
    """Decide the crossings of T in the order of their rank; an older one came too late to open (trading-rules 3.5)."""
    settings = desk.settings
    waiting = rank([candidate for candidate in draft.state.candidates.values() if candidate.at <= at])
    opened = 0
    for candidate in waiting:
        draft.drop_candidate(candidate)
        refused = may_not_enter(draft.state, desk, candidate, at)
        if refused is None and settings.max_entries_per_instant is not None:
            refused = _at_most("per_instant", opened, settings.max_entries_per_instant)
        if refused is None and settings.max_cycles is not None:
            refused = _at_most("max_cycles", len(draft.state.cycles), settings.max_cycles)
        if refused is None:
            if worth is None and needs_valuation(settings):
                worth = value(draft.state, desk.instruments, closes)
            refused = _open(draft, desk, candidate, worth)
        if refused is None:
            opened += 1
        else:
            refuse(draft, candidate, refused)


def refuse(draft: Draft, candidate: Candidate, refused: Refused) -> None:
    """Let the crossing pass: it is spent."""
    verdict = verdict_id(candidate.symbol, candidate.at)
    draft.refuse(candidate.symbol, verdict, refused.reason, refused.numbers, candidate.at)


def may_not_enter(  # the reasons in the order in which they are named
    state: State, desk: Desk, candidate: Candidate, at: Time
) -> Refused | None:
    """Return why the symbol or the account takes no entry at all, None if it does."""
    account, symbol = state.account, state.symbol(candidate.symbol)
    if candidate.at < at:
        return Refused("late", {"decided_at": str(at)})
    if candidate.first:
        return Refused("first_instant", {})
    if candidate.symbol in state.cycles:
        cycle = state.cycles[candidate.symbol]
        return Refused("already_open", {"cycle_id": cycle.id, "status": cycle.status})
    if at <= symbol.ended_at:
        return Refused("already_open", {"ended_at": str(symbol.ended_at)})
    if at <= symbol.cooldown_until:
        return Refused("cooldown", {"until": str(symbol.cooldown_until), "stops": str(symbol.stops)})
    if at < symbol.off_until:
        return Refused("symbol_off", {"until": str(symbol.off_until)})
    if account.paused or symbol.paused:
        return Refused("paused", {})
    status = market_status(state, instrument_of(desk, candidate.symbol))
    if status != TRADING:
        return Refused("market_closed", {"status": status})
    return _account_buys_not(account, at)


def _account_buys_not(account: Account, at: Time) -> Refused | None:
    if account.state != "trading":
        return Refused(account.state, {})
    if account.discrepancy:
        return Refused("discrepancy", {})
    if account.daily_breach:
        return Refused("daily_loss", {"opening": plain(account.opening)})
    if account.drawdown_breach:
        return Refused("drawdown", {"mark": plain(account.mark or ZERO)})
    curb = curbing(account, at) if account.curbs else None
    if curb is not None:
        return Refused(curb.reason, {"until": str(curb.until)} if curb.until else {})
    return None


def instrument_of(desk: Desk, symbol: str) -> Instrument:
    """Return the symbol's instrument; raises ValueError naming those there are."""
    try:
        return desk.instruments[symbol]
    except KeyError:
        known = ", ".join(sorted(desk.instruments))
        raise ValueError(f"no instrument for symbol {symbol!r}: the coordinator was given {known}") from None


def needs_valuation(settings: CoordinatorSettings) -> bool:
    """Say whether sizes depend on what the account is worth."""
    return (
        settings.risk_per_cycle is not None or settings.max_per_symbol is not None or settings.max_exposure is not None
    )


def _at_most(reason: str, have: int, limit: int) -> Refused | None:
    return Refused(reason, {"have": str(have), "limit": str(limit)}) if have >= limit else None


def _open(draft: Draft, desk: Desk, candidate: Candidate, worth: Valuation | None) -> Refused | None:
    instrument = instrument_of(desk, candidate.symbol)
    at = prices(candidate, instrument, desk.settings)
    if isinstance(at, Refused):
        return at
    room = room_for(draft.state, candidate.symbol, worth, desk.settings)
    quantity = size(candidate, at, instrument, desk.fees, desk.settings, room)
    if isinstance(quantity, Refused):
        return quantity
    command = command_of(desk, candidate, at, quantity)
    draft.command(candidate.symbol, command)
    cycle = begun(command, candidate)
    draft.put_cycle(cycle)
    draft.journal(cycle)
    draft.watched.add(candidate.symbol)
    return None


def room_for(state: State, symbol: str, worth: Valuation | None, settings: CoordinatorSettings) -> Room:
    """Return what equity, limits and reservations leave for the symbol (trading-rules 2.3, 3.6)."""
    set_aside = reserved(state)
    cash = state.account.cash - set_aside
    if worth is None:
        return Room(None, None, None, cash)
    room_in_symbol = total = None
    if settings.max_per_symbol is not None:
        room_in_symbol = worth.equity * settings.max_per_symbol - worth.by_symbol.get(symbol, ZERO)
    if settings.max_exposure is not None:
        total = worth.equity * settings.max_exposure - worth.exposure - set_aside
    return Room(worth.equity, room_in_symbol, total, cash)


def command_of(desk: Desk, candidate: Candidate, at: Prices, quantity: Decimal) -> OpenTradeCycle:
    """Return the entry command with its whole protection plan (trading-rules 1.1)."""
    verdict = verdict_id(candidate.symbol, candidate.at)
    cycle = cycle_id(desk.deployment, verdict)
    time_limit_at = timeout_at = None
    if candidate.time_limit is not None:
        time_limit_at = candidate.at + candidate.time_limit * duration(candidate.strategy_timeframe)
    if at.limit is not None:
        timeout_at = candidate.at + desk.settings.entry_timeout * duration(candidate.timeframe)
    return OpenTradeCycle(
        cycle,
        candidate.symbol,
        verdict,
        candidate.signal_id,
        candidate.strategy,
        candidate.tag,
        candidate.at,
        quantity,
        at.worst,
        plan_of(desk.deployment, cycle, at.stop, at.target, time_limit_at),
        candidate.valid_until,
        at.limit,
        timeout_at,
    )


def plan_of(
    deployment: str, cycle: str, stop: Decimal, target: Decimal | None, time_limit_at: Time | None
) -> ProtectionPlan:
    """Return the plan with the ids of every leg's first attempt."""
    entry, stop_leg, target_leg, order_list = client_order_ids(deployment, cycle, "estl", 1)
    return ProtectionPlan(stop, target, time_limit_at, entry, stop_leg, target_leg, order_list)


def begun(command: OpenTradeCycle, candidate: Candidate) -> OpenCycle:
    """Return the record of a cycle whose entry was just asked for."""
    return OpenCycle(
        command.cycle_id,
        command.symbol,
        "opening",
        command.at,
        command.entry_signal_id,
        command.strategy,
        candidate.strategy_timeframe,
        candidate.timeframe,
        command.quantity,
        command.worst_price,
        command.quantity * command.worst_price,
        command.entry_limit is not None,
        candidate.atr,
        command.plan.stop_price,
        command.plan.stop_price,
        command.plan.target_price,
        candidate.close,
        candidate.close,
        False,
        command.at,
    )
