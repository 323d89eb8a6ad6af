"""Doubt: outcomes unknown and words not heard yet are asked for, never sent again (trading-rules 1.4)."""

from msgspec.structs import replace

from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED, LIVE, Order
from roottrading.messages.exchange import (
    EXIT,
    CancelOrder,
    CancelReplace,
    ExecutionsReported,
    ListFills,
    ListOpenOrders,
    OpenOrdersReported,
    OrderAbsent,
    OrderReported,
    QueryAccount,
    QueryOrder,
)
from roottrading.services.trader.asked import drop_answered, take_back
from roottrading.services.trader.folding import update
from roottrading.services.trader.leg_ids import leg_id
from roottrading.services.trader.legs import ids_asked_about
from roottrading.services.trader.state import Unanswered
from roottrading.services.trader.survey import is_working
from roottrading.services.trader.turn import Turn


def note_unknown(turn: Turn, client_order_id: str) -> None:
    """A request's outcome is unknown: ask what became of it now, and again until we know."""
    execution = turn.execution
    for unanswered in execution.unanswered:
        if unanswered.request.client_order_id == client_order_id and unanswered.unknown_since is None:
            _mark(turn, unanswered, replace(unanswered, unknown_since=turn.now))
            if not isinstance(unanswered.request, QueryOrder | ListFills | ListOpenOrders):
                inquire(turn)


def all_unknown(turn: Turn, issued_before: int) -> None:
    """Take every answer to requests issued before as lost: after a load, or when reconciling."""
    for unanswered in turn.execution.unanswered:
        if unanswered.unknown_since is None and unanswered.request.issued_at < issued_before:
            _mark(turn, unanswered, replace(unanswered, unknown_since=turn.now))


def inquire(turn: Turn) -> None:
    """Ask for everything that we are in doubt about; late enough, also for what makes an absence final."""
    execution, now = turn.execution, turn.now
    unknown = [unanswered for unanswered in execution.unanswered if unanswered.unknown_since is not None]
    ids: list[str] = []
    late = False
    for unanswered in unknown:
        ids.extend(ids_asked_about(unanswered.request))
        late |= now >= unanswered.request.issued_at + turn.desk.settings.final_after
    ids.extend(turn.survey.doubtful)
    ids.extend(turn.survey.overdue)
    for client_order_id in dict.fromkeys(ids):
        order = execution.orders.get(client_order_id)
        if order is None or order.status not in ENDED:
            turn.look(QueryOrder(execution.symbol, client_order_id, EXIT, now))
    if late or any(isinstance(unanswered.request, ListOpenOrders) for unanswered in unknown):
        turn.look(ListOpenOrders(execution.symbol, leg_id(execution, "q", 1), EXIT, now))
    if late or not turn.survey.booked or any(isinstance(unanswered.request, ListFills) for unanswered in unknown):
        ask_for_fills(turn)


def ask_for_fills(turn: Turn) -> None:
    """Ask for all executions since the symbol's last cycle; those booked already are dropped by their trade id."""
    turn.look(fills_request(turn))


def fills_request(turn: Turn) -> ListFills:
    """Return the question for all executions since the symbol's last cycle."""
    execution = turn.execution
    first = turn.desk.ledger(execution.symbol).last_trade_id + 1
    return ListFills(execution.symbol, leg_id(execution, "q", 2), EXIT, turn.now, first)


def ask_for_balances(turn: Turn) -> None:
    """Ask for the account: what we found by asking, nobody told us the new balances of."""
    execution = turn.execution
    turn.look(QueryAccount(execution.symbol, leg_id(execution, "q", 3), EXIT, turn.now))


def watch_doubt(turn: Turn, in_doubt: bool) -> None:
    """Keep the deadline at which we ask again exactly while there is something to ask for."""
    execution = turn.execution
    if in_doubt:
        if execution.doubt_since is None:
            execution.doubt_since = turn.now
            execution.doubt_alerted = False
            turn.wake("doubt", turn.now + turn.desk.settings.ask_every)
    elif execution.doubt_since is not None:
        execution.doubt_since = None
        turn.sleep("doubt")


def ask_again(turn: Turn) -> None:
    """The deadline of doubt has come: alert where it has lasted, ask, and come again."""
    execution, settings = turn.execution, turn.desk.settings
    if execution.doubt_since is None:
        return
    if not execution.doubt_alerted and turn.now - execution.doubt_since >= settings.alert_after:
        execution.doubt_alerted = True
        asked = ", ".join(type(unanswered.request).__name__ for unanswered in execution.unanswered) or "its legs"
        turn.alert(
            "critical",
            "outcome_unknown",
            f"cycle {execution.cycle_id}: the exchange has not said what became of {asked}; asking on",
        )
    inquire(turn)
    turn.wake("doubt", turn.now + settings.ask_every)


def note_absent(turn: Turn, event: OrderAbsent) -> Order | None:
    """The exchange knows no such order: final only when asked late enough (consistency-rules 4.2).

    Returns an order that we took for working and that is gone.
    """
    execution = turn.execution
    gone = None
    final_after = turn.desk.settings.final_after
    known = execution.orders.get(event.client_order_id)
    if known is not None:
        if is_working(known) and event.at >= known.updated_at + final_after:
            gone = update(turn, known, "CANCELED", ZERO, event.at, known.binance_order_id, None)
            drop_answered(turn, event.client_order_id)
            turn.alert("critical", "order_vanished", f"the exchange does not know {event.client_order_id} any more")
    else:
        _drop_questions(turn, event.client_order_id)
    for unanswered in execution.unanswered:
        request = unanswered.request
        if ids_asked_about(request)[:1] == (event.client_order_id,) and event.at >= request.issued_at + final_after:
            _mark(turn, unanswered, replace(unanswered, absent=True))
    _settle_absences(turn)
    return gone


def note_still_open(turn: Turn, event: OrderReported) -> None:
    """A target that is still there, late enough, tells that the cancel never arrived.

    So does a leg that is there although we hold its cancel for done.
    """
    execution = turn.execution
    final_after = turn.desk.settings.final_after
    if (
        event.status in LIVE
        and event.at > execution.touched_at
        and event.client_order_id in execution.given_up
        and event.client_order_id in turn.survey.overdue
    ):
        take_back(turn, event.client_order_id)
    for unanswered in execution.unanswered:
        request = unanswered.request
        if (
            isinstance(request, CancelOrder)
            and request.target == event.client_order_id
            and event.at >= request.issued_at + final_after
        ):
            _remove(turn, unanswered)
            take_back(turn, request.target)


def note_open_orders(turn: Turn, event: OpenOrdersReported) -> None:
    """Evidence of absence: none of the request's orders is open."""
    for unanswered in turn.execution.unanswered:
        request = unanswered.request
        if isinstance(request, ListOpenOrders):
            _remove(turn, unanswered)
        elif event.at >= request.issued_at + turn.desk.settings.final_after:
            ids = ids_asked_about(request)
            if not any(order.client_order_id in ids[:1] for order in event.orders):
                _mark(turn, unanswered, replace(unanswered, not_open=True))
    _settle_absences(turn)


def note_executions(turn: Turn, event: ExecutionsReported) -> None:
    """Evidence of absence: none of the request's orders has an execution."""
    for unanswered in turn.execution.unanswered:
        request = unanswered.request
        if isinstance(request, ListFills):
            _remove(turn, unanswered)
        elif event.at >= request.issued_at + turn.desk.settings.final_after:
            ids = ids_asked_about(request)
            if not any(execution.client_order_id in ids[:1] for execution in event.executions):
                _mark(turn, unanswered, replace(unanswered, not_executed=True))
    _settle_absences(turn)


def _settle_absences(turn: Turn) -> None:
    """Drop what was never placed: what must be done is then done under a new id, an entry never (4.2)."""
    for unanswered in turn.execution.unanswered:
        if unanswered.absent and unanswered.not_open and unanswered.not_executed:
            _remove(turn, unanswered)
            if isinstance(unanswered.request, CancelReplace):
                take_back(turn, unanswered.request.target)


def _drop_questions(turn: Turn, client_order_id: str) -> None:
    for unanswered in turn.execution.unanswered:
        request = unanswered.request
        if isinstance(request, QueryOrder) and request.client_order_id == client_order_id:
            _remove(turn, unanswered)


def _mark(turn: Turn, before: Unanswered, after: Unanswered) -> None:
    execution = turn.execution
    execution.unanswered = tuple(after if entry is before else entry for entry in execution.unanswered)
    turn.resurvey()


def _remove(turn: Turn, unanswered: Unanswered) -> None:
    execution = turn.execution
    execution.unanswered = tuple(entry for entry in execution.unanswered if entry is not unanswered)
    turn.resurvey()
