"""What our resting orders hold locked at the exchange."""

from decimal import Decimal

from roottrading.domain.money import ZERO
from roottrading.domain.order import Order
from roottrading.services.trader.leg_ids import STOP_LEG, TARGET_LEG, sibling_of
from roottrading.services.trader.sizes import RESTING, rest_of
from roottrading.services.trader.state import CycleExecution
from roottrading.services.trader.survey import is_working


def locked_by(execution: CycleExecution, order: Order) -> Decimal:
    """Return what an order locks while it rests: quote for a buy, base for a sell; a list locks once.

    It locks in its stop if it can.
    """
    if order.status not in RESTING:
        return ZERO
    if order.side == "BUY":
        return ZERO if order.price is None else rest_of(order) * order.price
    leg = order.client_order_id[len(execution.prefix)]
    if leg == TARGET_LEG:
        if not order.executed_quantity:
            stop = execution.orders.get(sibling_of(execution, order.client_order_id))
            if stop is not None and is_working(stop):
                return ZERO
    elif leg == STOP_LEG:
        target = execution.orders.get(sibling_of(execution, order.client_order_id))
        if target is not None and target.executed_quantity:
            return ZERO
    return rest_of(order)
