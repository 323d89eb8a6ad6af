"""Redis Pub/Sub: who listens hears at once, nobody else ever will."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from roottrading.adapters.bus.port import BusError, BusUnavailable, Ear, Heads, Sent, Unreadable
from roottrading.adapters.bus.redis_listener import RedisListener
from roottrading.adapters.bus.redis_subscription import Subscription, live_name, subscriptions
from roottrading.adapters.bus.redis_wire import Command, Wire, check, connect, place_of
from roottrading.adapters.bus.signing import HEADS, Seal, Unsigned
from roottrading.messages.envelope import Envelope

_LOG: Final = logging.getLogger(__name__)
_PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before the next try to connect
_TOLD: Final = 60.0  # seconds between two warnings of what cannot be read
_STEADY: Final = 5.0  # seconds of life after which a connection counts as a good one
_PASSING: Final = (BusError, OSError, TimeoutError)


def name_of(channel: str, envelope: Envelope) -> str:
    """Return the name under which a message is published: market data has one for each stream."""
    return live_name(channel, envelope.stream.partition("/")[2])


class RedisPubSub:
    """A connection for publishing, and one for each listener; each is made anew when it was cut."""

    def __init__(self, url: str, seal: Seal | None = None, patience: float = 5.0) -> None:
        """`url` is redis://[user:password@]host:port[/database] or unix://path?db=0. Raises BusError for another.

        A connection that is silent for `patience` seconds is asked whether it lives, and given up after as many more.
        """
        self._place = place_of(url)
        self._seal = Unsigned() if seal is None else seal
        self._patience = patience
        self._wire: Wire | None = None
        self._opened = False
        self._connecting = asyncio.Lock()
        self._reaching: asyncio.Task[None] | None = None
        self.unreadable = 0  # messages that were none, or not signed by whom they name
        self._told_at = -_TOLD
        self.reconnects = 0

    async def open(self) -> None:
        """Connect. Raises BusUnavailable, or BusError where the login is refused."""
        self._opened = True
        await self._connected()

    async def close(self) -> None:
        """End all connections."""
        self._opened = False
        if self._reaching is not None:
            self._reaching.cancel()
            self._reaching = None
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def publish(self, sent: Sequence[Sent]) -> Awaitable[None]:
        """Publish all of them in one trip. Raises BusUnavailable; the next call connects anew."""
        return self._send(self._commands(sent))

    def say(self, sent: Sequence[Sent]) -> None:
        """Publish where Redis is there now, and else see that it will be; works unopened, and with nothing to say."""
        if self._wire is None or not self._wire.is_open:
            if self._reaching is None or self._reaching.done():
                self._reaching = asyncio.create_task(self._reach())
        elif sent:
            self._wire.tell(self._commands(sent))

    async def tell_heads(self, heads: Heads) -> None:
        """Repeat the last sequences of a source's streams. Raises BusUnavailable."""
        await self._send([("PUBLISH", HEADS + heads.channel, self._seal.pack(heads.channel, heads))])

    async def listen(self, channels: Iterable[str], keys: Iterable[str] | None, ear: Ear) -> None:
        """Deliver until cancelled; a cut connection is made anew."""
        await self._stay(RedisListener(tuple(channels), keys, self._seal, ear, self._pass_over).run)

    async def notice(self, channels: Iterable[str], noticed: Callable[[], None]) -> None:
        """Tell until cancelled; a cut connection is made anew."""
        commands = subscriptions(channels, None, heads=False)
        await self._stay(Subscription(commands, lambda _: noticed(), lambda: None).run)

    # ---- inside

    def _pass_over(self, error: Unreadable) -> None:
        """Count it, and tell of the first one and then from time to time: whoever can write here can write often."""
        self.unreadable += 1
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= _TOLD:
            _LOG.warning("passed over on Redis (%d so far): %s", self.unreadable, error)
            self._told_at = now

    async def _stay(self, hear: Callable[[Wire], Awaitable[None]]) -> None:
        """Connect and hear, again and again."""
        tries = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                wire = await connect(self._place, self._patience)
                try:
                    if tries:
                        _LOG.info("Redis at %s is there again", self._place)
                    await hear(wire)
                finally:
                    wire.close()
            except _PASSING as error:
                if not tries:
                    what = error if isinstance(error, BusError) else f"Redis at {self._place} was lost: {error}"
                    _LOG.warning("%s; connecting again", what)
                if loop.time() - began > _STEADY:
                    tries = 0
                await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)] * random.uniform(0.5, 1.0))
                tries += 1
                self.reconnects += 1

    async def _reach(self) -> None:
        """Connect, and leave Redis alone for a while where that fails."""
        try:
            await self._connect()
        except _PASSING:
            await asyncio.sleep(_PAUSES[-1])

    async def _connected(self) -> Wire:
        if not self._opened:
            raise BusUnavailable("Redis is not connected: open it first")
        return await self._connect()

    async def _connect(self) -> Wire:
        async with self._connecting:
            if self._wire is None or not self._wire.is_open:
                self._wire = await connect(self._place, self._patience)
            return self._wire

    def _commands(self, sent: Sequence[Sent]) -> list[Command]:
        pack = self._seal.pack
        return [("PUBLISH", name_of(channel, each), pack(channel, each)) for channel, each in sent]

    def _send(self, commands: list[Command]) -> Awaitable[None]:
        """Send them now where that can be, and else when it can; await the answers."""
        wire = self._wire
        if not commands or wire is None or not wire.is_open:
            return self._sent(None, commands)
        return self._sent(wire.ask(commands), commands)

    async def _sent(self, asked: Awaitable[list[Any]] | None, commands: list[Command]) -> None:
        if not commands:
            return
        try:
            answers = await (asked or (await self._connected()).ask(commands))
        except (OSError, TimeoutError) as error:
            raise BusUnavailable(f"Redis at {self._place} did not take a message: {error}") from None
        for answer in answers:
            check(self._place, answer)
