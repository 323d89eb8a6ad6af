"""Fees: what the exchange takes for an execution."""

from decimal import Decimal
from typing import Annotated

from msgspec import Struct

from roottrading.domain.bounds import Bounds


class FeeSchedule(Struct, frozen=True):
    """Rates as fractions of what is received; in BNB (at `bnb_factor` of the rate) where that is switched on."""

    maker: Annotated[Decimal, Bounds(ge=0, lt=1, description="rate of an order that waited in the book")] = Decimal(
        "0.001"
    )
    taker: Annotated[Decimal, Bounds(ge=0, lt=1, description="rate of an order that met another")] = Decimal("0.001")
    in_bnb: Annotated[bool, Bounds(description="fees are paid in BNB, but for trades of BNB itself")] = False
    bnb_factor: Annotated[Decimal, Bounds(gt=0, le=1, description="what is left of the rates when paid in BNB")] = (
        Decimal("0.75")
    )
