"""How much: what can be sold, what can be protected, what completes an entry that is too small (trading-rules 2)."""

from decimal import Decimal
from typing import Final

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE, ZERO, floor_to
from roottrading.domain.order import Order
from roottrading.services.trader.desk import Desk
from roottrading.services.trader.state import CycleExecution

RESTING: Final[frozenset[str]] = frozenset({"NEW", "PARTIALLY_FILLED"})
ROOM_BELOW_STOP: Final = Decimal("0.95")  # of the stop's price: a size that passes there can be sold again (2.4)


def rest_of(order: Order) -> Decimal:
    """Return what of the order is not executed, in base."""
    return order.quantity - order.executed_quantity


def available(desk: Desk, execution: CycleExecution, locked: Decimal) -> Decimal:
    """Return what the cycle can sell: held, dust lent included, capped by what is free (trading-rules 2.5).

    `locked` is what our own orders hold and would set free. A balance older than our own last order event says nothing
    yet, unless the exchange has just refused us for want of balance.
    """
    held = execution.held
    balance = desk.free.get(desk.instruments[execution.symbol].base_asset)
    if balance is not None and (balance.at > execution.touched_at or execution.short_of_base):
        held = min(held, balance.free + locked)
    return held if held > ZERO else ZERO


def whole(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Return the quantity in whole steps, no more than one order may have."""
    if instrument.max_quantity and quantity > instrument.max_quantity:
        quantity = instrument.max_quantity
    return floor_to(quantity, instrument.step_size)


def whole_at_market(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Return the quantity as a MARKET order may have it: in its own steps too, and no more than its own most."""
    quantity = whole(instrument, quantity)
    if instrument.market_max_quantity and quantity > instrument.market_max_quantity:
        quantity = floor_to(instrument.market_max_quantity, instrument.step_size)
    if instrument.market_step_size:
        quantity = floor_to(quantity, instrument.market_step_size)
    return quantity


def protectable(instrument: Instrument, quantity: Decimal, least_price: Decimal) -> bool:
    """Say whether the filters take a stop of this quantity whose lowest price is `least_price`."""
    quantity = floor_to(quantity, instrument.step_size)
    if quantity <= 0 or quantity < max(instrument.min_quantity, instrument.market_min_quantity):
        return False
    return quantity * least_price >= instrument.min_notional


def large_enough(instrument: Instrument, quantity: Decimal, stop_price: Decimal) -> bool:
    """Say whether a net quantity can be sold again at its stop with room to spare (trading-rules 2.4)."""
    return protectable(instrument, quantity, stop_price * ROOM_BELOW_STOP)


def completion(instrument: Instrument, execution: CycleExecution, taker_fee: Decimal) -> Decimal:
    """Return the least quantity that, bought at market, makes a too small entry large enough (trading-rules 1.3).

    0 where the entry's planned quantity does not leave room for it, or the filters refuse so small a purchase.
    """
    step = instrument.step_size
    wanted = max(
        instrument.min_quantity,
        instrument.market_min_quantity,
        _least(instrument.min_notional, execution.stop_price * ROOM_BELOW_STOP, step),
    )
    missing = floor_to(wanted, step)
    if missing < wanted:
        missing += step
    quantity = _least(missing - execution.held, ONE - taker_fee, step)
    quantity = max(quantity, instrument.min_quantity, instrument.market_min_quantity)
    if instrument.min_notional_at_market:
        quantity = max(quantity, _least(instrument.min_notional, execution.worst_price * ROOM_BELOW_STOP, step))
    if quantity != whole_at_market(instrument, quantity) or quantity > execution.planned - execution.bought:
        return ZERO
    return quantity


def is_resting(order: Order) -> bool:
    """Say whether the exchange holds the order, placed and not ended."""
    return order.status in RESTING


def _least(amount: Decimal, of_each: Decimal, step: Decimal) -> Decimal:
    """Return the least multiple of `step` of which `of_each` apiece makes `amount` or more."""
    if amount <= 0:
        return ZERO
    each_step = of_each * step
    steps = amount // each_step
    return (steps if steps * each_step == amount else steps + 1) * step
