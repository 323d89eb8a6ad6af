"""A listener on Redis Pub/Sub: what it subscribes to, and the reading of one connection after the other."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import hiredis

from roottrading.adapters.bus.port import BusError, Delivery, HearHeads, HearMany, Unreadable
from roottrading.adapters.bus.redis_wire import Command, Wire
from roottrading.adapters.bus.signing import HEADS, Seal
from roottrading.messages.channels import MARKET

_LOG: Final = logging.getLogger(__name__)
_FULL: Final = 20_000  # messages that wait: more are not read for now, and Redis has to keep them
_MOST: Final = 500  # messages that are delivered together
_MARKET: Final = f"{MARKET}:"
_CONFIRMED: Final = frozenset({b"subscribe", b"psubscribe"})


def live_name(channel: str, key: str) -> str:
    """Return the name of a channel on Redis: market data has one for each symbol and timeframe."""
    return f"{channel}:{key.replace('/', ':')}" if channel == MARKET else channel


class RedisListener:
    """What one listener wants to hear, and where it goes."""

    def __init__(
        self,
        channels: tuple[str, ...],
        keys: Iterable[str] | None,
        seal: Seal,
        hear: HearMany,
        hear_heads: HearHeads,
        listening: Callable[[], None],
    ) -> None:
        self._channels = channels
        self._keys = None if keys is None else frozenset(keys)
        self._seal = seal
        self._hear = hear
        self._hear_heads = hear_heads
        self._listening = listening
        self._waiting: list[Any] = []
        self._news = asyncio.Event()
        self._unreadable = 0

    async def run(self, wire: Wire) -> None:
        """Subscribe and deliver until cancelled or the connection ends. Raises OSError, TimeoutError or BusError."""
        self._waiting = []
        self._news.clear()

        def take(answers: list[Any]) -> None:
            self._waiting += answers
            self._news.set()
            if len(self._waiting) > _FULL:
                wire.pause()

        wire.hear = take
        wire.lost.add_done_callback(lambda _: self._news.set())
        subscriptions = self._subscriptions()
        wire.send(subscriptions)
        unconfirmed = sum(len(command) - 1 for command in subscriptions)
        while True:
            if not self._waiting:
                await self._wait(wire)
            answers, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            if len(self._waiting) <= _FULL:
                wire.resume()
            if unconfirmed:
                unconfirmed -= sum(_confirms(answer) for answer in answers)
                if not unconfirmed:
                    self._listening()
            await self._deliver(answers)

    def take_unreadable(self) -> int:
        """Return how many messages could not be read since the last time."""
        found, self._unreadable = self._unreadable, 0
        return found

    # ---- inside

    def _subscriptions(self) -> list[Command]:
        names = [HEADS + channel for channel in self._channels]
        patterns: list[str] = []
        for channel in self._channels:
            if channel != MARKET:
                names.append(channel)
            elif self._keys is None:
                patterns.append(f"{channel}:*")
            else:
                names += sorted(live_name(channel, key) for key in self._keys)
        found: list[Command] = [("SUBSCRIBE", *names)]
        return [*found, ("PSUBSCRIBE", *patterns)] if patterns else found

    async def _wait(self, wire: Wire) -> None:
        """Wait for news; after a silence ask whether anybody is there, for a cut may be heard by nobody."""
        asked = False
        while not self._waiting:
            if wire.lost.done():
                raise ConnectionResetError("the connection was cut")
            self._news.clear()
            try:
                async with asyncio.timeout(wire.patience):
                    await self._news.wait()
            except TimeoutError:
                if asked:
                    raise TimeoutError(f"no answer for {wire.patience:g} s") from None
                wire.send([("PING",)])
                asked = True

    async def _deliver(self, answers: list[Any]) -> None:
        batch: list[Delivery] = []
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                raise BusError(f"Redis refuses: {answer}")
            if not isinstance(answer, list) or answer[0] not in {b"message", b"pmessage"}:
                continue
            name, data = answer[-2].decode(), answer[-1]
            try:
                if name.startswith(HEADS):
                    heads = self._seal.heads(name.removeprefix(HEADS), data)
                    if batch:  # what was said before them is not missed
                        await self._hear(batch)
                        batch = []
                    self._hear_heads(heads)
                    continue
                channel = MARKET if name.startswith(_MARKET) else name
                envelope = self._seal.envelope(channel, data)
            except Unreadable as error:
                self._unreadable += 1
                _LOG.warning("passed over: %s", error)
                continue
            if self._keys is None or envelope.stream.partition("/")[2] in self._keys:
                batch.append(Delivery(channel, envelope))
        if batch:
            await self._hear(batch)


def _confirms(answer: object) -> bool:
    return isinstance(answer, list) and answer[0] in _CONFIRMED
