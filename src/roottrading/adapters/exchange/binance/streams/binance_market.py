"""The market alone, without a key: streams, history, clock and instruments of Binance or of a server like it."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.breaker import Breaker
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.doors import Doors
from roottrading.adapters.exchange.binance.first_questions import check_listed, learn_clock
from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.questions import Questions, Unanswered
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock, StandingClock
from roottrading.adapters.exchange.binance.settings import LinkSettings, roots_at
from roottrading.adapters.exchange.binance.streams.candle_sequence import CandlePatience
from roottrading.adapters.exchange.binance.streams.market_streams import Deliver, MarketStreams
from roottrading.adapters.exchange.binance.streams.observations import MarketObservation
from roottrading.adapters.exchange.binance.streams.rest_history import RestHistory
from roottrading.adapters.exchange.binance.streams.settings import SilenceBounds, StreamSettings
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import DAY, MILLISECOND, SECOND, Time
from roottrading.messages.exchange import InstrumentChanged, LinkChanged
from roottrading.messages.service import CandleMissing, CandleObserved

_LOG: Final = logging.getLogger(__name__)
_NO_PATIENCE: Final = CandlePatience(settled=0, absent=0, again=1)  # again at the next instant
_TICK: Final = 10 * MILLISECOND


class MarketEndpoints(Struct, frozen=True):
    """The two doors of market data: REST's root, and the streams' root."""

    rest: str
    streams: str


PUBLIC: Final = MarketEndpoints("https://data-api.binance.vision", "wss://data-stream.binance.vision")
LIVE: Final = MarketEndpoints("https://api.binance.com", "wss://stream.binance.com:9443")
TESTNET: Final = MarketEndpoints("https://testnet.binance.vision", "wss://stream.testnet.binance.vision")
DEMO: Final = MarketEndpoints("https://demo-api.binance.com", "wss://demo-stream.binance.com")


def market_endpoints_at(url: str) -> MarketEndpoints:
    """Return the doors of an exchange server that has both on one port (http://127.0.0.1:8080).

    Raises ValueError for what is no such address.
    """
    return MarketEndpoints(*roots_at(url))


class BinanceMarket:
    """Opens, delivers until it is canceled, closes. Instruments that change are delivered as InstrumentChanged.

    `budget` and `clock` may be those of a link to the account in the same process: both share one address and one
    exchange. `history` answers while the market is open.
    """

    def __init__(
        self,
        endpoints: MarketEndpoints,
        symbols: Sequence[str],
        deliver: Deliver,
        *,
        settings: LinkSettings | None = None,
        streams: StreamSettings | None = None,
        budget: Budget | None = None,
        clock: ServerClock | None = None,
    ) -> None:
        """Take whose market is wanted; nothing is sent before `open`."""
        self.instruments: dict[str, Instrument] = {}
        self._endpoints = endpoints
        self._symbols = tuple(symbols)
        self._deliver = deliver
        self._settings = settings or LinkSettings()
        rate = self._settings.clock_rate
        self._clock = clock or ServerClock(lambda: time.monotonic_ns() // 1_000, rate)
        stands = isinstance(self._clock, StandingClock)
        self._stream_settings = streams or stream_settings_at(endpoints.streams, rate, stands=stands)
        self._heard_until: Time = 0
        budget = budget or Budget()
        rest = Rest(endpoints.rest, self._settings, None, self._clock, budget)
        self._doors = Doors(rest, budget, Breaker(), self._clock, self._settings, self._tell)
        self._questions = Questions(self._doors, Reader())
        self._session: aiohttp.ClientSession | None = None
        self._streams: MarketStreams | None = None
        self.history = RestHistory(self._doors.public, 0 if stands else SECOND)

    async def open(self) -> None:
        """Learn the exchange's clock, limits and instruments. Raises LinkError where that is not possible."""
        await self._doors.rest.open()
        try:
            await self._learn()
        except BaseException:
            await self._doors.rest.close()
            raise
        self._session = aiohttp.ClientSession()
        self._streams = MarketStreams(
            self._session, self.history, self._hear, exchange_time=self._played, settings=self._stream_settings
        )

    async def close(self) -> None:
        """End all connections; to be called when `run` has ended."""
        if self._session is not None:
            await self._session.close()
        await self._doors.rest.close()

    def now(self) -> Time:
        """Return the exchange's time, never before the close of a candle that was delivered as closed."""
        return max(self._clock.now(), self._heard_until)

    def _played(self) -> Time:
        """Return the time up to which candles were sent: where the clock stands, those of its instant come later."""
        clock = self._clock
        return max(clock.candles_until, self._heard_until) if isinstance(clock, StandingClock) else self.now()

    @property
    def streams(self) -> MarketStreams:
        """The streams: to follow them, and for their status. Raises RuntimeError before `open`."""
        if self._streams is None:
            raise RuntimeError("the market is not open")
        return self._streams

    def follow(self, subscriptions: Iterable[Subscription], first: Mapping[Subscription, int] | None = None) -> None:
        """Follow streams, as MarketStreams.follow says."""
        self.streams.follow(subscriptions, first)

    async def run(self) -> None:
        """Deliver until it is canceled; ends by itself only with what the listener raised."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.streams.run())
            tasks.create_task(self._keep_looking())

    async def _learn(self) -> None:
        await learn_clock(self._doors.rest, self._clock)
        try:
            self.instruments = await self._questions.instruments(self._symbols)
        except Unanswered as error:
            raise LinkError(f"the exchange does not tell its symbols ({error}): check those configured") from None
        check_listed(self._symbols, self.instruments)

    async def _keep_looking(self) -> None:
        """Measure the clock and look at the instruments, again and again."""
        while True:
            await asyncio.sleep(self._settings.reconcile_every / SECOND)
            await self._doors.rest.measure_clock()
            try:
                found = await self._questions.instruments(self._symbols)
            except Unanswered as error:
                _LOG.warning("the exchange's instruments could not be looked at: %s", error)
                continue
            for symbol, instrument in found.items():
                if instrument != self.instruments.get(symbol):
                    self._deliver(InstrumentChanged(symbol, "", self.now(), instrument.status, instrument))
            self.instruments.update(found)

    def _hear(self, said: MarketObservation) -> None:
        if isinstance(said, CandleObserved) and said.candle.closed:
            self._heard_until = max(self._heard_until, said.candle.at)
        elif isinstance(said, CandleMissing):
            self._heard_until = max(self._heard_until, said.open_time)
        self._deliver(said)

    def _tell(self, part: str, state: str, reason: str) -> None:
        at = self.now() if self._clock.is_set else 0
        self._deliver(LinkChanged("", "", at, part, state, reason))


def stream_settings_at(
    url: str, rate: int = 1, *, stands: bool = False, usual: StreamSettings | None = None
) -> StreamSettings:
    """Return the usual settings; on a clock that runs `rate` times as fast a message's way takes as much longer.

    Where the clock `stands` between moves, streams are silent for as long as others think: only pings show life. And
    all candles of an instant were sent when it is said to be played: what lacks then is asked for at once.
    """
    usual = usual or StreamSettings()
    if stands:
        silence = SilenceBounds(usual=2**62, first=DAY, candles_missed=1_000)
        return replace(usual, url=url, patience=_NO_PATIENCE, silence=silence, tick=_TICK)
    patience = usual.patience
    patience = CandlePatience(patience.settled * rate, patience.absent * rate, patience.again * rate)
    return replace(usual, url=url, patience=patience)
