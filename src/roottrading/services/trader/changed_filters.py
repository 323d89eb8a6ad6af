"""Filters that changed while something is under way: what they refuse now keeps the stop it has (docs/adr/0012)."""

from decimal import Decimal
from typing import Final

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE, ceil_to, floor_to
from roottrading.messages.commands import OpenTradeCycle
from roottrading.messages.events import TOO_SMALL_TO_SELL, CommandRefused
from roottrading.services.trader.legs import stop_limit
from roottrading.services.trader.obeying import give_up_entry
from roottrading.services.trader.sizes import large_enough, protectable
from roottrading.services.trader.turn import Turn

FILTERS_CHANGED: Final = "filters_changed"


def fits(instrument: Instrument, command: OpenTradeCycle, taker_fee: Decimal) -> bool:
    """Say whether an entry was planned on the filters as they are now; they may have changed on its way."""
    plan = command.plan
    prices = (command.worst_price, plan.stop_price, plan.target_price, command.entry_limit)
    if any(price is not None and price % instrument.tick_size for price in prices):
        return False
    if command.quantity % instrument.step_size:
        return False
    return large_enough(instrument, command.quantity * (ONE - taker_fee), plan.stop_price)


def is_outgrown(turn: Turn) -> bool:
    """Say whether the filters refuse all that a cycle was to buy, so that what it bought is no remainder (2.6).

    When it began they did not; coins that were adopted nobody asked for.
    """
    execution = turn.execution
    if execution.sold or execution.adopted:
        return False
    planned = execution.planned * (ONE - turn.desk.fees.taker)
    return not large_enough(turn.instrument, planned, execution.stop_price)


def least_price(turn: Turn) -> Decimal:
    """Return the lowest price that the wanted stop names, by which its size is judged."""
    price = turn.execution.stop_price
    return stop_limit(turn, price) or price


def regrid(turn: Turn, least: Decimal) -> None:
    """Bring the wanted prices onto the tick, the stop not below `least`: what rests anew is never looser (1.9)."""
    execution, tick = turn.execution, turn.instrument.tick_size
    stop = floor_to(execution.stop_price, tick)
    if stop < least:
        stop = ceil_to(execution.stop_price, tick)
    if stop != execution.stop_price:
        execution.stop_price = stop
        turn.resurvey()
    target = execution.target_price
    if target is not None and target % tick:
        execution.target_price = ceil_to(target, tick)
        turn.changed = True


def refit(turn: Turn) -> None:
    """Go by new filters: an exit that waited is tried again, and what finer steps make whole is protected too.

    An entry that rests and might buy what could not be protected is given up.
    """
    execution, step = turn.execution, turn.instrument.step_size
    if is_outgrown(turn):
        give_up_entry(turn, FILTERS_CHANGED)
    if not execution.bought or execution.status == "manual":
        return
    if execution.exit_waits:
        execution.exit_waits = False
        turn.changed = True
    if floor_to(execution.net - execution.sold, step) > turn.survey.covered and execution.protected:
        execution.protected = Decimal(0)
        turn.changed = True
    if execution.small and _is_protectable(turn):
        execution.small = False
        turn.changed = True
    notice_size(turn)


def notice_size(turn: Turn) -> None:
    """Say once that the filters refuse a position's size: its stop can neither be moved nor put back."""
    execution = turn.execution
    if execution.small or execution.sold or _is_protectable(turn):
        return
    execution.small = True
    turn.changed = True
    turn.alert(
        "critical",
        "position_too_small",
        f"cycle {execution.cycle_id}: the filters take no stop for {execution.held} {turn.instrument.base_asset} any "
        f"more; {turn.survey.covered} are under one that rests, and it stays where it is",
    )


def wait_to_sell(turn: Turn) -> None:
    """Leave later: while the filters refuse the sale, a stop that rests is all the protection there is."""
    execution = turn.execution
    if execution.exit_waits:
        return
    execution.exit_waits = True
    turn.changed = True
    turn.alert(
        "critical",
        "exit_waits",
        f"cycle {execution.cycle_id} is to be left ({execution.exit_reason}), but the filters take no sale of "
        f"{execution.held} {turn.instrument.base_asset}: {turn.survey.covered} stay under a stop until they do",
    )
    turn.say(CommandRefused(execution.cycle_id, execution.symbol, "CloseTradeCycle", TOO_SMALL_TO_SELL, turn.now))


def _is_protectable(turn: Turn) -> bool:
    execution = turn.execution
    return protectable(turn.instrument, execution.net - execution.sold, least_price(turn))
