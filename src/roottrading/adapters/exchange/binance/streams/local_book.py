"""A symbol's order book kept on our side: a snapshot, and every change since."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal

from roottrading.adapters.exchange.binance.streams.observations import BookSnapshot, DepthChange, Level


class _Ladder:
    """The levels of one side: their prices in order, and the quantity at each."""

    def __init__(self, levels: Iterable[Level]) -> None:
        self.quantities = {price: quantity for price, quantity in levels if quantity}
        self.prices = sorted(self.quantities)

    def set(self, price: Decimal, quantity: Decimal) -> None:
        if quantity:
            if price not in self.quantities:
                insort(self.prices, price)
            self.quantities[price] = quantity
        elif self.quantities.pop(price, None) is not None:
            del self.prices[bisect_left(self.prices, price)]


class LocalBook:
    """The book as of update `last_id`. Levels beyond the snapshot's depth are known only where they changed since."""

    def __init__(self, snapshot: BookSnapshot) -> None:
        """Begin with a snapshot."""
        self.symbol = snapshot.symbol
        self.last_id = snapshot.last_id
        self._bids = _Ladder(snapshot.bids)
        self._asks = _Ladder(snapshot.asks)

    def apply(self, change: DepthChange) -> None:
        """Set the levels of a change; ValueError where it does not follow what was applied."""
        if not change.first_id <= self.last_id + 1 <= change.last_id:
            raise ValueError(
                f"{self.symbol}: updates {change.first_id} to {change.last_id} do not follow {self.last_id}; "
                "give those between, or a new snapshot"
            )
        for price, quantity in change.bids:
            self._bids.set(price, quantity)
        for price, quantity in change.asks:
            self._asks.set(price, quantity)
        self.last_id = change.last_id

    @property
    def best_bid(self) -> Level | None:
        """The highest bid, None where there is none."""
        return self._level(self._bids, -1)

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask, None where there is none."""
        return self._level(self._asks, 0)

    @property
    def crossed(self) -> bool:
        """Whether a bid is not below every ask: no book is like this, so something was missed."""
        bids, asks = self._bids.prices, self._asks.prices
        return bool(bids) and bool(asks) and bids[-1] >= asks[0]

    def snapshot(self, depth: int = 5_000) -> BookSnapshot:
        """Return the best `depth` levels of each side as they are now."""
        bids, asks = self._bids, self._asks
        return BookSnapshot(
            self.symbol,
            self.last_id,
            tuple((price, bids.quantities[price]) for price in reversed(bids.prices[-depth:])),
            tuple((price, asks.quantities[price]) for price in asks.prices[:depth]),
        )

    @staticmethod
    def _level(ladder: _Ladder, place: int) -> Level | None:
        if not ladder.prices:
            return None
        price = ladder.prices[place]
        return price, ladder.quantities[price]
