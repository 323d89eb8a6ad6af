"""A listener on Redis Pub/Sub: messages are read and handed on where they come, as long as there is room for them."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import hiredis

from roottrading.adapters.bus.port import BusError, Delivery, Ear, Unreadable
from roottrading.adapters.bus.redis_subscription import Subscription, subscriptions
from roottrading.adapters.bus.redis_wire import Wire
from roottrading.adapters.bus.signing import HEADS, Seal
from roottrading.messages.channels import MARKET

_FULL: Final = 20_000  # messages that wait: more are not read for now, and Redis has to keep them
_MOST: Final = 500  # messages that are delivered together
_LOOKS: Final = 0.005  # seconds between two looks whether there is room again
_MARKET: Final = f"{MARKET}:"
_SAID: Final = frozenset({b"message", b"pmessage"})


class RedisListener:
    """What one listener wants to hear, and where it goes."""

    def __init__(
        self,
        channels: tuple[str, ...],
        keys: Iterable[str] | None,
        seal: Seal,
        ear: Ear,
        passed_over: Callable[[Unreadable], None],
    ) -> None:
        self._keys = None if keys is None else frozenset(keys)
        self._seal = seal
        self._ear = ear
        self._pass_over = passed_over
        self._subscription = Subscription(subscriptions(channels, self._keys, heads=True), self._take, ear.listening)
        self._wire: Wire | None = None
        self._waiting: list[Any] = []
        self._later: asyncio.Handle | None = None

    async def run(self, wire: Wire) -> None:
        """Subscribe and deliver until cancelled or the connection ends. Raises OSError, TimeoutError or BusError."""
        self._wire = wire
        self._waiting = []
        try:
            await self._subscription.run(wire)
        finally:
            if self._later is not None:
                self._later.cancel()
                self._later = None

    # ---- inside

    def _take(self, answers: list[Any]) -> None:
        if self._later is None and len(answers) <= _MOST and self._ear.has_room():
            self._deliver(answers)
            return
        self._waiting += answers
        if len(self._waiting) > _FULL and self._wire is not None:
            self._wire.pause()
        if self._later is None:
            self._later = asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Deliver some of what waits, and come back for the rest: others have their turn in between."""
        self._later = None
        loop = asyncio.get_running_loop()
        if not self._ear.has_room():
            self._later = loop.call_later(_LOOKS, self._go_on)
            return
        answers, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        if len(self._waiting) <= _FULL and self._wire is not None:
            self._wire.resume()
        if self._waiting:
            self._later = loop.call_soon(self._go_on)
        try:
            self._deliver(answers)
        except Exception as error:
            self._subscription.fail(error)

    def _deliver(self, answers: list[Any]) -> None:
        batch: list[Delivery] = []
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                raise BusError(f"Redis refuses: {answer}")
            if not isinstance(answer, list) or answer[0] not in _SAID:
                continue
            name, data = answer[-2].decode(), answer[-1]
            try:
                if name.startswith(HEADS):
                    heads = self._seal.heads(name.removeprefix(HEADS), data)
                    if batch:  # what was said before them is not missed
                        self._ear.hear(batch)
                        batch = []
                    self._ear.hear_heads(heads)
                    continue
                channel = MARKET if name.startswith(_MARKET) else name
                envelope = self._seal.envelope(channel, data)
            except Unreadable as error:
                self._pass_over(error)
                continue
            if self._keys is None or envelope.stream.partition("/")[2] in self._keys:
                batch.append(Delivery(channel, envelope))
        if batch:
            self._ear.hear(batch)
