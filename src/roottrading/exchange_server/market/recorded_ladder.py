"""A recorded book as a ladder: what accounts took of a level stays taken until the recording speaks of it again."""

from collections.abc import Iterator
from decimal import Decimal

from roottrading.domain.money import ZERO
from roottrading.exchange_server.market.events import BookChanged, Level, MarketEvent, Traded
from roottrading.exchange_server.market.order_book import OrderBook
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.venue import TradingVenue


class RecordedLadder:
    """The public book less what was taken of it; the recording itself is shown to everybody as it is."""

    def __init__(self, book: OrderBook, step: Decimal) -> None:
        """Stand on a book; `step` is the least quantity."""
        self._book = book
        self._step = step
        self._taken: dict[tuple[bool, Decimal], Level] = {}  # recorded quantity at that time, and what was taken of it
        self.drained = False  # a fault: nothing stands here

    def levels(self, buys: bool) -> Iterator[Level]:
        """Return what a taker meets."""
        if self.drained:
            return
        side = self._book.asks if buys else self._book.bids
        for price, quantity in side:
            left = (quantity - self._gone(buys, price, quantity)) // self._step * self._step
            if left > ZERO:
                yield price, left

    def took(self, buys: bool, price: Decimal, quantity: Decimal) -> None:
        """Take what was met off a level."""
        recorded = (self._book.asks if buys else self._book.bids).quantities.get(price, ZERO)
        self._taken[buys, price] = (recorded, self._gone(buys, price, recorded) + quantity)

    def renew(self, event: BookChanged) -> None:
        """Forget what was taken of the levels that the recording speaks of."""
        if self._taken:
            for buys, levels in ((False, event.bids), (True, event.asks)):
                for price, _ in levels:
                    self._taken.pop((buys, price), None)

    def _gone(self, buys: bool, price: Decimal, recorded: Decimal) -> Decimal:
        before, taken = self._taken.get((buys, price), (recorded, ZERO))
        return taken if before == recorded else ZERO


class DepthMatching:
    """Orders meet the recorded book and the recorded prints."""

    def __init__(self, venue: TradingVenue, market: PublicMarket, symbols: frozenset[str]) -> None:
        """Give the venue the books of these symbols, as they stand."""
        self._venue = venue
        self.ladders: dict[str, RecordedLadder] = {}
        for symbol in sorted(symbols):
            known = market.symbols[symbol]
            ladder = RecordedLadder(known.book, venue.instruments[symbol].step_size)
            self.ladders[symbol] = ladder
            venue.supply(symbol, ladder, known.source.last_price(market.start))

    def hear(self, event: MarketEvent) -> None:
        """Let what rests meet what the recording tells; symbols without a recorded book are somebody else's."""
        ladder = self.ladders.get(event.symbol)
        if ladder is None:
            return
        if isinstance(event, BookChanged):
            ladder.renew(event)
            self._venue.book_moved(event.symbol, event.at)
        elif isinstance(event, Traded):
            self._venue.printed(event.symbol, event.trade.price, event.trade.quantity, event.at)
