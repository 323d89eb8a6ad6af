"""Orders that went by, by the exchange's number: executions are listed without the client order id."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from msgspec import Struct

_MOST: Final = 50_000


class KnownOrder(Struct, frozen=True, gc=False):
    """What must be known of an order to name its executions; `quantity` 0 is not known (yet)."""

    client_order_id: str
    quantity: Decimal


class KnownOrders:
    """The newest orders, and the newest executions that were passed on."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, int], KnownOrder] = {}
        self._passed_on: dict[tuple[str, int, int], None] = {}
        self.last_trade_ids: dict[str, int] = {}

    def note(self, symbol: str, order_id: int, client_order_id: str, quantity: Decimal) -> None:
        """Remember an order; a quantity of 0 (a leg that is not sized yet) does not replace a known one."""
        key = (symbol, order_id)
        known = self._orders.pop(key, None)
        if known is not None and not quantity:
            quantity = known.quantity
        self._orders[key] = KnownOrder(client_order_id, quantity)
        if len(self._orders) > _MOST:
            del self._orders[next(iter(self._orders))]

    def find(self, symbol: str, order_id: int) -> KnownOrder | None:
        """Return what is known of an order."""
        return self._orders.get((symbol, order_id))

    def unknown(self, symbol: str, order_ids: Iterable[int]) -> list[int]:
        """Return those of the orders of which nothing is known."""
        return sorted({number for number in order_ids if (symbol, number) not in self._orders})

    def is_news(self, symbol: str, trade_id: int, order_id: int) -> bool:
        """Say whether an execution was not passed on before, and remember that it now is.

        Both sides of a trade of the account with itself have one trade id: the order tells them apart.
        """
        key = (symbol, trade_id, order_id)
        if key in self._passed_on:
            return False
        self._passed_on[key] = None
        if len(self._passed_on) > _MOST:
            del self._passed_on[next(iter(self._passed_on))]
        self.saw_trade(symbol, trade_id)
        return True

    def saw_trade(self, symbol: str, trade_id: int) -> None:
        """Remember the newest execution of a symbol: after a silence, what came later is asked for."""
        self.last_trade_ids[symbol] = max(trade_id, self.last_trade_ids.get(symbol, -1))
