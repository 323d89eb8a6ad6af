"""Fees: what the exchange takes for an execution."""

from decimal import Decimal

from msgspec import Struct


class FeeSchedule(Struct, frozen=True):
    """Rates as fractions of what is received; in BNB (at `bnb_factor` of the rate) where that is switched on."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    in_bnb: bool = False
    bnb_factor: Decimal = Decimal("0.75")
