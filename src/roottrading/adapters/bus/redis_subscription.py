"""A connection to Redis that only hears: what it subscribes to, and whether it still lives."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from roottrading.adapters.bus.redis_wire import Command, Wire
from roottrading.adapters.bus.signing import HEADS
from roottrading.messages.channels import MARKET

_CONFIRMED: Final = frozenset({b"subscribe", b"psubscribe"})


def live_name(channel: str, key: str) -> str:
    """Return the name of a channel on Redis: market data has one for each symbol and timeframe."""
    return f"{channel}:{key.replace('/', ':')}" if channel == MARKET else channel


def subscriptions(channels: Iterable[str], keys: Iterable[str] | None, heads: bool) -> list[Command]:
    """Return what subscribes to channels, market data of some `keys` only where they are given, and to their heads."""
    channels = tuple(channels)
    names = [HEADS + channel for channel in channels] if heads else []
    patterns: list[str] = []
    for channel in channels:
        if channel != MARKET:
            names.append(channel)
        elif keys is None:
            patterns.append(f"{channel}:*")
        else:
            names += sorted(live_name(channel, key) for key in keys)
    found: list[Command] = [("SUBSCRIBE", *names)] if names else []
    return [*found, ("PSUBSCRIBE", *patterns)] if patterns else found


class Subscription:
    """What is said on some channels, from one connection after the other.

    `hear` is given answers where they are read, in the event loop's pass: whoever can act at once does. `confirmed` is
    called when everything that is said from now on will be heard.
    """

    def __init__(
        self, commands: list[Command], hear: Callable[[list[Any]], None], confirmed: Callable[[], None]
    ) -> None:
        self._commands = commands
        self._hear = hear
        self._confirmed = confirmed
        self._loop = asyncio.get_running_loop()
        self._unconfirmed = 0
        self._heard_at = 0.0
        self._end: asyncio.Future[None] = self._loop.create_future()

    async def run(self, wire: Wire) -> None:
        """Hear until cancelled or something ends it: OSError, TimeoutError, or what hearing raised.

        After a silence the other side is asked whether it is there, for a cut may be heard by nobody.
        """
        self._end = end = self._loop.create_future()
        self._unconfirmed = sum(len(command) - 1 for command in self._commands)
        self._heard_at = self._loop.time()
        wire.hear = self._take
        wire.lost.add_done_callback(lambda _: self._cut(end))
        wire.send(self._commands)
        asked_at = 0.0
        try:
            while not end.done():
                since = max(self._heard_at, asked_at)
                await asyncio.wait([end], timeout=max(0.0, since + wire.patience - self._loop.time()))
                if end.done() or self._loop.time() < max(self._heard_at, asked_at) + wire.patience:
                    continue
                if asked_at > self._heard_at:
                    raise TimeoutError(f"no answer for {wire.patience:g} s")
                wire.send([("PING",)])
                asked_at = self._loop.time()
            end.result()
        finally:
            end.cancel()
            wire.hear = _nobody

    def fail(self, error: Exception) -> None:
        """End it with an error."""
        if not self._end.done():
            self._end.set_exception(error)

    # ---- inside

    def _take(self, answers: list[Any]) -> None:
        self._heard_at = self._loop.time()
        if self._end.done():
            return
        if self._unconfirmed:
            self._unconfirmed -= sum(_confirms(answer) for answer in answers)
            if not self._unconfirmed:
                self._confirmed()
        try:
            self._hear(answers)
        except Exception as error:
            self.fail(error)

    def _cut(self, end: "asyncio.Future[None]") -> None:
        if not end.done():
            end.set_exception(ConnectionResetError("the connection was cut"))


def _confirms(answer: object) -> bool:
    return isinstance(answer, list) and answer[0] in _CONFIRMED


def _nobody(_: list[Any]) -> None:
    """Hear nothing more of a connection that is being left."""
