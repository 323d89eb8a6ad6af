"""The market as it is told: streams over as many connections as they need, in order, no hole and nothing twice."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import aiohttp
from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.book_sequence import BookSequence
from roottrading.adapters.exchange.binance.streams.candle_sequence import CandleSequence
from roottrading.adapters.exchange.binance.streams.connection import Connection
from roottrading.adapters.exchange.binance.streams.connections import Connections, Listener
from roottrading.adapters.exchange.binance.streams.history import History, Question
from roottrading.adapters.exchange.binance.streams.local_book import LocalBook
from roottrading.adapters.exchange.binance.streams.newest import Newest
from roottrading.adapters.exchange.binance.streams.observations import MarketObservation
from roottrading.adapters.exchange.binance.streams.parsing import Heard, Parser
from roottrading.adapters.exchange.binance.streams.refetching import Refetcher, Sequence, sequence_of
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription
from roottrading.domain.candle import Candle
from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import LinkChanged

Deliver = Callable[[MarketObservation], None]


class _Entry(Struct):
    """A stream that is followed: its sequence, and the sequence's `observe` at hand."""

    subscription: Subscription
    sequence: Sequence
    observe: Callable[[Any, Time], tuple[MarketObservation, ...]]


class StreamsStatus(Struct, frozen=True):
    """Figures for health and metrics; counts are since the start.

    `strangers` is what was not understood; `frames` were read and dealt with, by the local address of their connection;
    `asking` questions to the history are under way.
    """

    connections: int
    serving: int
    streams: int
    attempts: int
    dropped: int
    counts: Mapping[str, int]
    strangers: Mapping[str, int]
    frames: Mapping[str, int]
    asking: int


class MarketStreams:
    """Delivers what is followed to `deliver`, called in the event loop: the next frame is read when it returns.

    What `deliver` raises ends `run`. `exchange_time` is the exchange's clock in microseconds (our clock, corrected);
    candles are judged by it, silence by a monotonic clock. `chance` in [0, 1) spreads what would collide.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        history: History,
        deliver: Deliver,
        *,
        exchange_time: Callable[[], Time],
        settings: StreamSettings | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Follow nothing yet."""
        self._settings = settings or StreamSettings()
        self._deliver = deliver
        self._exchange_time = exchange_time
        self._parser = Parser()
        self._refetcher = Refetcher(history, self._settings, exchange_time)
        listener = Listener(self._hear, self._tell, self._begin_anew)
        self._connections = Connections(session, self._settings, self._parser, listener, exchange_time, chance)
        self._entries: dict[str, _Entry] = {}
        self._not_followed = 0
        self._asking = 0

    def follow(self, subscriptions: Iterable[Subscription], first: Mapping[Subscription, int] | None = None) -> None:
        """Add streams, also while it runs; `first` names what is wanted first: a candle's open time, or a trade's id.

        From `first` on it is fetched; without it a stream begins with what it says first.
        """
        wanted = [each for each in subscriptions if each.name not in self._entries]
        for subscription in wanted:
            sequence = sequence_of(subscription, (first or {}).get(subscription), self._settings)
            self._entries[subscription.name] = _Entry(subscription, sequence, sequence.observe)
        self._connections.add(wanted)

    def unfollow(self, subscriptions: Iterable[Subscription]) -> None:
        """Leave streams out from now on, also while it runs."""
        self._connections.remove([each for each in subscriptions if self._entries.pop(each.name, None) is not None])

    def book(self, symbol: str) -> LocalBook | None:
        """Return the order book as of its newest update; None where there is none now.

        While a snapshot and the changes since are delivered, the book is ahead of them.
        """
        entry = self._entries.get(Subscription("depth", symbol).name)
        return entry.sequence.book if entry is not None and isinstance(entry.sequence, BookSequence) else None

    def status(self) -> StreamsStatus:
        """Return figures about the connections and what came over them."""
        connections = self._connections
        return StreamsStatus(
            connections=len(connections),
            serving=connections.serving,
            streams=len(self._entries),
            attempts=connections.counts["attempts"],
            dropped=sum(entry.sequence.dropped for entry in self._entries.values()),
            counts={**connections.counts, **self._refetcher.counts, "not followed": self._not_followed},
            strangers={f"{where}: {what}": count for (where, what), count in self._parser.strangers.counts.items()},
            frames=self.frames,
            asking=self._asking,
        )

    @property
    def frames(self) -> Mapping[str, int]:
        """Frames that were read and dealt with, by the local address of their connection."""
        return self._connections.frames

    @property
    def asking(self) -> int:
        """How many questions to the history are under way, or to be asked at the next look for what did not come."""
        now = self._exchange_time()
        sequences = [entry.sequence for entry in self._entries.values()]
        return self._asking + sum(isinstance(each, CandleSequence) and each.is_due(now) for each in sequences)

    async def run(self) -> None:
        """Hold the connections until it is canceled; ends by itself only with what `deliver` raised."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._connections.tick(tasks)
                now = self._exchange_time()
                for entry in self._entries.values():
                    question = entry.sequence.due(now)
                    if question is not None:
                        self._asking += 1
                        tasks.create_task(self._ask(entry, question))
                await asyncio.sleep(self._settings.tick / SECOND)

    def _hear(self, connection: Connection, heard: Heard) -> None:
        entry = self._entries.get(heard.stream)
        if entry is None:
            self._not_followed += 1
            return
        body = heard.body
        if type(body) is Candle and body.closed:
            connection.watch.missed(heard.stream, 0)
        for each in entry.observe(body, heard.said_at):
            self._deliver(each)

    def _tell(self, connection: int, state: str, reason: str) -> None:
        self._deliver(LinkChanged("", "", self._exchange_time(), f"streams {connection}", state, reason))

    def _begin_anew(self, streams: Iterable[str]) -> None:
        for name in streams:
            sequence = self._entries[name].sequence
            if isinstance(sequence, Newest):
                sequence.begin_anew()

    async def _ask(self, entry: _Entry, question: Question) -> None:
        name = entry.subscription.name
        try:
            answered = await self._refetcher.ask(entry.sequence, question)
            if self._entries.get(name) is entry:
                self._connections.missed(name, answered.candles)
                for said in answered.said:
                    self._deliver(said)
        finally:
            self._asking -= 1
