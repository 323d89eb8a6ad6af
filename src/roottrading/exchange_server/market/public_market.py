"""All symbols' public market, moved from instant to instant, and whoever listens to what it does."""

from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush

from roottrading.domain.time import Time
from roottrading.exchange_server.market.events import MarketEvent
from roottrading.exchange_server.market.source import Source
from roottrading.exchange_server.market.symbol_market import Closed, SymbolMarket

Listener = Callable[[MarketEvent], None]


class PublicMarket:
    """The sources as one, in order of time and, within an instant, of symbols."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Take the sources; nothing has happened yet."""
        closed: Closed = {}
        self.symbols: Mapping[str, SymbolMarket] = {
            source.symbol: SymbolMarket(source, closed) for source in sorted(sources, key=lambda each: each.symbol)
        }
        self.listeners: list[Listener] = []
        found = [each.source for each in self.symbols.values()]
        earliest = min((each.start for each in found), default=0)
        self.start = max((each.ready for each in found), default=0) or earliest
        self.end = max((each.source.end for each in self.symbols.values()), default=0)
        self._queue: list[tuple[Time, str]] = []

    def begin(self, now: Time) -> None:
        """Stand at `now`: what came before is known, and not told of."""
        for symbol in self.symbols.values():
            for event in symbol.source.skip_to(now):
                symbol.tell(event)
        self._queue = [
            (at, name) for name, symbol in self.symbols.items() if (at := symbol.source.next_at()) is not None
        ]
        heapify(self._queue)

    def next_at(self) -> Time | None:
        """Return when something happens next, None once all recordings are at their end."""
        return self._queue[0][0] if self._queue else None

    def advance(self, until: Time) -> None:
        """Let everything up to `until` happen, and tell of it."""
        while self._queue and self._queue[0][0] <= until:
            _, name = heappop(self._queue)
            symbol = self.symbols[name]
            for event in symbol.source.take():
                symbol.tell(event)
                for listener in self.listeners:
                    listener(event)
            at = symbol.source.next_at()
            if at is not None:
                heappush(self._queue, (at, name))
