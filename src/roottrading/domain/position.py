"""Positions: what an open trade cycle holds, and what whoever manages it may want of it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

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


class Adjustment(Struct, frozen=True):
    """What `manage` wants at a closed candle; None leaves things as they are.

    `exit` is a reason to leave at market; `stop` and `target` are prices in quote. A looser stop is ignored and
    counted (trading-rules 4.2).
    """

    exit: str | None = None
    stop: Decimal | None = None
    target: Decimal | None = None


class Manager(Protocol):
    """A strategy that manages its open positions: pure, asked at each closed candle of its timeframe."""

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        """Say what to do; `row` holds the strategy's own columns at T."""
