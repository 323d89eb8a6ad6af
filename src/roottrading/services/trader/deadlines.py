"""Deadlines that came: patience that ended, for an answer, a stop, a rest, an entry or a position."""

from roottrading.services.trader.obeying import give_up_entry
from roottrading.services.trader.survey import is_working
from roottrading.services.trader.turn import Turn
from roottrading.services.trader.unknown import ask_again
from roottrading.services.trader.watchman import look_after


def on_deadline(turn: Turn, kind: str) -> None:
    """Do what the deadline was set for. One that was set anew meanwhile comes again."""
    execution = turn.execution
    execution.deadlines = tuple(set_kind for set_kind in execution.deadlines if set_kind != kind)
    turn.changed = True
    if kind == "doubt":
        ask_again(turn)
    elif kind == "repeat":
        execution.held_back_until = None
    elif kind == "stop":
        if any(is_working(execution.orders[stop]) for stop in execution.triggered if stop in execution.orders):
            _leave(turn, "stop")
    elif kind == "time_limit":
        _leave(turn, "time_limit")
    elif kind == "entry_timeout":
        give_up_entry(turn, "entry_timeout")
    look_after(turn)


def _leave(turn: Turn, reason: str) -> None:
    if not turn.execution.exit_reason:
        turn.execution.exit_reason = reason
