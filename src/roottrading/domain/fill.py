"""Fills: single executions of our orders."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.order import Side
from roottrading.domain.time import Time


class Fill(Struct, frozen=True, gc=False):
    """One execution; `fee_in_quote` is the fee at the fill's own price, exact (trading-rules 5.6)."""

    id: str
    order_id: str
    cycle_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    filled_at: Time
    fee_rate: Decimal
    fee_in_quote: Decimal
    trade_id: int

    @property
    def notional(self) -> Decimal:
        """Price times quantity, in the quote asset."""
        return self.price * self.quantity
