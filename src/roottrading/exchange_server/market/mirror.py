"""Mirroring another exchange's public market: its past is fetched, its streams are followed, and silence is noticed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.streams import HistoryUnavailable, StreamSettings, Subscription, candles
from roottrading.adapters.exchange.binance.streams.binance_market import (
    BinanceMarket,
    MarketEndpoints,
    stream_settings_at,
)
from roottrading.adapters.exchange.binance.streams.history import TRADES_A_QUESTION
from roottrading.adapters.exchange.binance.streams.observations import (
    FullCandle,
    MarketObservation,
    PublicTrade,
    TradesLost,
)
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import DAY, MINUTE, SECOND, Time
from roottrading.exchange_server.assembly import Exchange
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.market.mirror_source import MirrorSource
from roottrading.exchange_server.market.mirrored_market import MirroredMarket, print_of
from roottrading.exchange_server.market.opening import OpenedMarket
from roottrading.messages.exchange import InstrumentChanged

PAST: Final = 14 * DAY  # of the candles that are fetched at the start
LATE: Final = 15 * SECOND  # after its end, when a minute's candle must have come
HALTED: Final = "HALT"
_PAGES: Final = 50  # of trades at most, for the minute in which the mirror begins
_TRIES: Final = 60
_PAUSE: Final = 0.5  # seconds between two tries
_LOOK: Final = 0.1  # seconds between two looks at who is silent
_LOG: Final = logging.getLogger(__name__)
Found = TypeVar("Found")


class Mirror:
    """Opens, is attached to the exchange that shows it, and runs until it is canceled; then closes.

    A symbol whose present is not known - the connection is cut, its book is lost, its candle is late - is halted:
    nothing is matched, orders and questions about it are refused. It trades again when all of it is known again.
    """

    def __init__(
        self,
        endpoints: MarketEndpoints,
        symbols: tuple[str, ...],
        streams: StreamSettings | None = None,
        rate: int = 1,
        look_every: Time = MINUTE,
    ) -> None:
        """Take where the market is, and how many of its seconds pass in one of ours; nothing is sent before `open`.

        Clock and symbols are looked at `look_every` microseconds of ours.
        """
        self._endpoints = endpoints
        self._symbols = tuple(sorted(set(symbols)))
        self._rate = rate
        self._data = BinanceMarket(
            endpoints,
            self._symbols,
            self._hear,
            settings=LinkSettings(clock_rate=rate, reconcile_every=look_every),
            streams=stream_settings_at(endpoints.streams, rate, usual=streams),
        )
        self._exchange: Exchange | None = None
        self._market = MirroredMarket((), 0)
        self._statuses: dict[str, str] = {}

    async def open(self) -> OpenedMarket:
        """Connect and fetch the past. Raises LinkError naming what could not be reached."""
        try:
            await self._data.open()
        except LinkError as error:
            raise LinkError(f"the market at {self._endpoints.rest} cannot be mirrored: {error}") from None
        try:
            return await self._learn()
        except BaseException:
            await self._data.close()
            raise

    async def close(self) -> None:
        """End all connections."""
        await self._data.close()

    def wall(self) -> float:
        """Return the mirrored exchange's time in seconds: the clock of the mirror follows it."""
        return self._data.now() / SECOND

    def attach(self, exchange: Exchange) -> None:
        """Show the market on this exchange, which was put together over it; everything is halted until it is known."""
        self._exchange = exchange
        for symbol in self._symbols:
            exchange.venue.set_status(symbol, HALTED, exchange.clock.now())

    @property
    def halted(self) -> tuple[str, ...]:
        """The symbols whose present is not known."""
        return tuple(symbol for symbol, source in self._market.sources.items() if source.is_stale)

    async def run(self) -> None:
        """Follow the market until it is canceled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._data.run())
            tasks.create_task(self._watch())

    # ---- the past

    async def _learn(self) -> OpenedMarket:
        now = self._data.now()
        final = now - now % MINUTE
        sources = await asyncio.gather(*(self._source(symbol, final) for symbol in self._symbols))
        now = self._data.now()
        self._market = MirroredMarket(sources, now)
        instruments = {symbol: self._data.instruments[symbol] for symbol in self._symbols}
        self._statuses = {symbol: instrument.status for symbol, instrument in instruments.items()}
        return OpenedMarket(self._market, instruments, now, 0, frozenset(self._symbols))

    async def _source(self, symbol: str, final: Time) -> MirrorSource:
        """Fetch a symbol's past, minutes until `final` and prints since, and follow its streams from there on."""
        minutes = [_kline(each) for each in await self._past(symbol, final)]
        prints = await self._prints_since(symbol, final)
        self._follow(symbol, final, prints[-1].trade_id + 1 if prints else None)
        source = MirrorSource(symbol, minutes, final)
        for told in prints:
            source.print(print_of(told))
        return source

    def _follow(self, symbol: str, final: Time, trade: int | None) -> None:
        kline, trades = candles(symbol, "1m"), Subscription("trades", symbol)
        first = {kline: final} if trade is None else {kline: final, trades: trade}
        others = (Subscription(kind, symbol) for kind in ("aggregate_trades", "best_quote", "depth"))
        self._data.follow((kline, trades, *others), first)

    async def _past(self, symbol: str, end: Time) -> list[FullCandle]:
        """Fetch the minutes that were over by `end`."""
        found: list[FullCandle] = []
        start = max(end - PAST, 0)
        while start < end:
            page = await _patiently(partial(self._data.history.full_klines, symbol, "1m", start, end))
            closed = [each for each in page if each.candle.closed]
            found += closed
            if not closed:
                break
            start = closed[-1].candle.at
        return found

    async def _prints_since(self, symbol: str, start: Time) -> list[PublicTrade]:
        """Fetch the newest prints, and all that came since `start` or as many as can be had in reason."""
        found = list(await _patiently(partial(self._data.history.newest_trades, symbol)))
        for _ in range(_PAGES):
            if not found or found[0].at < start or not found[0].trade_id:
                break
            last = found[0].trade_id - 1
            first = max(last - TRADES_A_QUESTION + 1, 0)
            earlier = await _patiently(partial(self._data.history.public_trades, symbol, False, first, last))
            if not earlier:
                break
            found = [*earlier, *found]
        return found

    # ---- the present

    def _hear(self, said: MarketObservation) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        now = exchange.clock.now()
        if isinstance(said, InstrumentChanged):
            self._statuses[said.symbol] = said.status
            if said.instrument is not None:
                exchange.venue.change_filters(said.instrument, now)
            if not self._market.sources[said.symbol].is_stale:
                exchange.venue.set_status(said.symbol, said.status, now)
            return
        if isinstance(said, TradesLost):
            _LOG.warning("%s: trades %d to %d are not known", said.symbol, said.first, said.last)
        self._market.hear(said, now)

    async def _watch(self) -> None:
        """Halt what is not known, and let it trade again when it is."""
        exchange = self._exchange
        assert exchange is not None  # it was attached
        lost: set[str] = set()
        while True:
            now, serving = exchange.clock.now(), self._data.streams.status().serving
            for symbol, source in self._market.sources.items():
                late = now > source.final + MINUTE + LATE * self._rate
                stale = late or not serving or symbol in self._market.without_book
                if stale != source.is_stale:
                    source.is_stale = stale
                    exchange.venue.set_status(symbol, HALTED if stale else self._statuses[symbol], now)
                    if not stale:
                        exchange.venue.book_moved(symbol, now)
                    if stale:
                        _LOG.warning("%s: it is halted, its market is not known", symbol)
                        lost.add(symbol)
                    elif symbol in lost:
                        _LOG.warning("%s: its market is known again", symbol)
            await asyncio.sleep(_LOOK)


async def _patiently(ask: Callable[[], Awaitable[Found]]) -> Found:
    """Ask again while there is no answer. Raises LinkError where there never is one."""
    for _ in range(_TRIES):
        try:
            return await ask()
        except HistoryUnavailable as error:
            reason = error
            await asyncio.sleep(_PAUSE)
    raise LinkError(f"the market's past cannot be fetched: {reason}")


def _kline(told: FullCandle) -> Kline:
    candle = told.candle
    return Kline(
        candle.open_time,
        candle.at,
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        told.quote_volume,
        told.trades,
        told.taker_base,
        told.taker_quote,
    )
