"""Trade cycles: from entry to exit, and what a cycle earned."""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.money import ZERO, quotient_down
from roottrading.domain.time import Time

CycleStatus = Literal["opening", "open", "closing", "closed", "manual", "expired"]

MOVES: Final[dict[CycleStatus, frozenset[CycleStatus]]] = {
    "opening": frozenset({"open", "closing", "closed", "expired", "manual"}),
    "open": frozenset({"closing", "closed", "manual"}),
    "closing": frozenset({"closed", "manual"}),
    "manual": frozenset({"closed"}),
    "closed": frozenset(),
    "expired": frozenset(),
}


class IllegalMove(Exception):
    """A trade cycle was told to go where its state machine has no arrow."""


def move(cycle: str, before: CycleStatus, after: CycleStatus) -> CycleStatus:
    """Return the new status, or raise IllegalMove naming the cycle and both."""
    if after not in MOVES[before]:
        raise IllegalMove(f"cycle {cycle} cannot go from {before} to {after}")
    return after


class TradeCycle(Struct, frozen=True, gc=False):
    """A cycle as a row: `quantity` is what was bought, before the fee; averages are half-even at 1e-8."""

    id: str
    symbol: str
    status: CycleStatus
    entry_signal_id: int
    entry_price: Decimal | None
    exit_price: Decimal | None
    quantity: Decimal | None
    fees: Decimal | None
    pnl: Decimal | None
    exit_reason: str
    created_at: Time
    updated_at: Time
    strategy: str = ""
    risk: Decimal | None = None  # R in quote: quantity x (entry price - stop), trading-rules 2.1


class Dust(Struct, frozen=True, gc=False):
    """A symbol's remainder that the filters refuse to sell, with what it cost (trading-rules 2.6)."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO


def dust_left(paid: Decimal, received_net: Decimal, sold: Decimal, lent: Dust) -> Dust:
    """Return the dust after a cycle closed: quantity, and its share of the cost rounded down (trading-rules 5.7).

    `paid` is in quote, `received_net` what was bought less fees taken in base, `lent` the dust that was there before.
    """
    quantity = received_net + lent.quantity - sold
    if quantity <= 0:
        return Dust(quantity, ZERO)
    return Dust(quantity, quotient_down((paid + lent.cost) * quantity, received_net + lent.quantity))


def cycle_pnl(received: Decimal, paid: Decimal, other_fees: Decimal, lent: Dust, left: Dust) -> Decimal:
    """Return a cycle's profit in quote (trading-rules 5.7); `other_fees` are those in quote or, at quote value, BNB."""
    return received - paid - other_fees - lent.cost + left.cost
