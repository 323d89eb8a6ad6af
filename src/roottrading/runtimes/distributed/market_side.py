"""A process's own connection to the public market: candles, instruments and their changes, without a key."""

from collections.abc import Iterable, Mapping, Sequence

from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings, Places
from roottrading.adapters.exchange.binance.streams import MarketObservation, candles
from roottrading.adapters.exchange.binance.streams.binance_market import BinanceMarket, MarketEndpoints
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest, InstrumentChanged, Request
from roottrading.messages.service import CandleMissing, CandleObserved
from roottrading.runtimes.distributed.exchange_side import Actors
from roottrading.runtimes.distributed.sharding import shard_of
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.linked.warming import CandleHistory


class MarketSide:
    """The public market: without a key, and nothing can be sent."""

    def __init__(
        self,
        places: Places,
        symbols: Sequence[str],
        clock: ServerClock,
        settings: LinkSettings,
        finest: str = "",
        streams: StreamSettings | None = None,
    ) -> None:
        """Candles of `finest` are delivered where that is named: then nothing else is."""
        endpoints = MarketEndpoints(places.rest, places.streams)
        self._market = BinanceMarket(endpoints, symbols, self._hear, settings=settings, streams=streams, clock=clock)
        self._finest = finest
        self._actors: Actors = {}

    async def open(self) -> None:
        """Connect. Raises LinkError."""
        await self._market.open()

    async def close(self) -> None:
        """End all connections."""
        await self._market.close()

    def now(self) -> Time:
        """Return the exchange's time."""
        return self._market.now()

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The symbols' filters."""
        return self._market.instruments

    @property
    def history(self) -> CandleHistory:
        """The candles of the past."""
        return self._market.history

    def take(self, symbols: Iterable[str], first: Mapping[str, Time]) -> None:
        """Have candles delivered, each symbol's from the one that opens at its `first` on."""
        if self._finest:
            wanted = {candles(symbol, self._finest): at for symbol, at in first.items()}
            self._market.follow(wanted, wanted)

    def leave(self, symbols: Iterable[str]) -> None:
        """Have none delivered any more."""
        if self._finest:
            self._market.streams.unfollow([candles(symbol, self._finest) for symbol in symbols])

    async def serve(self, actors: Actors) -> None:
        """Hand candles, or instruments that changed, to the units until cancelled."""
        self._actors = actors
        for symbol, known in self._market.instruments.items():  # what was kept of statuses and filters may be older
            self._hear(InstrumentChanged(symbol, "", self.now(), known.status, known))
        await self._market.run()

    def prepare(self, requests: Sequence[Request]) -> None:
        """Nothing: there is no key here."""

    def send(self, requests: Sequence[Request]) -> None:
        """Refuse: there is no key here."""
        raise RuntimeError(f"{len(requests)} requests of a service that has no key: none was sent")

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being asked."""
        return not self._market.streams.asking

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """Nothing."""
        return ()

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""
        return self._market.streams.frames

    def _hear(self, said: MarketObservation) -> None:
        if isinstance(said, CandleMissing):
            self._give(said.symbol, said)
        elif isinstance(said, CandleObserved):
            if said.candle.closed:
                self._give(said.candle.symbol, said)
        elif isinstance(said, InstrumentChanged) and not self._finest:
            for actor in self._actors.values():
                actor.give([Given(said)])

    def _give(self, symbol: str, said: CandleMissing | CandleObserved) -> None:
        actor = self._actors.get(shard_of(symbol))
        if actor is not None:
            actor.give([Given(said)])
