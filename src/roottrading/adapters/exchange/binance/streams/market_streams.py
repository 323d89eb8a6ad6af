"""The market as it is told: streams over as many connections as they need, in order, no hole and nothing twice."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, Final

import aiohttp
from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.assignment import Assignment
from roottrading.adapters.exchange.binance.streams.book_sequence import BookSequence
from roottrading.adapters.exchange.binance.streams.connection import Connection, monotonic
from roottrading.adapters.exchange.binance.streams.history import History, Question
from roottrading.adapters.exchange.binance.streams.local_book import LocalBook
from roottrading.adapters.exchange.binance.streams.newest import Newest
from roottrading.adapters.exchange.binance.streams.observations import MarketObservation
from roottrading.adapters.exchange.binance.streams.pacing import Attempts
from roottrading.adapters.exchange.binance.streams.parsing import Heard, Parser
from roottrading.adapters.exchange.binance.streams.refetching import Refetcher, Sequence, sequence_of
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.silence import SilenceWatch
from roottrading.adapters.exchange.binance.streams.slot import Slot
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription
from roottrading.domain.candle import Candle
from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import LinkChanged

Deliver = Callable[[MarketObservation], None]

_LOG: Final = logging.getLogger(__name__)


class _Entry(Struct):
    """A stream that is followed: its sequence, and the sequence's `observe` at hand."""

    subscription: Subscription
    sequence: Sequence
    observe: Callable[[Any, Time], tuple[MarketObservation, ...]]


class _Open(Struct):
    """A connection with its slot, and when (by the exchange's clock) it began to serve."""

    connection: Connection
    slot: int
    serving_at: Time | None = None


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
        self._session = session
        self._settings = settings or StreamSettings()
        self._deliver = deliver
        self._exchange_time = exchange_time
        self._chance = chance
        self._parser = Parser()
        self._refetcher = Refetcher(history, self._settings, exchange_time)
        self._assignment = Assignment(self._settings.streams_a_connection)
        self._attempts = Attempts(self._settings.reconnecting)
        self._entries: dict[str, _Entry] = {}
        self._slots: dict[int, Slot] = {}
        self._open: dict[int, _Open] = {}
        self._watches: dict[int, SilenceWatch] = {}  # by slot: of the connection that served last
        self._numbers = count(1)
        self._counts: Counter[str] = Counter()
        self._judged_at: Time = 0
        self._asking = 0

    def follow(self, subscriptions: Iterable[Subscription], first: Mapping[Subscription, Time] | None = None) -> None:
        """Add streams, also while it runs; `first` names the open time of the first candle that is wanted.

        From `first` on the candles are fetched; without it a stream begins with what it says first.
        """
        wanted = [each for each in subscriptions if each.name not in self._entries]
        for subscription in wanted:
            sequence = sequence_of(subscription, (first or {}).get(subscription), self._settings)
            self._entries[subscription.name] = _Entry(subscription, sequence, sequence.observe)
        self._arrange(self._assignment.add(wanted))

    def unfollow(self, subscriptions: Iterable[Subscription]) -> None:
        """Leave streams out from now on, also while it runs."""
        gone = [each for each in subscriptions if self._entries.pop(each.name, None) is not None]
        self._arrange(self._assignment.remove(gone))

    def book(self, symbol: str) -> LocalBook | None:
        """Return the order book as of its newest update; None where there is none now.

        While a snapshot and the changes since are delivered, the book is ahead of them.
        """
        entry = self._entries.get(Subscription("depth", symbol).name)
        return entry.sequence.book if entry is not None and isinstance(entry.sequence, BookSequence) else None

    def status(self) -> StreamsStatus:
        """Return figures about the connections and what came over them."""
        return StreamsStatus(
            connections=len(self._open),
            serving=sum(each.serving_at is not None for each in self._open.values()),
            streams=len(self._entries),
            attempts=self._counts["attempts"],
            dropped=sum(entry.sequence.dropped for entry in self._entries.values()),
            counts={**self._counts, **self._refetcher.counts},
            strangers={f"{where}: {what}": count for (where, what), count in self._parser.strangers.counts.items()},
            frames={each.connection.local: each.connection.frames for each in self._open.values()},
            asking=self._asking,
        )

    async def run(self) -> None:
        """Hold the connections until it is canceled; ends by itself only with what `deliver` raised."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._tick(tasks)
                await asyncio.sleep(self._settings.tick / SECOND)

    def _arrange(self, changed: Iterable[int]) -> None:
        """Bring slots and connections in line with the assignment."""
        held = self._assignment.slots
        for number in changed:
            if number not in held:
                self._slots.pop(number, None)
                self._watches.pop(number, None)
            elif number not in self._slots:
                self._slots[number] = Slot(self._settings, self._attempts, lambda: next(self._numbers), self._chance)
        for each in self._open.values():
            if each.slot in changed:
                if each.slot in held:
                    each.connection.want(held[each.slot])
                else:
                    each.connection.close("none of its streams is followed any more")

    def _tick(self, tasks: asyncio.TaskGroup) -> None:
        now = monotonic()
        judging = now - self._judged_at >= self._settings.judging
        for number, slot in list(self._slots.items()):
            for action in slot.tick(now):
                if action.do == "open":
                    self._open_link(tasks, number, slot, action.link)
                elif action.link in self._open:
                    self._open[action.link].connection.close(action.why)
        for each in self._open.values():
            connection = each.connection
            connection.check(now)
            if connection.shutting_down:
                self._replace(each, now, "the server shuts down")
            elif judging and connection.served and (stall := connection.watch.stalled(now)):
                self._replace(each, now, stall)
        if judging:
            self._judged_at = now
        at = self._exchange_time()
        for entry in self._entries.values():
            question = entry.sequence.due(at)
            if question is not None:
                tasks.create_task(self._ask(entry, question))

    def _replace(self, link: _Open, now: Time, why: str) -> None:
        slot = self._slots.get(link.slot)
        if slot is not None and slot.replace(link.connection.number, now, why):
            self._counts["replaced"] += 1
            _LOG.warning("connection %d is replaced: %s", link.connection.number, why)

    def _open_link(self, tasks: asyncio.TaskGroup, number: int, slot: Slot, link: int) -> None:
        streams = self._assignment.slots[number]
        connection = Connection(
            link,
            self._session,
            self._settings,
            self._parser,
            streams,
            self._watches.get(number),
            slot.first_word,
            self._hear,
            self._serve,
        )
        self._open[link] = _Open(connection, number)
        self._counts["attempts"] += 1
        tasks.create_task(self._hold(connection, number, len(streams)))

    async def _hold(self, connection: Connection, number: int, streams: int) -> None:
        """Run a connection to its end, and tell its slot."""
        self._tell(connection, "opening", f"{streams} streams")
        try:
            why = await connection.run()
        finally:
            del self._open[connection.number]
        now = connection.watch.ended_at = monotonic()
        if connection.retry_after:
            self._attempts.hold_until(now + connection.retry_after)
        slot = self._slots.get(number)
        if slot is not None:
            slot.ended(connection.number, now)
            if connection.served:
                slot.lived(mute=not connection.heard_any)
            if slot.current is None:
                self._begin_anew(number)
        self._tell(connection, "ended", why)

    def _begin_anew(self, number: int) -> None:
        for name in self._assignment.slots.get(number, ()):
            sequence = self._entries[name].sequence
            if isinstance(sequence, Newest):
                sequence.begin_anew()

    def _serve(self, connection: Connection) -> None:
        link = self._open[connection.number]
        link.serving_at = self._exchange_time()
        self._watches[link.slot] = connection.watch
        slot = self._slots.get(link.slot)
        if slot is not None:
            slot.serving(connection.number, monotonic())
        self._tell(connection, "serving", f"{len(connection.watch.pulses)} streams")

    def _tell(self, connection: Connection, state: str, reason: str) -> None:
        part = f"streams {connection.number}"
        self._deliver(LinkChanged("", "", self._exchange_time(), part, state, reason))

    def _hear(self, connection: Connection, heard: Heard) -> None:
        entry = self._entries.get(heard.stream)
        if entry is None:
            self._counts["not followed"] += 1
            return
        body = heard.body
        if type(body) is Candle and body.closed:
            connection.watch.missed(heard.stream, 0)
        for each in entry.observe(body, heard.said_at):
            self._deliver(each)

    async def _ask(self, entry: _Entry, question: Question) -> None:
        name = entry.subscription.name
        self._asking += 1
        try:
            answered = await self._refetcher.ask(entry.sequence, question)
        finally:
            self._asking -= 1
        if self._entries.get(name) is not entry:
            return
        for each in self._open.values():
            if each.serving_at is not None:
                missed = sum(candle.at > each.serving_at for candle in answered.candles)
                if missed:
                    each.connection.watch.missed(name, missed)
        for said in answered.said:
            self._deliver(said)
