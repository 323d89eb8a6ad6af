"""A recorded book: the levels of other people's orders, where a market has more to tell than candles."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol


class Ladder(Protocol):
    """What stands in the book beside the accounts' own orders. A side that `buys` is the one a buyer would take."""

    def levels(self, buys: bool) -> Iterable[tuple[Decimal, Decimal]]:
        """Return price and quantity of what a taker meets, the best first; in whole steps, without empty levels."""

    def took(self, buys: bool, price: Decimal, quantity: Decimal) -> None:
        """Take what was met off a level."""
