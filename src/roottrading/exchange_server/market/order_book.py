"""A symbol's public book: price levels as the recording has them, at an update id."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from roottrading.exchange_server.market.events import BestChanged, BookChanged, BookLoaded, Level


class Side:
    """The levels of one side, best first."""

    def __init__(self, *, bids: bool) -> None:
        self.quantities: dict[Decimal, Decimal] = {}
        self._prices: list[Decimal] = []  # bids: negated, so that the best is first
        self._bids = bids

    def load(self, levels: tuple[Level, ...]) -> None:
        """Replace every level."""
        self.quantities = {price: quantity for price, quantity in levels if quantity}
        self._prices = sorted(-price if self._bids else price for price in self.quantities)

    def change(self, price: Decimal, quantity: Decimal) -> None:
        """Set one level; a quantity of 0 removes it."""
        key = -price if self._bids else price
        if quantity:
            if price not in self.quantities:
                insort(self._prices, key)
            self.quantities[price] = quantity
        elif self.quantities.pop(price, None) is not None:
            del self._prices[bisect_left(self._prices, key)]

    def levels(self, most: int | None = None) -> list[Level]:
        """Return up to `most` levels, the best first."""
        prices = self._prices if most is None else self._prices[:most]
        return [(price := -key if self._bids else key, self.quantities[price]) for key in prices]

    def __iter__(self) -> Iterator[Level]:
        return ((price := -key if self._bids else key, self.quantities[price]) for key in self._prices)

    @property
    def best(self) -> Level | None:
        """The best level."""
        return self.levels(1)[0] if self._prices else None


class OrderBook:
    """Both sides as of `update`; nothing is known before a whole book was loaded."""

    def __init__(self) -> None:
        self.bids = Side(bids=True)
        self.asks = Side(bids=False)
        self.update = 0
        self.loaded = False
        self._early: list[BookChanged] = []  # changes that came before the whole book
        self._told: BestChanged | None = None

    def load(self, event: BookLoaded) -> None:
        """Take a whole book, and the changes beyond it that came before; not where the book is further already."""
        if self.loaded and event.update < self.update:
            return
        self.bids.load(event.bids)
        self.asks.load(event.asks)
        self.update = event.update
        self.loaded = True
        for change in self._early:
            self.change(change)
        self._early.clear()

    def change(self, event: BookChanged) -> bool:
        """Apply changes; those that the book has already are passed over. Says whether anything was applied."""
        if not self.loaded:
            self._early.append(event)
            return False
        if event.last_update <= self.update:
            return False
        for price, quantity in event.bids:
            self.bids.change(price, quantity)
        for price, quantity in event.asks:
            self.asks.change(price, quantity)
        self.update = event.last_update
        return True

    def tell_best(self, event: BestChanged) -> None:
        """Take best quotes that were told apart from the levels."""
        if self._told is None or event.update >= self._told.update:
            self._told = event

    @property
    def best(self) -> tuple[int, Level | None, Level | None]:
        """The update id, best bid and best ask, from whichever was told last."""
        told = self._told
        if told is not None and told.update >= self.update:
            return told.update, told.bid, told.ask
        return self.update, self.bids.best, self.asks.best
