"""The watchman: after every event, what is open is under resting stops, or is being sold (trading-rules 1.10).

`look_after` is the one place that decides what a cycle needs next. It compares what is with what is wanted, so it may
be called at any time, and as often as one likes: where nothing is missing it does nothing.
"""

from decimal import Decimal

from roottrading.messages.events import ProtectionRestored
from roottrading.services.trader.booking import close, expire
from roottrading.services.trader.changed_filters import is_outgrown, least_price, notice_size
from roottrading.services.trader.entry import cancel_resting, complete, is_entry_cancel
from roottrading.services.trader.exit import doubt_balance, leave
from roottrading.services.trader.protection import move_stops, protect
from roottrading.services.trader.sizes import large_enough, protectable
from roottrading.services.trader.state import CycleExecution, SpanKind
from roottrading.services.trader.turn import Turn
from roottrading.services.trader.unknown import watch_doubt


def look_after(turn: Turn) -> None:
    """Do what the cycle needs now: wait, enter on, protect, leave, end; then measure how long it was unprotected."""
    execution = turn.execution
    if (execution.exit_reason or execution.cancel_reason) and execution.entry_limit is not None:
        cancel_resting(turn)
    if not execution.bought:
        _look_after_entry(turn)
        return
    survey = turn.survey
    own = execution.net - execution.sold
    gap = own // turn.instrument.step_size * turn.instrument.step_size - survey.covered
    if execution.small and not survey.covered:
        gap = own  # not even a step of it is whole, and yet it should have a stop
    if survey.booked and not survey.doubtful and not (execution.unanswered and _is_asked(execution)):
        if execution.status == "manual":
            _end_if_flat(turn)
        elif execution.exit_reason:
            leave(turn)
            _end_if_flat(turn)
        else:
            _hold(turn, gap)
    if turn.ended:
        return
    if gap > 0 or execution.naked_since is not None:
        _measure(turn, gap)
    _watch_doubt(turn)


def _look_after_entry(turn: Turn) -> None:
    execution = turn.execution
    if execution.unanswered:
        if execution.doubt_since is None and not _is_unknown(execution):
            return  # its answer is on its way
    elif not turn.survey.entry_working and turn.survey.booked:
        expire(turn, execution.cancel_reason or execution.exit_reason or "not_filled")
        return
    _watch_doubt(turn)


def _is_asked(execution: CycleExecution) -> bool:
    """Say whether an answer is on its way without which nothing may be decided."""
    return not all(is_entry_cancel(execution, unanswered.request) for unanswered in execution.unanswered)


def _is_unknown(execution: CycleExecution) -> bool:
    """Say whether an answer is overdue."""
    return any(unanswered.unknown_since is not None for unanswered in execution.unanswered)


def _hold(turn: Turn, gap: Decimal) -> None:
    """Keep what is open under stops at the wanted price; `gap` is not under one."""
    execution = turn.execution
    if not turn.desk.tradable(execution.symbol):
        _wait_for_market(turn, gap)
        return
    if turn.survey.outdated and execution.held_back_until is None and move_stops(turn):
        return
    if gap <= 0:
        _end_if_flat(turn)
    elif execution.lost:
        _put_back(turn)
    elif turn.survey.entry_working:
        if execution.entry_limit is not None:
            protect(turn)  # what is too small yet waits for more
    elif execution.bought > execution.protected:
        _protect_purchase(turn)
    elif protectable(turn.instrument, gap, least_price(turn)):
        execution.lost = "by the exchange"
        _put_back(turn)
    elif not turn.survey.covered:
        _sell_small_rest(turn)


def _wait_for_market(turn: Turn, gap: Decimal) -> None:
    """Send nothing in a halt: a stop would be refused, and moving one would lose the old one; `gap` has none yet."""
    execution = turn.execution
    if gap > 0 and execution.naked_since is None and _is_naked(turn):
        turn.alert(
            "critical",
            "no_stop_in_halt",
            f"{gap} {turn.instrument.base_asset} of cycle {execution.cycle_id} have no stop, and the market takes no "
            f"orders: they get one at {execution.stop_price} when it opens",
        )
    _end_if_flat(turn)


def _protect_purchase(turn: Turn) -> None:
    """Protect what was bought; what is too small for that is completed, sold or left as dust (1.3, 1.7)."""
    execution, instrument = turn.execution, turn.instrument
    enough = large_enough(instrument, execution.held, execution.stop_price)
    if not enough and not turn.survey.covered and complete(turn):
        return
    if not protect(turn):
        if protectable(instrument, execution.held - turn.survey.covered, least_price(turn)):
            if execution.held_back_until is None:
                doubt_balance(turn)
            return  # there is enough, only the account does not say so yet
        if is_outgrown(turn):
            notice_size(turn)
            return  # neither a stop nor a sale is taken before the filters change again
        execution.protected = execution.bought
        if not turn.survey.covered:
            _sell_small_rest(turn)


def _sell_small_rest(turn: Turn) -> None:
    turn.execution.exit_reason = "too_small"
    turn.changed = True
    leave(turn)
    _end_if_flat(turn)


def _put_back(turn: Turn) -> None:
    """Protection was lost without our asking: put it back once; then hands off, or out (trading-rules 7.3, 1.10)."""
    execution = turn.execution
    if is_outgrown(turn):
        notice_size(turn)
        return
    who, execution.lost = execution.lost, ""
    turn.changed = True
    if execution.restored and who == "by hand":
        turn.alert(
            "critical",
            "cycle_manual",
            f"the stop of cycle {execution.cycle_id} was cancelled by hand again: the cycle is manual now, "
            f"{execution.held} {turn.instrument.base_asset} have no stop and no more orders are sent for them",
        )
        turn.move("manual", "stop_cancelled")
        execution.cancel_reason = "manual"
        cancel_resting(turn)
    elif not execution.restored and protect(turn):
        execution.restored += 1
        turn.alert(
            "critical",
            "stop_put_back",
            f"the stop of cycle {execution.cycle_id} was cancelled {who}: put back once at {execution.stop_price}",
        )
    else:
        execution.exit_reason = "protection_lost"
        turn.alert(
            "critical",
            "protection_lost",
            f"the stop of cycle {execution.cycle_id} was cancelled {who} and cannot stay: selling at market",
        )
        leave(turn)
        _end_if_flat(turn)


def _end_if_flat(turn: Turn) -> None:
    """End a cycle of which nothing is under way and nothing is left that the filters let us sell."""
    execution = turn.execution
    if execution.unanswered or turn.survey.working:
        return
    if turn.instrument.sellable(execution.held, execution.last_price) or is_outgrown(turn):
        return
    manual = execution.status == "manual"
    if manual and not execution.sold:
        return
    _span_ends(turn)
    close(turn, "manual" if manual else execution.exit_reason or "too_small")


def _measure(turn: Turn, gap: Decimal) -> None:
    """Note when an open quantity begins, and ceases, to be without a resting stop of its size."""
    execution = turn.execution
    if gap <= 0 or not _is_naked(turn):
        _span_ends(turn)
    elif execution.naked_since is None or execution.naked_since == turn.now:
        kind: SpanKind = "closing" if execution.exit_reason else "unprotected"
        if execution.naked_since is None or kind != execution.naked_kind:
            execution.naked_since = turn.now
            execution.naked_kind = kind
            turn.changed = True


def _is_naked(turn: Turn) -> bool:
    """Say whether what has no stop should have one."""
    execution = turn.execution
    own = execution.net - execution.sold
    if execution.status == "manual":
        return False
    return turn.instrument.sellable(own, execution.last_price) or is_outgrown(turn)


def _span_ends(turn: Turn) -> None:
    execution = turn.execution
    since = execution.naked_since
    if since is None:
        return
    if turn.now > since:
        turn.say(ProtectionRestored(execution.cycle_id, execution.symbol, since, turn.now, execution.naked_kind))
    execution.naked_since = None
    turn.changed = True


def _watch_doubt(turn: Turn) -> None:
    execution, survey = turn.execution, turn.survey
    asked = execution.unanswered
    in_doubt = bool(survey.doubtful or survey.overdue or not survey.booked or (asked and _is_unknown(execution)))
    if in_doubt or execution.doubt_since is not None:
        watch_doubt(turn, in_doubt)
