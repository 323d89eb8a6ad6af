"""Orders under our prefix that are not ours: another deployment of our name trades on the account (trading-rules 7.2).

Two of one name and the same settings give their orders the very same ids; the exchange's numbers tell them apart. The
runtime must give a trader the events of its own symbols only: another trader's orders are under our prefix as well.
"""

from typing import Final

from roottrading.domain.ids import client_order_id
from roottrading.domain.time import SECOND, Time
from roottrading.messages.channels import TRADE_EVENTS
from roottrading.messages.events import PrefixShared
from roottrading.messages.exchange import (
    ExchangeEvent,
    OpenOrdersReported,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderReported,
    OrderTriggered,
)
from roottrading.messages.service import NOTHING, Decision, Outgoing
from roottrading.services.trader.desk import Desk
from roottrading.services.trader.state import CycleExecution

# How old word of an unknown order may be: what is older may be of a cycle that we have forgotten.
FRESH: Final = 30 * SECOND
_NUMBERED: Final = (OrderOpened, OrderExecuted, OrderTriggered, OrderEnded, OrderReported)


def is_twin(execution: CycleExecution, event: ExchangeEvent) -> bool:
    """Say whether an event names an order of the cycle, but is of another with the same id."""
    known = execution.orders.get(event.client_order_id)
    if known is None or known.binance_order_id < 0 or not isinstance(event, _NUMBERED):
        return False
    return event.order_id >= 0 and event.order_id != known.binance_order_id


def is_namesake(desk: Desk, event: OrderOpened | OrderReported, now: Time) -> bool:
    """Say whether an order without a cycle under way is under our prefix, new, and of no cycle of ours."""
    name = event.client_order_id
    if not name.startswith(desk.prefix) or now - event.at > FRESH:
        return False
    last = desk.ledger(event.symbol).last_cycle_id
    return not last or not name.startswith(client_order_id(desk.deployment, last, "q", 1)[:-2])


def namesake(desk: Desk, symbol: str, name: str, number: int, now: Time) -> Decision:
    """Say that another deployment trades under our prefix: of a symbol that is not ours, too, among one's that is.

    What is said of a symbol has its own numbers, and those belong to whoever trades it, sooner or later.
    """
    stream = symbol if symbol in desk.instruments else min(desk.instruments)
    return Decision((Outgoing(TRADE_EVENTS, stream, PrefixShared(symbol, name, number, now)),))


def namesakes_open(desk: Desk, event: OpenOrdersReported, now: Time) -> Decision:
    """Say so of the first order that rests in a symbol without a cycle and is of none of ours."""
    for order in event.orders:
        if is_namesake(desk, order, now):
            return namesake(desk, order.symbol, order.client_order_id, order.order_id, now)
    return NOTHING
