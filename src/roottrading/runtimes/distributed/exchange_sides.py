"""A process's own connection to the exchange: to the public market, or to the account with a key.

Either tells the exchange's time, the instruments and their changes, and hands what it hears to the units.
"""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Protocol

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import Endpoints, LinkSettings, Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.streams import MarketObservation, candles
from roottrading.adapters.exchange.binance.streams.binance_market import BinanceMarket, MarketEndpoints
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    EXIT,
    AccountChanged,
    AnyRequest,
    ExchangeEvent,
    ExchangeReply,
    InstrumentChanged,
    ListOpenOrders,
    Request,
)
from roottrading.messages.service import CandleMissing, CandleObserved
from roottrading.runtimes.distributed.sharding import shard_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.linked.warming import CandleHistory

Actors = Mapping[int, Actor]


class ExchangeSide(Protocol):
    """What a process sees of the exchange."""

    async def open(self) -> None:
        """Connect. Raises LinkError."""

    async def close(self) -> None:
        """End all connections."""

    def now(self) -> Time:
        """Return the exchange's time."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The symbols' filters."""

    def serve(self, actors: Actors) -> Awaitable[None]:
        """Hand what is heard to the units until cancelled: to those that there are then."""

    def take(self, symbols: Iterable[str], first: Mapping[str, Time]) -> None:
        """Look after these, too, whose units are there by now; candles are wanted from the `first` of each on."""

    def leave(self, symbols: Iterable[str]) -> None:
        """Look after these no longer: what is under way is heard to its end."""

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange."""

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""


class MarketSide:
    """The public market: without a key, and nothing can be sent."""

    def __init__(
        self, places: Places, symbols: Sequence[str], clock: ServerClock, settings: LinkSettings, finest: str = ""
    ) -> None:
        """Candles of `finest` are delivered where that is named: then nothing else is."""
        endpoints = MarketEndpoints(places.rest, places.streams)
        self._market = BinanceMarket(endpoints, symbols, self._hear, settings=settings, clock=clock)
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


class AccountSide:
    """The account: a trader carries requests out and hears all of its symbols, the books hear balances."""

    def __init__(
        self,
        role: str,
        places: Places,
        credentials: Credentials,
        symbols: Sequence[str],
        clock: ServerClock,
        settings: LinkSettings,
    ) -> None:
        self._trades = role == "trader"
        self._link = BinanceLink(Endpoints(places.rest, places.socket), credentials, symbols, settings, clock=clock)
        self._heard_at: Time = 0
        self._has_taken = False  # something: until then what the exchange says waits
        self.whole: AccountChanged | None = None  # the last answer to a question for all balances

    async def open(self) -> None:
        """Connect. Raises LinkError."""
        await self._link.open()

    async def close(self) -> None:
        """End all connections."""
        await self._link.close()

    def now(self) -> Time:
        """Return the exchange's time."""
        return max(self._link.now(), self._heard_at)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The symbols' filters."""
        return self._link.instruments

    def take(self, symbols: Iterable[str], first: Mapping[str, Time]) -> None:
        """Ask what is open, where the exchange's greeting was before; all else their units ask for themselves."""
        if self._has_taken and self._trades:
            self._link.send([ListOpenOrders(symbol, "", EXIT, self.now()) for symbol in symbols])
        self._has_taken = True

    def leave(self, symbols: Iterable[str]) -> None:
        """Nothing: the whole account is heard anyway, and what concerns no unit here is passed over."""

    async def serve(self, actors: Actors) -> None:
        """Hand what the account says to the units until cancelled: what was said at once is heard at once."""
        async for events in self._link.events():
            self._heard_at = max(self._heard_at, *(event.at for event in events))
            for event in events:
                if isinstance(event, AccountChanged) and event.client_order_id:
                    self.whole = event
            for shard, actor in actors.items():
                told = [event for event in events if self._concerns(event, shard)]
                if not told:
                    continue
                if self._trades:
                    actor.give([Given(told[0] if len(told) == 1 else ExchangeReply(tuple(told)))])
                else:
                    actor.give([Given(event) for event in told])

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out."""
        self._link.send(requests)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange."""
        return self._link.is_idle

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""
        return self._link.under_way

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""
        return self._link.frames

    def _concerns(self, event: ExchangeEvent, shard: int) -> bool:
        if self._trades:
            return not event.symbol or shard_of(event.symbol) == shard
        return isinstance(event, AccountChanged | InstrumentChanged)
