"""Moving the whole market: the public sees it, streams tell of it, and the accounts' orders meet it."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from msgspec.structs import replace

from roottrading.domain.money import ONE, ZERO
from roottrading.domain.time import MILLISECOND, Time
from roottrading.exchange_server.clock_steps import Move
from roottrading.exchange_server.market.board import Board
from roottrading.exchange_server.market.events import CandleBegan, CandleEnded, MarketEvent, Quoted, Traded
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.venue import TradingVenue

TICK: Final = 100 * MILLISECOND  # what waits in streams is looked at no more often
CRUMB: Final = ONE.scaleb(-8)  # a volume of which no share can be taken


class Matching(Protocol):
    """Who lets the accounts' orders meet what the market does."""

    def hear(self, event: MarketEvent) -> None:
        """Take one event; called after the public market took it."""


class Coming(Protocol):
    """What begins at instants of its own: faults."""

    def next_at(self) -> Time | None:
        """Return when something begins next."""

    def come(self, now: Time) -> None:
        """Let what is due begin."""


class PointMatching:
    """Orders meet the points of a spread candle; of its volume the fill model's share is there (trading-rules 5.4)."""

    def __init__(self, venue: TradingVenue, symbols: frozenset[str]) -> None:
        """Move these symbols of the venue."""
        self._venue = venue
        self._symbols = symbols
        self._begun: dict[str, CandleBegan] = {}
        self.drained: set[str] = set()  # a fault: there is trading, but nothing left to take

    def hear(self, event: MarketEvent) -> None:
        """Go to the price of every point; after a candle's end nothing may be taken before the next one."""
        if event.symbol not in self._symbols:
            return
        if isinstance(event, CandleBegan):
            self._begun[event.symbol] = event
        elif isinstance(event, Traded | Quoted):
            price = event.trade.price if isinstance(event, Traded) else event.price
            begun = self._begun.pop(event.symbol, None)
            volume = None if begun is None else begun.candle.volume
            if event.symbol in self.drained and volume:
                volume = CRUMB
            self._venue.price_moved(event.symbol, price, volume, event.at)
        elif isinstance(event, CandleEnded):
            self._venue.price_moved(event.symbol, event.candle.close, ZERO, event.at)


class MovingMarket:
    """The market as a clock without steps moves it: everything in order of time."""

    def __init__(self, market: PublicMarket, board: Board, matching: Iterable[Matching], coming: Coming) -> None:
        """Connect them; the public hears of an event before the accounts' orders meet it."""
        self._market = market
        self._board = board
        self._coming = coming
        self._ticked: Time = 0
        market.listeners += [each.hear for each in matching]

    def next_at(self) -> Time | None:
        """Return when something happens next."""
        found = [at for at in (self._market.next_at(), self._coming.next_at()) if at is not None]
        return min(found, default=None)

    def move(self, until: Time) -> None:
        """Let everything up to `until` happen, what begins at an instant before the market's own events there.

        However far it is, streams speak at the times at which they would have spoken.
        """
        while (at := self.next_at()) is not None and at <= until:
            if at - self._ticked >= TICK:
                self._board.tick(at)
                self._ticked = at
            self._coming.come(at)
            self._market.advance(at)
        self._board.tick(until)
        self._ticked = until


class SteppedMarket:
    """The market as the stepped clock moves it: candles as a session plays them, whole, at their close.

    The public sees a candle's prints when it closes, and the open of the next; orders are matched along the candle's
    path and then meet that open (trading-rules 5.1, 5.2).
    """

    def __init__(
        self, market: PublicMarket, board: Board, venue: TradingVenue, step: int, come: Callable[[Time], None]
    ) -> None:
        """Move these; instants are `step` microseconds apart; `come` lets what is due begin before each phase."""
        self._market = market
        self._come = come
        self._board = board
        self._venue = venue
        self._step = step
        self._ended: list[CandleEnded] = []
        self._began: list[CandleBegan] = []
        self._stands_at: Time = 0
        self.drained: set[str] = set()  # a fault: there is trading, but nothing left to take
        market.listeners.append(self._hear)

    def begin(self, now: Time) -> None:
        """Stand on the opens at `now`."""
        self._stands_at = now
        self._market.advance(now)
        self._open(now)

    def next_instant(self) -> Time | None:
        """Return the next close instant of the finest timeframe, also one without candles; None after the last."""
        at = self._market.next_at()
        if at is None:
            return None
        return min(at - at % -self._step, self._stands_at - self._stands_at % self._step + self._step)

    def move(self, move: Move) -> None:
        """Play one phase of an instant.

        Fills: the candles that close are matched, then orders meet the opens of the next. Candles: the public is told.
        """
        self._come(move.at)
        if move.phase == "fills":
            self._stands_at = move.at
            self._board.hold()
            self._market.advance(move.at)
            for ended in self._ended:
                self._venue.candle_closed(ended.candle, move.at)
            self._ended.clear()
            self._open(move.at)
        elif move.phase == "candles":
            self._board.release()
            self._board.tick(move.at)

    def _open(self, now: Time) -> None:
        for began in self._began:
            candle = began.candle
            if candle.symbol in self.drained and candle.volume:
                candle = replace(candle, volume=CRUMB)
            self._venue.candle_opens(candle, now)
        self._began.clear()

    def _hear(self, event: MarketEvent) -> None:
        if isinstance(event, CandleEnded):
            self._ended.append(event)
        elif isinstance(event, CandleBegan):
            self._began.append(event)
