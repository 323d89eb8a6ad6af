"""Positions: what an open trade cycle holds."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.time import Time


class Position(Struct, frozen=True, gc=False):
    """The holding of one open cycle, as a strategy's `manage` and the books see it."""

    symbol: str
    quantity: Decimal
    average_entry_price: Decimal
    stop_price: Decimal
    target_price: Decimal | None
    opened_at: Time
    highest_close: Decimal
