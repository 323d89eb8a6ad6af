"""The board: which messages the open streams say, of every event and as time goes by. No sockets in here."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.time import DAY, MILLISECOND, Time
from roottrading.exchange_server.market import payloads
from roottrading.exchange_server.market.events import (
    AggregateTrade,
    BestChanged,
    BookChanged,
    CandleEnded,
    Joined,
    Level,
    MarketEvent,
    Quoted,
    Traded,
)
from roottrading.exchange_server.market.intervals import next_open, open_of
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.market.stream_names import ALL, Kind, Stream
from roottrading.exchange_server.market.symbol_market import SymbolMarket
from roottrading.exchange_server.wording import Stamp

Written = Callable[[Stamp], object]
Say = Callable[[str, Written], None]
_NEVER: Final = -1
_LONG: Final = 1_000  # after so many buckets in which nobody moved the clock, closing them begins anew
Group = Literal["prints", "best", "book", "klines", "statistics"]
GROUPS: Final[dict[Kind, Group]] = {  # what kinds of streams hear the same events
    "trade": "prints",
    "aggTrade": "prints",
    "bookTicker": "best",
    "depth": "book",
    "levels": "book",
    "kline": "klines",
    "ticker": "statistics",
    "miniTicker": "statistics",
    "avgPrice": "statistics",
}
AT_ONCE: Final = 100 * MILLISECOND  # changes of a book come no faster: streams of that pace pass on each as it is


class Open(Struct):
    """A stream that somebody listens to: when it spoke last, and what has gathered since.

    `opened` is the bucket of a kline stream that is still to be closed, at `ends`; `first` the first update id that
    gathered.
    """

    stream: Stream
    spoke_at: Time = _NEVER
    moved: bool = False
    opened: Time = _NEVER
    ends: Time = _NEVER
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
        self._hearing: dict[tuple[str, Group], list[Open]] = {}
        market.listeners.append(self.hear)

    def open(self, stream: Stream, now: Time) -> None:
        """Begin to speak a stream; unknown symbols are silent for ever."""
        if stream.name in self._open or (stream.symbol and stream.symbol not in self._market.symbols):
            return
        kept = self._open[stream.name] = Open(stream, bids={}, asks={})
        if stream.kind == "kline":
            self._turn(kept, open_of(stream.interval, now, stream.offset))
        self._hearing.setdefault((stream.symbol, GROUPS[stream.kind]), []).append(kept)

    def close(self, name: str) -> None:
        """Speak a stream no longer."""
        kept = self._open.pop(name, None)
        if kept is not None:
            self._hearing[kept.stream.symbol, GROUPS[kept.stream.kind]].remove(kept)

    def hear(self, event: MarketEvent) -> None:
        """Say what an event makes streams say at once, after what time itself made due before it."""
        if self._held is not None:
            self._held.append(event)
            return
        now, symbol = event.at, event.symbol
        if isinstance(event, BookChanged):
            for kept in self._hearing.get((symbol, "book"), ()):
                self._gather(kept, event)
                if kept.stream.every <= AT_ONCE:
                    self._speak(kept, now)
        elif isinstance(event, BestChanged):
            for kept in self._hearing.get((symbol, "best"), ()):
                self._say(kept.stream.name, lambda _: payloads.best(symbol, event.update, event.bid, event.ask))
        elif isinstance(event, Traded):
            self._hear_print(event)
        elif isinstance(event, Joined):
            for kept in self._hearing.get((symbol, "prints"), ()):
                if kept.stream.kind == "aggTrade":
                    self._say_joined(kept, event.aggregate, now)
        elif isinstance(event, Quoted | CandleEnded):
            for kept in self._hearing.get((symbol, "klines"), ()):
                self._close_buckets(kept, now)
                kept.moved = kept.moved or isinstance(event, Quoted)

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

    # ---- events

    def _hear_print(self, event: Traded) -> None:
        now, symbol = event.at, event.symbol
        for kept in self._hearing.get((symbol, "prints"), ()):
            self._print(kept, event)
        for kept in self._hearing.get((symbol, "klines"), ()):
            self._close_buckets(kept, now)
            kept.moved = True
        for place in (symbol, ALL):
            for kept in self._hearing.get((place, "statistics"), ()):
                kept.moved = True

    def _print(self, kept: Open, event: Traded) -> None:
        now, symbol, trade, joined = event.at, event.symbol, event.trade, event.aggregate
        if kept.stream.kind == "trade":
            self._say(kept.stream.name, lambda stamp: payloads.trade(symbol, trade, now, stamp))
        elif joined is not None:
            self._say_joined(kept, joined, now)

    def _say_joined(self, kept: Open, joined: AggregateTrade, now: Time) -> None:
        symbol = kept.stream.symbol
        self._say(kept.stream.name, lambda stamp: payloads.aggregate(symbol, joined, now, stamp))

    def _speak(self, kept: Open, now: Time) -> None:
        """Say what gathered in a stream."""
        kept.moved = False
        kept.spoke_at = now
        for written in self._gathered(kept, now):
            self._say(kept.stream.name, written)

    @staticmethod
    def _gather(kept: Open, event: BookChanged) -> None:
        """Keep what changed in a book until its stream speaks."""
        if kept.stream.kind == "depth":
            kept.first = kept.first if kept.moved else event.first_update
            kept.last = event.last_update
            kept.bids |= {price: (price, quantity) for price, quantity in event.bids}
            kept.asks |= {price: (price, quantity) for price, quantity in event.asks}
        kept.moved = True

    # ---- time

    def _close_buckets(self, kept: Open, now: Time) -> None:
        """Say the closed klines of all buckets that ended by `now` and change no more."""
        stream = kept.stream
        now = self._market.symbols[stream.symbol].source.final_until(now, kept.ends - kept.opened)
        while kept.ends <= now:
            opened, end = kept.opened, kept.ends
            if end + _LONG * (end - opened) < now:
                self._turn(kept, open_of(stream.interval, now, stream.offset))
                return
            kline = self._market.symbols[stream.symbol].kline(stream.interval, opened, end, stream.offset)
            self._turn(kept, end)
            kept.moved = False
            kept.spoke_at = end
            if kline is not None:
                self._say(stream.name, self._kline(stream, kline, end))

    @staticmethod
    def _turn(kept: Open, opened: Time) -> None:
        """Turn to the bucket that opens at `opened`."""
        kept.opened = opened
        kept.ends = next_open(kept.stream.interval, opened, kept.stream.offset)

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
            if kept.ends <= now:
                return  # it is over, but may still change
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
