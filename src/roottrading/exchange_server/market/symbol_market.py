"""One symbol's public market at the clock's instant: what every REST answer and every stream is made of."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import MINUTE, Time
from roottrading.exchange_server.market.events import BestChanged, BookChanged, BookLoaded, MarketEvent
from roottrading.exchange_server.market.intervals import next_open, open_of, previous_open
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.market.order_book import OrderBook
from roottrading.exchange_server.market.payloads import Facts
from roottrading.exchange_server.market.source import Source

AVERAGE_MINUTES: Final = 5
_REMEMBERED: Final = 131_072  # closed klines of all symbols together, of about 800 bytes each

Closed = dict[tuple[str, Time, Time], Kline | None]  # by symbol, start and end


class SymbolMarket:
    """A source, and the book as far as its events were told."""

    def __init__(self, source: Source, closed: Closed) -> None:
        """Begin with an empty book; `closed` is where all symbols remember klines that change no more."""
        self.symbol = source.symbol
        self.source = source
        self.book = OrderBook()
        self._closed = closed

    def tell(self, event: MarketEvent) -> None:
        """Take what an event says of the book."""
        if isinstance(event, BookChanged):
            self.book.change(event)
        elif isinstance(event, BookLoaded):
            self.book.load(event)
        elif isinstance(event, BestChanged):
            self.book.tell_best(event)

    def kline(self, interval: str, opened: Time, now: Time, offset: int = 0) -> Kline | None:
        """Return the kline of the bucket that opens at `opened`, as known at `now`."""
        return self.between(opened, next_open(interval, opened, offset), now)

    def between(self, start: Time, end: Time, now: Time) -> Kline | None:
        """Return what happened in `[start, end)`; to be read only."""
        if end > self.source.final_until(now, end - start):
            return self.source.kline(start, end, now)
        key = (self.symbol, start, end)
        if key not in self._closed:
            if len(self._closed) >= _REMEMBERED:
                self._closed.clear()
            self._closed[key] = self.source.kline(start, end, now)
        return self._closed[key]

    def klines(
        self, interval: str, start: Time | None, end: Time | None, limit: int, now: Time, offset: int = 0
    ) -> list[Kline]:
        """Return up to `limit` klines that open within `[start, end]`, the oldest first.

        Without `start` they are the newest ones, else the oldest (Binance's rule of paging).
        """
        first = self.source.start if start is None else max(start, self.source.start)
        last = min(now, self.source.end - 1) if end is None else min(end, now, self.source.end - 1)
        first, last = open_of(interval, first, offset), open_of(interval, last, offset)
        if start is not None and first < start:
            first = next_open(interval, first, offset)
        found: list[Kline] = []
        walk = self._backward if start is None else self._forward
        for opened in walk(interval, first, last, offset):
            kline = self.kline(interval, opened, now, offset)
            if kline is not None:
                found.append(kline)
                if len(found) == limit:
                    break
        return found if start is not None else found[::-1]

    def window(self, span: int, now: Time) -> Kline | None:
        """Return the last `span` up to `now`, from a whole minute on (rolling statistics move once a minute)."""
        begin = now - span
        begin -= begin % MINUTE
        return self.source.kline(begin, now - now % MINUTE + MINUTE, now)

    def facts(self, window: Kline, now: Time) -> Facts:
        """Return what statistics of a window tell beside it."""
        _, bid, ask = self.book.best
        newest = self.source.trades(now, None, 1)
        before = self.source.last_price(window.open_time - 1)
        return Facts(bid, ask, newest[0].quantity if newest else ZERO, window.open if before is None else before)

    def average(self, now: Time) -> Decimal | None:
        """Return the volume-weighted price of the last five minutes, else the last price."""
        window = self.window(AVERAGE_MINUTES * MINUTE, now)
        if window is not None and window.volume > ZERO:
            return quotient(window.quote_volume, window.volume)
        return self.source.last_price(now)

    @staticmethod
    def _forward(interval: str, first: Time, last: Time, offset: int) -> Iterator[Time]:
        while first <= last:
            yield first
            first = next_open(interval, first, offset)

    @staticmethod
    def _backward(interval: str, first: Time, last: Time, offset: int) -> Iterator[Time]:
        while last >= first:
            yield last
            last = previous_open(interval, last, offset)
