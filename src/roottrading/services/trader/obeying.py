"""What the coordinator commands about a cycle that is under way."""

from roottrading.messages.commands import CancelEntry, CloseTradeCycle, MoveStop
from roottrading.services.trader.turn import Turn


def close_cycle(turn: Turn, command: CloseTradeCycle) -> None:
    """Leave at market (trading-rules 1.8); with a price: now that what had to wait is possible."""
    execution = turn.execution
    if command.price is not None:
        execution.last_price = command.price
        turn.changed = True
    if execution.exit_waits:
        execution.exit_waits = False
        turn.changed = True
        return
    if execution.exit_reason:
        turn.refuse("CloseTradeCycle", f"leaving already: {execution.exit_reason}")
        return
    execution.exit_reason = command.reason
    turn.changed = True


def move_stop(turn: Turn, command: MoveStop) -> None:
    """Give the list up for one stop, never a looser one (trading-rules 1.9)."""
    execution = turn.execution
    if execution.exit_reason:
        turn.refuse("MoveStop", f"leaving already: {execution.exit_reason}")
        return
    if command.stop_price < execution.stop_price:
        turn.refuse("MoveStop", f"looser than the stop at {execution.stop_price}")
        return
    execution.stop_price = command.stop_price
    execution.target_price = None
    turn.resurvey()


def cancel_entry(turn: Turn, command: CancelEntry) -> None:
    """Cancel a resting entry (trading-rules 7.4)."""
    give_up_entry(turn, command.reason, "CancelEntry")


def give_up_entry(turn: Turn, reason: str, command: str = "") -> None:
    """Have what rests to be bought cancelled, now or as soon as the exchange has it; refuse where nothing rests."""
    execution = turn.execution
    under_way = not execution.bought and bool(execution.unanswered)
    if execution.entry_limit is None or not (under_way or turn.survey.entry_working):
        if command:
            turn.refuse(command, "no resting entry")
        return
    if command or not execution.cancel_reason:  # both hear of a halt: the coordinator's word names it, whoever is first
        execution.cancel_reason = reason
        turn.changed = True
