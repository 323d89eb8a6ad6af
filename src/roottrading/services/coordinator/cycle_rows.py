"""Open cycles as rows of `trade_cycles`."""

from decimal import Decimal

from roottrading.domain.money import quotient
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.services.coordinator.state import OpenCycle


def row_of(cycle: OpenCycle, pnl: Decimal | None = None) -> TradeCycle:
    """Return the cycle's row of `trade_cycles`; an exit price stands only with the profit (trading-rules 6.4)."""
    entered = bool(cycle.bought)
    return TradeCycle(
        cycle.id,
        cycle.symbol,
        cycle.status,
        cycle.entry_signal_id,
        quotient(cycle.paid, cycle.bought) if entered else None,
        quotient(cycle.received, cycle.sold) if pnl is not None and cycle.sold else None,
        cycle.bought if entered else None,
        cycle.fees if entered else None,
        pnl,
        cycle.reason,
        cycle.at,
        cycle.updated_at,
        cycle.strategy,
        cycle.paid - cycle.bought * cycle.initial_stop if entered else None,
    )
