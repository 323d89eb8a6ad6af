"""Redis Pub/Sub: who listens hears at once, nobody else ever will."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub as Subscription
from redis.exceptions import RedisError

from roottrading.adapters.bus.port import BusUnavailable, Delivery, Heads, HearHeads, HearMany, Sent
from roottrading.messages.channels import MARKET
from roottrading.messages.codec import UnreadableMessage, decode, encode
from roottrading.messages.envelope import Envelope

_LOG: Final = logging.getLogger(__name__)
_HEADS: Final = "heads:"
_MOST: Final = 500
_SILENCE: Final = 5.0  # seconds after which the connection is asked whether it is alive
_PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before the next try to connect
_DECODE_HEADS: Final = msgspec.json.Decoder(Heads)
_FAILURES: Final = (RedisError, OSError, TimeoutError)


def name_of(channel: str, envelope: Envelope) -> str:
    """Return the name under which a message is published: market data has one for each stream."""
    return _live_name(channel, envelope.stream.partition("/")[2])


def _live_name(channel: str, key: str) -> str:
    return f"{channel}:{key.replace('/', ':')}" if channel == MARKET else channel


class RedisPubSub:
    """A connection for publishing, and one for each listener."""

    def __init__(self, url: str) -> None:
        """`url` is redis://[user:password@]host:port[/database]."""
        self._url = url
        self._client: Redis | None = None
        self.unreadable = 0  # messages that were none

    async def open(self) -> None:
        """Connect. Raises BusUnavailable."""
        client = self._connect()
        try:
            await client.ping()
        except _FAILURES as error:
            await client.aclose()
            raise BusUnavailable(f"Redis at {self._shown()} does not answer ({error}): is it running?") from None
        self._client = client

    async def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Publish all of them in one trip. Raises BusUnavailable."""
        await self._send([(name_of(channel, envelope), encode(envelope)) for channel, envelope in sent])

    async def tell_heads(self, heads: Heads) -> None:
        """Repeat the last sequences of a source's streams. Raises BusUnavailable."""
        await self._send([(_HEADS + heads.channel, msgspec.json.encode(heads))])

    async def listen(
        self,
        channels: Iterable[str],
        keys: Iterable[str] | None,
        hear: HearMany,
        hear_heads: HearHeads,
        listening: Callable[[], None],
    ) -> None:
        """Deliver until cancelled; a cut connection is made anew."""
        listener = _Listener(channels, keys, hear, hear_heads, listening)
        tries = 0
        while True:
            client = self._connect()
            try:
                async with client.pubsub() as subscription:
                    await listener.subscribe(subscription)
                    tries = 0
                    await listener.deliver(subscription)
            except _FAILURES as error:
                _LOG.warning("Redis at %s was lost (%s): connecting again", self._shown(), error)
                await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
                tries += 1
            finally:
                self.unreadable += listener.take_unreadable()
                with suppress(*_FAILURES):
                    await client.aclose()

    def _connect(self) -> Redis:
        return Redis.from_url(self._url, socket_connect_timeout=5, socket_timeout=10)

    async def _send(self, messages: Sequence[tuple[str, bytes]]) -> None:
        if self._client is None:
            raise BusUnavailable("Redis is not connected: open it first")
        pipeline = self._client.pipeline(transaction=False)
        for name, data in messages:
            pipeline.publish(name, data)
        try:
            await pipeline.execute()
        except _FAILURES as error:
            raise BusUnavailable(f"Redis at {self._shown()} did not take a message: {error}") from None

    def _shown(self) -> str:
        return self._url.rpartition("@")[2].removeprefix("redis://")


class _Listener:
    """What one listener wants, and the reading of it."""

    def __init__(
        self,
        channels: Iterable[str],
        keys: Iterable[str] | None,
        hear: HearMany,
        hear_heads: HearHeads,
        listening: Callable[[], None],
    ) -> None:
        self._channels = tuple(channels)
        self._keys = None if keys is None else frozenset(keys)
        self._hear = hear
        self._hear_heads = hear_heads
        self._listening = listening
        self._unreadable = 0

    async def subscribe(self, subscription: Subscription) -> None:
        """Return when everything said from now on will be heard."""
        names = {_HEADS + channel for channel in self._channels}
        patterns = set()
        for channel in self._channels:
            if channel != MARKET:
                names.add(channel)
            elif self._keys is None:
                patterns.add(f"{channel}:*")
            else:
                names |= {_live_name(channel, key) for key in self._keys}
        await subscription.subscribe(*names)
        if patterns:
            await subscription.psubscribe(*patterns)
        waited_for = len(names) + len(patterns)
        while waited_for:
            told = await subscription.get_message(timeout=5)
            if told is None:
                raise TimeoutError("a subscription was not confirmed")
            if told["type"] in {"subscribe", "psubscribe"}:
                waited_for -= 1
        self._listening()

    async def deliver(self, subscription: Subscription) -> None:
        """Hand messages on, those together that are there."""
        while True:
            told = await subscription.get_message(timeout=_SILENCE)
            if told is None:
                async with asyncio.timeout(_SILENCE):
                    await subscription.ping()
                continue
            batch: list[Delivery] = []
            while told is not None:
                self._read(told, batch)
                told = await subscription.get_message(timeout=0) if len(batch) < _MOST else None
            if batch:
                await self._hear(batch)

    def take_unreadable(self) -> int:
        """Return how many messages could not be read since the last time."""
        found, self._unreadable = self._unreadable, 0
        return found

    def _read(self, told: dict[str, Any], batch: list[Delivery]) -> None:
        if told["type"] not in {"message", "pmessage"}:
            if told["type"] in {"subscribe", "psubscribe"}:
                self._listening()  # the library connected anew by itself: messages may be lost
            return
        name = told["channel"].decode()
        try:
            if name.startswith(_HEADS):
                self._hear_heads(_DECODE_HEADS.decode(told["data"]))
                return
            envelope = decode(told["data"])
        except (UnreadableMessage, msgspec.DecodeError) as error:
            self._unreadable += 1
            _LOG.warning("a message on %s cannot be read: %s", name, error)
            return
        channel = envelope.stream.partition("/")[0]
        if self._keys is None or envelope.stream.partition("/")[2] in self._keys:
            batch.append(Delivery(channel, envelope))
