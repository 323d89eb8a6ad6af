"""What a refusal means: by what was asked, and by the exchange's code (trading-rules 1.4, 1.8, 1.9)."""

from typing import Final

from roottrading.domain.money import ZERO
from roottrading.messages.events import OrderRejected
from roottrading.messages.exchange import (
    CancelOrder,
    CancelRefused,
    CancelReplace,
    ListFills,
    ListOpenOrders,
    OrderRefused,
    QueryOrder,
)
from roottrading.services.trader.asked import ask_about, drop_answered, take_back
from roottrading.services.trader.booking import close, expire
from roottrading.services.trader.changed_filters import is_outgrown, wait_to_sell
from roottrading.services.trader.entry import reprice
from roottrading.services.trader.exit import hold_back, hold_back_after_refusal
from roottrading.services.trader.folding import update
from roottrading.services.trader.leg_ids import ENTRY_LEG, EXIT_LEG, leg_of, sibling_of
from roottrading.services.trader.legs import specs_of
from roottrading.services.trader.protection import refused
from roottrading.services.trader.state import Unanswered
from roottrading.services.trader.survey import is_working
from roottrading.services.trader.turn import Turn

CANCELLED_NOT_REPLACED: Final = -2021
NOT_CANCELLED: Final = -2022
LEG_GONE: Final = -2011
RATE_LIMITED: Final = frozenset({-1003, -1008, -1015})
TOO_LATE: Final = -1021  # an entry that came too late is expired, never signed again (consistency-rules 4.1)
NOT_TRIED_AGAIN: Final = RATE_LIMITED | {TOO_LATE}
UNSELLABLE: Final = ("NOTIONAL", "LOT_SIZE")  # filters that a remainder can be too small for
TOO_SMALL: Final = ("NOTIONAL",)
CHANGING: Final = (*UNSELLABLE, "PRICE_FILTER")  # filters that may have changed without our having heard it


def on_refused(turn: Turn, event: OrderRefused) -> None:
    """Fold a refused request; one that we do not wait for any more was refused twice, or is known better."""
    execution = turn.execution
    found = [entry for entry in execution.unanswered if entry.request.client_order_id == event.client_order_id]
    for unanswered in found:
        request = unanswered.request
        if isinstance(request, QueryOrder | ListFills | ListOpenOrders):
            continue  # a question refused is asked again while there is doubt
        execution.unanswered = tuple(entry for entry in execution.unanswered if entry is not unanswered)
        turn.resurvey()
        if _is_duplicate(event):
            for spec in specs_of(request):
                ask_about(turn, spec.client_order_id)  # it is there: somebody sent it before us
            continue
        if not _is_overtaken(event):
            turn.say(OrderRejected(execution.cycle_id, execution.symbol, event.code, event.message, turn.now))
        if isinstance(request, CancelReplace):
            _replace_refused(turn, unanswered, event)
        elif isinstance(request, CancelOrder):
            hold_back_after_refusal(turn)
            take_back(turn, request.target)
        elif leg_of(execution, specs_of(request)[0].client_order_id) == ENTRY_LEG:
            _entry_refused(turn, event)
        elif leg_of(execution, specs_of(request)[0].client_order_id) == EXIT_LEG:
            _exit_refused(turn, event)
        else:
            _note_short(turn, event)
            refused(turn, _words(event))


def on_cancel_refused(turn: Turn, event: CancelRefused) -> None:
    """The order to be cancelled is filled or gone: find out which, and decide nothing until then."""
    execution = turn.execution
    for unanswered in execution.unanswered:
        request = unanswered.request
        if isinstance(request, CancelOrder) and request.target == event.client_order_id:
            execution.unanswered = tuple(entry for entry in execution.unanswered if entry is not unanswered)
            turn.resurvey()
            take_back(turn, request.target)
            _reconcile(turn, request.target)


def _replace_refused(turn: Turn, unanswered: Unanswered, event: OrderRefused) -> None:
    request = unanswered.request
    assert isinstance(request, CancelReplace)
    leaving = leg_of(turn.execution, request.order.client_order_id) == EXIT_LEG
    if event.code == CANCELLED_NOT_REPLACED:
        _note_cancelled(turn, request.target, event)
        _note_short(turn, event)
        if not leaving:
            _leave_at_once(turn, event)
        return
    take_back(turn, request.target)
    if event.code == NOT_CANCELLED:
        _reconcile(turn, request.target)
        if event.cancel_code != LEG_GONE:
            hold_back_after_refusal(turn)
    elif event.code in RATE_LIMITED:
        hold_back(turn, turn.desk.settings.repeat_after)  # nothing happened, the stop still rests
    elif leaving and _is_filtered(event, TOO_SMALL):
        wait_to_sell(turn)  # by a price that we do not know: the stop still rests
    elif leaving:
        _alert_refused(turn, event)
        hold_back_after_refusal(turn)
    elif _is_filtered(event, CHANGING):
        _keep_stop(turn, event)
    else:
        _leave_at_once(turn, event)


def _keep_stop(turn: Turn, event: OrderRefused) -> None:
    """A filter that we do not know yet refused the new stop: the old one still rests, and is moved when we do."""
    execution = turn.execution
    if not execution.refusals:
        turn.alert("warning", "stop_not_moved", f"cycle {execution.cycle_id}: {_words(event)}; the old stop rests on")
    hold_back_after_refusal(turn)


def _leave_at_once(turn: Turn, event: OrderRefused) -> None:
    """A stop that would trigger immediately, or that the exchange refuses: out at market now (1.9)."""
    execution = turn.execution
    if not execution.exit_reason:
        execution.exit_reason = "stop_refused"
        turn.alert("warning", "stop_refused", f"cycle {execution.cycle_id}: {_words(event)}; selling at market instead")


def _note_cancelled(turn: Turn, target: str, event: OrderRefused) -> None:
    """Half done: the reply says that target and list are cancelled, whenever their own events come."""
    execution = turn.execution
    for client_order_id in (target, sibling_of(execution, target)):
        order = execution.orders.get(client_order_id)
        if order is not None and is_working(order):
            update(turn, order, "CANCELED", ZERO, event.at, order.binance_order_id, None)
            drop_answered(turn, client_order_id)


def _entry_refused(turn: Turn, event: OrderRefused) -> None:
    execution = turn.execution
    if execution.bought:
        return  # a completion or a later try: what is there is looked after
    if event.code not in NOT_TRIED_AGAIN and reprice(turn):
        return
    reason = f"exchange {event.code}: {event.message}"
    turn.refuse("OpenTradeCycle", reason)
    turn.alert("warning", "entry_refused", f"cycle {execution.cycle_id}: {reason}")
    if not execution.orders:
        expire(turn, "refused")


def _exit_refused(turn: Turn, event: OrderRefused) -> None:
    """What must be sold was refused: dust where it is too small for the filters, else again after a while."""
    execution, instrument = turn.execution, turn.instrument
    _note_short(turn, event)
    filtered = _is_filtered(event, UNSELLABLE)
    small = (
        execution.held < 2 * max(instrument.min_quantity, instrument.market_min_quantity, instrument.step_size)
        or execution.held * execution.last_price < 2 * instrument.min_notional
    )
    if filtered and is_outgrown(turn):
        wait_to_sell(turn)
        return
    if filtered and small and not turn.survey.working:
        turn.alert(
            "warning",
            "rest_refused",
            f"cycle {execution.cycle_id}: {_words(event)}; {execution.held} {instrument.base_asset} become dust",
        )
        close(turn, execution.exit_reason)
        return
    if event.code not in RATE_LIMITED:
        _alert_refused(turn, event)
    hold_back_after_refusal(turn)


def _alert_refused(turn: Turn, event: OrderRefused) -> None:
    execution = turn.execution
    if not execution.refusals:
        turn.alert("critical", "exit_refused", f"cycle {execution.cycle_id} cannot sell: {_words(event)}; trying again")


def _reconcile(turn: Turn, client_order_id: str) -> None:
    """The leg is filling or gone: hear which before anything else is sold (trading-rules 1.8)."""
    order = turn.execution.orders.get(client_order_id)
    if order is None or is_working(order):
        ask_about(turn, client_order_id)


def _note_short(turn: Turn, event: OrderRefused) -> None:
    if "insufficient balance" in event.message.lower() and not turn.execution.short_of_base:
        turn.execution.short_of_base = True
        turn.changed = True


def _is_filtered(event: OrderRefused, filters: tuple[str, ...]) -> bool:
    return event.message.startswith("Filter failure") and any(name in event.message for name in filters)


def _is_duplicate(event: OrderRefused) -> bool:
    return "duplicate" in event.message.lower()


def _is_overtaken(event: OrderRefused) -> bool:
    """Say whether the market was faster - a leg that filled, a price that is there already - nobody's fault."""
    return event.cancel_code == LEG_GONE or "immediately" in event.message.lower()


def _words(event: OrderRefused) -> str:
    return f"the exchange refused ({event.code}: {event.message})"
