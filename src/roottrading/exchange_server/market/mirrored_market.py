"""What another exchange says of its market, as events of ours."""

from collections.abc import Iterable

from roottrading.adapters.exchange.binance.streams.observations import (
    BestQuote,
    BookLost,
    BookSnapshot,
    DepthChange,
    MarketObservation,
)
from roottrading.adapters.exchange.binance.streams.observations import PublicTrade as Told
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.exchange_server.market.events import (
    AggregateTrade,
    BestChanged,
    BookChanged,
    BookLoaded,
    CandleEnded,
    Joined,
    Level,
    MarketEvent,
    PublicTrade,
    Traded,
)
from roottrading.exchange_server.market.mirror_source import FOREVER, MirrorSource
from roottrading.exchange_server.market.order_book import OrderBook, Side
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.messages.service import CandleMissing, CandleObserved


class MirroredMarket(PublicMarket):
    """A market in which only that happens which is heard; events have the time at which they are passed on.

    `without_book` are the symbols whose book is not known now. A book that had to be asked for anew is told as one
    change of the book before, so that clients who follow the changes miss none.
    """

    def __init__(self, sources: Iterable[MirrorSource], now: Time) -> None:
        """Take the sources, with all that was heard until `now`; no book is known yet."""
        self.sources = {source.symbol: source for source in sources}
        super().__init__(self.sources.values())
        self.start = now
        self.without_book = set(self.sources)

    def next_at(self) -> Time:
        """Return an instant that never comes: what happens next is not known, but it goes on."""
        return FOREVER

    def hear(self, said: MarketObservation, now: Time) -> None:
        """Take what was said, and tell of it."""
        event = self._event(said, now)
        if event is None:
            return
        self.symbols[event.symbol].tell(event)
        for listener in self.listeners:
            listener(event)

    def _event(self, said: MarketObservation, now: Time) -> MarketEvent | None:
        match said:
            case Told():
                return self._print(said, now)
            case DepthChange(symbol, first, last, _, bids, asks):
                update = self.symbols[symbol].book.update
                return BookChanged(symbol, now, max(first, update + 1), last, bids, asks)
            case BookSnapshot():
                return self._book(said, now)
            case BookLost(symbol):
                self.without_book.add(symbol)
            case BestQuote(symbol, update, bid, bids, ask, asks):
                return BestChanged(symbol, now, update, (bid, bids) if bids else None, (ask, asks) if asks else None)
            case CandleObserved(candle) if candle.closed:
                self.sources[candle.symbol].close(candle)
                return CandleEnded(candle.symbol, now, candle)
            case CandleMissing(symbol, _, opened):
                self.sources[symbol].pass_over(opened)
        return None

    def _print(self, told: Told, now: Time) -> MarketEvent:
        source, symbol, number = self.sources[told.symbol], told.symbol, told.trade_id
        if told.aggregate:
            ends = (told.first_id, told.last_id)
            aggregate = AggregateTrade(number, told.price, told.quantity, *ends, told.at, told.buyer_is_maker)
            source.join(aggregate)
            return Joined(symbol, now, aggregate)
        trade = print_of(told)
        source.print(trade)
        return Traded(symbol, now, trade)

    def _book(self, told: BookSnapshot, now: Time) -> MarketEvent:
        self.without_book.discard(told.symbol)
        book: OrderBook = self.symbols[told.symbol].book
        if not book.loaded or told.last_id <= book.update:
            return BookLoaded(told.symbol, now, told.last_id, told.bids, told.asks)
        bids, asks = _changes(book.bids, told.bids), _changes(book.asks, told.asks)
        return BookChanged(told.symbol, now, book.update + 1, told.last_id, bids, asks)


def print_of(told: Told) -> PublicTrade:
    """Return a single trade as ours."""
    return PublicTrade(told.trade_id, told.price, told.quantity, told.at, told.buyer_is_maker)


def _changes(side: Side, after: Iterable[Level]) -> tuple[Level, ...]:
    """Return what makes the levels `after` of a side."""
    standing = dict(after)
    gone = [(price, ZERO) for price in side.quantities if price not in standing]
    return (*gone, *(level for level in standing.items() if side.quantities.get(level[0]) != level[1]))
