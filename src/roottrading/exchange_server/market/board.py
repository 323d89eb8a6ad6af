"""The board: which messages the open streams say, of every event and as time goes by. No sockets in here."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.time import DAY, MILLISECOND, Time
from roottrading.exchange_server.market import payloads
from roottrading.exchange_server.market.events import BestChanged, BookChanged, Level, MarketEvent, Quoted, Traded
from roottrading.exchange_server.market.intervals import next_open, open_of
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.market.stream_names import ALL, Stream
from roottrading.exchange_server.market.symbol_market import SymbolMarket
from roottrading.exchange_server.wording import Stamp

Written = Callable[[Stamp], object]
Say = Callable[[str, Written], None]
_NEVER: Final = -1
AT_ONCE: Final = 100 * MILLISECOND  # changes of a book come no faster: streams of that pace pass on each as it is


class Open(Struct):
    """A stream that somebody listens to: when it spoke last, and what has gathered since.

    `opened` is the bucket of a kline stream that is still to be closed; `first` the first update id gathered.
    """

    stream: Stream
    spoke_at: Time = _NEVER
    moved: bool = False
    opened: Time = _NEVER
    first: int = 0
    last: int = 0
    bids: dict[Decimal, Level] = {}
    asks: dict[Decimal, Level] = {}


class Board:
    """All streams that anybody listens to; `say` is called with a stream's name and its message, to be written."""

    def __init__(self, market: PublicMarket, say: Say) -> None:
        """Listen to the market."""
        self._market = market
        self._say = say
        self._open: dict[str, Open] = {}
        self._held: list[MarketEvent] | None = None
        self._of_symbol: dict[str, list[Open]] = {}
        market.listeners.append(self.hear)

    def open(self, stream: Stream, now: Time) -> None:
        """Begin to speak a stream; unknown symbols are silent for ever."""
        if stream.name in self._open or (stream.symbol and stream.symbol not in self._market.symbols):
            return
        kept = self._open[stream.name] = Open(stream, bids={}, asks={})
        if stream.kind == "kline":
            kept.opened = open_of(stream.interval, now, stream.offset)
        self._of_symbol.setdefault(stream.symbol, []).append(kept)

    def close(self, name: str) -> None:
        """Speak a stream no longer."""
        kept = self._open.pop(name, None)
        if kept is not None:
            self._of_symbol[kept.stream.symbol].remove(kept)

    def hear(self, event: MarketEvent) -> None:
        """Say what an event makes streams say at once, after what time itself made due before it."""
        if self._held is not None:
            self._held.append(event)
            return
        symbol = event.symbol
        for kept in (*self._of_symbol.get(symbol, ()), *self._of_symbol.get(ALL, ())):
            if kept.stream.kind == "kline":
                self._close_buckets(kept, event.at)
            self._hear(kept, event)

    def hold(self) -> None:
        """Keep what is heard from now on until released."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Say what was kept."""
        held, self._held = self._held or (), None
        for event in held:
            self.hear(event)

    def tick(self, now: Time) -> None:
        """Say what is due at `now`: closed klines, and what gathered in streams that wait between messages."""
        for kept in tuple(self._open.values()):
            if kept.stream.kind == "kline":
                self._close_buckets(kept, now)
            if kept.moved and now - kept.spoke_at >= kept.stream.every:
                self._speak(kept, now)

    def next_close(self) -> Time | None:
        """Return when the next kline that somebody listens to closes, None where nobody does."""
        ends = [
            next_open(kept.stream.interval, kept.opened, kept.stream.offset)
            for kept in self._open.values()
            if kept.stream.kind == "kline"
        ]
        return min(ends, default=None)

    # ---- events

    def _hear(self, kept: Open, event: MarketEvent) -> None:
        kind, name, now = kept.stream.kind, kept.stream.name, event.at
        symbol = event.symbol
        if isinstance(event, Traded):
            trade, joined = event.trade, event.aggregate
            if kind == "trade":
                self._say(name, lambda stamp: payloads.trade(symbol, trade, now, stamp))
            elif kind == "aggTrade" and joined is not None:
                self._say(name, lambda stamp: payloads.aggregate(symbol, joined, now, stamp))
            elif kind in {"kline", "ticker", "miniTicker", "avgPrice"}:
                kept.moved = True
        elif isinstance(event, BestChanged):
            self._say_best(kept, event.update, event.bid, event.ask, symbol)
        elif isinstance(event, BookChanged):
            self._gather(kept, event)
            if kept.moved and kept.stream.every <= AT_ONCE and kind in {"depth", "levels"}:
                self._speak(kept, now)
        elif isinstance(event, Quoted) and kind == "kline":
            kept.moved = True

    def _speak(self, kept: Open, now: Time) -> None:
        """Say what gathered in a stream."""
        kept.moved = False
        kept.spoke_at = now
        for written in self._gathered(kept, now):
            self._say(kept.stream.name, written)

    def _say_best(self, kept: Open, update: int, bid: Level | None, ask: Level | None, symbol: str) -> None:
        if kept.stream.kind == "bookTicker":
            self._say(kept.stream.name, lambda _: payloads.best(symbol, update, bid, ask))

    @staticmethod
    def _gather(kept: Open, event: BookChanged) -> None:
        """Keep what changed in a book until its stream speaks."""
        kind = kept.stream.kind
        if kind == "levels":
            kept.moved = True
        elif kind == "depth":
            kept.first = kept.first if kept.moved else event.first_update
            kept.last = event.last_update
            kept.moved = True
            kept.bids |= {price: (price, quantity) for price, quantity in event.bids}
            kept.asks |= {price: (price, quantity) for price, quantity in event.asks}

    # ---- time

    def _close_buckets(self, kept: Open, now: Time) -> None:
        """Say the closed klines of all buckets that ended by `now`."""
        stream = kept.stream
        while (end := next_open(stream.interval, kept.opened, stream.offset)) <= now:
            if end + 1_000 * (end - kept.opened) < now:  # nobody moved the clock for very long: begin anew
                kept.opened = open_of(stream.interval, now, stream.offset)
                return
            kline = self._market.symbols[stream.symbol].kline(stream.interval, kept.opened, end, stream.offset)
            kept.opened = end
            kept.moved = False
            kept.spoke_at = end
            if kline is not None:
                self._say(stream.name, self._kline(stream, kline, end))

    @staticmethod
    def _kline(stream: Stream, kline: Kline, now: Time) -> Written:
        return lambda stamp: payloads.kline(stream.symbol, stream.interval, kline, now, stamp)

    def _gathered(self, kept: Open, now: Time) -> Iterator[Written]:
        stream = kept.stream
        if stream.symbol == ALL:
            shown = [self._statistics(stream, symbol, now) for symbol in self._market.symbols.values()]
            said = [each for each in shown if each is not None]
            if said:
                yield lambda stamp: [written(stamp) for written in said]
            return
        symbol = self._market.symbols[stream.symbol]
        if stream.kind == "kline":
            kline = symbol.kline(stream.interval, kept.opened, now, stream.offset)
            if kline is not None:
                yield self._kline(stream, kline, now)
        elif stream.kind == "depth":
            first, last = kept.first, kept.last
            bids, asks = tuple(kept.bids.values()), tuple(kept.asks.values())
            kept.bids, kept.asks = {}, {}
            yield lambda stamp: payloads.depth(stream.symbol, first, last, bids, asks, now, stamp)
        elif stream.kind == "levels":
            book, levels = symbol.book, stream.levels
            update, bids, asks = book.update, tuple(book.bids.levels(levels)), tuple(book.asks.levels(levels))
            yield lambda _: {"lastUpdateId": update, "bids": payloads.rows(bids), "asks": payloads.rows(asks)}
        elif stream.kind == "avgPrice":
            average = symbol.average(now)
            if average is not None:
                yield lambda stamp: payloads.average(stream.symbol, average, now, stamp)
        else:
            statistics = self._statistics(stream, symbol, now)
            if statistics is not None:
                yield statistics

    def _statistics(self, stream: Stream, symbol: SymbolMarket, now: Time) -> Written | None:
        """Return rolling statistics of a symbol, None before it ever traded."""
        window = symbol.window(stream.window or DAY, now)
        if window is None:
            return None
        name = symbol.symbol
        if stream.kind == "miniTicker":
            return lambda stamp: payloads.mini_ticker(name, window, now, stamp)
        facts = symbol.facts(window, now)
        said = "24hrTicker" if not stream.window else f"{_window_name(stream.window)}Ticker"
        return lambda stamp: payloads.ticker(name, window, facts, now, stamp, said)


def _window_name(window: int) -> str:
    return "1d" if window == DAY else f"{window // (DAY // 24)}h"
