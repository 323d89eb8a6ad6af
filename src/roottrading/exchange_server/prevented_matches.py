"""Matches of accounts with themselves that were prevented: numbered, and told with what came of them."""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.venue import Prevention
from roottrading.domain.money import ZERO
from roottrading.exchange_server.records import OrderRecord, PreventedMatch

_Key = tuple[str, int]  # an order's symbol and id


class PreventedMatches:
    """All of them by symbol, and those that are to be told in the fold under way."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, list[PreventedMatch]] = {}
        self._untold: dict[_Key, list[PreventedMatch]] = {}
        self._decremented: dict[_Key, Decimal] = {}  # what the core took from orders' quantities

    def note(self, account: str, match: Prevention) -> None:
        """Number a match that was prevented."""
        matches = self._by_symbol.setdefault(match.symbol, [])
        prevented = PreventedMatch(len(matches) + 1, account, match)
        matches.append(prevented)
        for order_id in (match.taker_id, match.maker_id):
            key = (match.symbol, order_id)
            quantity = prevented.quantity_of(order_id)
            if quantity:
                self._untold.setdefault(key, []).append(prevented)
            if match.mode == "DECREMENT":
                self._decremented[key] = self._decremented.get(key, ZERO) + quantity

    def of(self, account: str, symbol: str) -> list[PreventedMatch]:
        """Return the account's in the symbol, by number."""
        return [each for each in self._by_symbol.get(symbol, ()) if each.account == account]

    def decremented(self, record: OrderRecord) -> Decimal:
        """Return what the core took from an order's quantity (DECREMENT)."""
        return self._decremented.get((record.symbol, record.order_id), ZERO)

    def untold(self) -> list[_Key]:
        """Return the orders that are still to hear of one."""
        return list(self._untold)

    def tell(self, record: OrderRecord) -> None:
        """Note with an order what it has not heard of yet."""
        record.prevented += self._untold.pop((record.symbol, record.order_id), [])
