"""The simulated exchange moved along the tape only where something happens there (consistency-rules 1.5)."""

from collections.abc import Mapping, Sequence

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.exchange.simulated.book import Book
from roottrading.domain.candle import Candle
from roottrading.domain.columns import UNITS_DIGITS
from roottrading.domain.time import Time
from roottrading.messages.exchange import ExchangeEvent, Request
from roottrading.messages.service import Row
from roottrading.runtimes.replay import CandleReader
from roottrading.runtimes.search_touches import TouchSearch
from roottrading.runtimes.search_verdicts import units

NEVER = 1 << 62


class _Place:
    """Where the exchange stands on one symbol's tape: rows told of, and what was found ahead."""

    __slots__ = ("book", "bounds", "closed", "found", "opened", "reader", "searched", "touches")

    def __init__(self, reader: CandleReader, book: Book) -> None:
        self.reader = reader
        self.book = book  # to be read only
        self.touches = TouchSearch(reader.candles.low, reader.candles.high)
        self.opened = self.closed = -1
        self.bounds: tuple[int | None, int | None] = (None, None)
        self.searched = 0  # the bounds touch no row from here on ...
        self.found = 0  # ... before this one


class SkippingExchange:
    """An exchange that is told of a candle when it touches what rests, and stands on an open when it is asked there.

    Its answers are those of one that is told of every candle: what is left out touches nothing.
    """

    def __init__(
        self, exchange: SimulatedExchange, readers: Mapping[str, CandleReader], priced_by: str | None = None
    ) -> None:
        """Take the exchange, the finest candles of its symbols, and which of them turns fees into BNB."""
        self._exchange = exchange
        self._priced_by = priced_by
        books = exchange.parts.books
        self._places = {symbol: _Place(reader, books[symbol]) for symbol, reader in readers.items() if symbol in books}
        self.asked: set[str] = set()  # the symbols whose orders may have changed, for whoever searches

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Carry out a request where the tape stands at `now`."""
        symbol = request.symbol
        self._price_fees(now)
        self._stand(symbol, now)
        self.asked.add(symbol)
        return self._exchange.execute(request, now)

    def candle_opens(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Stand on the candle's open."""
        self._price_fees(now)
        place = self._places[candle.symbol]
        place.opened = place.reader.last_by(candle.open_time)
        self.asked.add(candle.symbol)
        return self._exchange.candle_opens(candle, now)

    def candle_closed(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Match what rested along the candle's path."""
        self._price_fees(now)
        place = self._places[candle.symbol]
        place.closed = place.reader.last_by(candle.open_time)
        self.asked.add(candle.symbol)
        return self._exchange.candle_closed(candle, now)

    def changed_rows(self) -> Sequence[Row]:
        """Return nothing: nobody goes on with this exchange."""
        return ()

    def next_touch(self, symbol: str, now: Time, until: Time) -> Time:
        """Return when the next candle closes that touches what rests, if it does so by `until`; else NEVER."""
        place = self._places[symbol]
        below, above = place.book.bounds()
        if below is None and above is None:
            return NEVER
        reader = place.reader
        row = reader.last_by(now - reader.span) + 1
        stop = reader.last_by(until - reader.span) + 1
        bounds = (
            None if below is None else units(below, UNITS_DIGITS, down=True),
            None if above is None else units(above, UNITS_DIGITS),
        )
        if bounds != place.bounds or not place.searched <= row <= place.found:
            place.bounds, place.searched, place.found = bounds, row, row
        if place.found < stop:
            place.found = place.touches.first(place.found, stop, *bounds)
        return reader.open_time(place.found) + reader.span if place.found < stop else NEVER

    def next_open(self, symbol: str, now: Time) -> Time:
        """Return when the next candle opens, if an order waits for it; else NEVER."""
        place = self._places[symbol]
        if not place.book.waiting:
            return NEVER
        reader = place.reader
        row = reader.last_by(now) + 1
        return reader.open_time(row) if row < len(reader) else NEVER

    def _price_fees(self, now: Time) -> None:
        """Tell the exchange what BNB cost before the instant: nothing else that it does hangs on another symbol."""
        if self._priced_by is not None:
            self._stand(self._priced_by, now - 1)

    def _stand(self, symbol: str, now: Time) -> None:
        """Tell the exchange of the last candle that has opened by now: that it opened, or in a halt that it closed."""
        place = self._places.get(symbol)
        if place is None:
            return
        reader = place.reader
        row = reader.last_by(now)
        if row <= place.closed or row < place.opened:
            return
        closes = reader.open_time(row) + place.reader.span
        if now < closes:
            if row == place.opened:
                return
            place.opened = row
            events = self._exchange.candle_opens(reader.candle(row), now)
        else:
            place.closed = row
            events = self._exchange.candle_closed(reader.candle(row), closes)
        if events:
            raise RuntimeError(f"{symbol}: a candle that was left out would have met an order: {events}")
