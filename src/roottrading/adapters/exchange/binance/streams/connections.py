"""The connections that hold the streams: opened, replaced and given up as their slots decide, each told apart."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Final

import aiohttp
from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.assignment import Assignment
from roottrading.adapters.exchange.binance.streams.connection import Connection, monotonic
from roottrading.adapters.exchange.binance.streams.pacing import Attempts
from roottrading.adapters.exchange.binance.streams.parsing import Heard, Parser
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.silence import SilenceWatch
from roottrading.adapters.exchange.binance.streams.slot import Slot
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time

_LOG: Final = logging.getLogger(__name__)


class _Open(Struct):
    """A connection with its slot, and when (by the exchange's clock) it began to serve."""

    connection: Connection
    slot: int
    serving_at: Time | None = None


class Listener(Struct, frozen=True):
    """Who hears: `hear` every event, `tell` what became of a connection (number, state, reason).

    `lost` is given the streams of a slot that has no connection any more: nothing is repeated to them.
    """

    hear: Callable[[Connection, Heard], None]
    tell: Callable[[int, str, str], None]
    lost: Callable[[Iterable[str]], None]


class Connections:
    """Streams by connection, as many connections as are needed; moved by `tick`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: StreamSettings,
        parser: Parser,
        listener: Listener,
        exchange_time: Callable[[], Time],
        chance: Callable[[], float],
    ) -> None:
        """Hold nothing yet; `counts` are of attempts and replacements."""
        self.counts: Counter[str] = Counter()
        self._session = session
        self._settings = settings
        self._parser = parser
        self._listener = listener
        self._exchange_time = exchange_time
        self._chance = chance
        self._assignment = Assignment(settings.streams_a_connection)
        self._attempts = Attempts(settings.reconnecting)
        self._slots: dict[int, Slot] = {}
        self._open: dict[int, _Open] = {}
        self._watches: dict[int, SilenceWatch] = {}  # by slot: of the connection that served last
        self._numbers = count(1)
        self._judged_at: Time = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def serving(self) -> int:
        """How many have all their streams."""
        return sum(each.serving_at is not None for each in self._open.values())

    @property
    def frames(self) -> dict[str, int]:
        """Frames that were read and dealt with, by the connection's local address."""
        connections = [each.connection for each in self._open.values()]
        return {connection.local: connection.frames for connection in connections if connection.local}

    def add(self, subscriptions: Iterable[Subscription]) -> None:
        """Hold these streams from now on."""
        self._arrange(self._assignment.add(subscriptions))

    def remove(self, subscriptions: Iterable[Subscription]) -> None:
        """Hold these streams no longer."""
        self._arrange(self._assignment.remove(subscriptions))

    def missed(self, stream: str, candles: Sequence[Candle]) -> None:
        """Take candles that the history has: a connection that was to bring one, and did not, may be stalled."""
        for each in self._open.values():
            serving_at = each.serving_at
            if serving_at is not None and (missed := sum(candle.at > serving_at for candle in candles)):
                each.connection.watch.missed(stream, missed)

    def tick(self, tasks: asyncio.TaskGroup) -> None:
        """Look at the time: open, replace and give up what is due; connections live in `tasks`."""
        now = monotonic()
        for number, slot in list(self._slots.items()):
            for action in slot.tick(now):
                if action.do == "open":
                    self._begin(tasks, number, slot, action.link)
                elif action.link in self._open:
                    self._open[action.link].connection.close(action.why)
        judging = now - self._judged_at >= self._settings.judging
        if judging:
            self._judged_at = now
        for each in self._open.values():
            connection = each.connection
            connection.check(now)
            if connection.shutting_down:
                self._replace(each, now, "the server shuts down")
            elif judging and connection.served and (stall := connection.watch.stalled(now)):
                self._replace(each, now, stall)

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

    def _replace(self, link: _Open, now: Time, why: str) -> None:
        slot = self._slots.get(link.slot)
        if slot is not None and slot.replace(link.connection.number, now, why):
            self.counts["replaced"] += 1
            _LOG.warning("connection %d is replaced: %s", link.connection.number, why)

    def _begin(self, tasks: asyncio.TaskGroup, number: int, slot: Slot, link: int) -> None:
        connection = Connection(
            link,
            self._session,
            self._settings,
            self._parser,
            self._assignment.slots[number],
            self._watches.get(number),
            slot.first_word,
            self._listener.hear,
            self._serve,
        )
        self._open[link] = _Open(connection, number)
        self.counts["attempts"] += 1
        tasks.create_task(self._hold(connection, number))

    async def _hold(self, connection: Connection, number: int) -> None:
        """Run a connection to its end, and tell its slot."""
        self._listener.tell(connection.number, "opening", _streams(connection))
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
                self._listener.lost(self._assignment.slots.get(number, ()))
        self._listener.tell(connection.number, "ended", why)

    def _serve(self, connection: Connection) -> None:
        link = self._open[connection.number]
        link.serving_at = self._exchange_time()
        slot = self._slots.get(link.slot)
        if slot is not None:
            slot.serving(connection.number, monotonic())
            self._watches[link.slot] = connection.watch
        self._listener.tell(connection.number, "serving", _streams(connection))


def _streams(connection: Connection) -> str:
    return f"{len(connection.watch.pulses)} streams"
