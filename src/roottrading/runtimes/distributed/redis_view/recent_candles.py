"""The recent candles in Redis: written by the gateway beside its way, never on it; what is missing, the database has.

A candle is in `market_data` before it is told. So nothing has to be kept for Redis while it is away: after every new
connection, and where keys are gone, each symbol and timeframe goes on after the last candle that Redis knows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

from roottrading.adapters.bus.port import BusUnavailable, Sent
from roottrading.adapters.bus.redis_state import RECENT
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.market import CandleClosed

LOOK_SECONDS: Final = 0.5  # between two looks at what was told
_LOOKS: Final = 4  # after which it is also looked whether all keys are there
_LONGEST: Final = 10  # looks that are waited for a moment in which nothing is told
_AT_ONCE: Final = 50  # candles
_AGAIN_SECONDS: Final = 0.5
_PAUSE: Final = 0.005  # after each write: the path goes first

Stream = tuple[str, str]  # symbol and timeframe
Newest = Callable[[str, str, Time, int], Awaitable[Sequence[Candle]]]
Publish = Callable[[Sequence[Sent]], Awaitable[None]]


class CandleKeys(Protocol):
    """Redis, as far as candles are kept there (`adapters.bus.redis_state`)."""

    connections: int

    async def remember(self, candles: Sequence[Candle]) -> None:
        """Keep candles beside those that are there. Raises BusUnavailable."""

    async def newest_candles(self, streams: Sequence[Stream]) -> Mapping[Stream, Time]:
        """Return the open times of the last candles. Raises BusUnavailable."""

    async def candle_keys(self, streams: Collection[Stream]) -> int:
        """Return how many of these have any. Raises BusUnavailable."""


class RecentCandles:
    """Keeps the newest candles of some symbols and timeframes in Redis; `newest` asks the database for them."""

    def __init__(self, keys: CandleKeys, newest: Newest, streams: Iterable[Stream]) -> None:
        self._keys = keys
        self._newest = newest
        self._streams = tuple(sorted(streams))
        self._heard: list[Candle] = []
        self._there = 0  # of them, at the last look
        self._waited = 0  # looks
        self._kept: set[Stream] = set()  # that have a key
        self._connection = 0

    def beside(self, publish: Publish) -> Publish:
        """Return a way out that has this hear what was published on it."""

        async def on(sent: Sequence[Sent]) -> None:
            await publish(sent)
            self._heard += [envelope.body.candle for _, envelope in sent if isinstance(envelope.body, CandleClosed)]

        return on

    async def run(self) -> None:
        """Write until cancelled. Raises StoreError where the database cannot be read."""
        while True:
            try:
                await self._fill()
                while not await self._is_lost():
                    for _ in range(_LOOKS):
                        await asyncio.sleep(LOOK_SECONDS)
                        await self._look()
            except BusUnavailable:
                await asyncio.sleep(_AGAIN_SECONDS)

    # ---- inside

    async def _fill(self) -> None:
        """Have Redis know what the database knows after the last candle that Redis has."""
        self._heard = []  # all of it stands in the database
        there = await self._keys.newest_candles(self._streams)
        self._connection = self._keys.connections
        self._kept = set(there)
        for stream in self._streams:
            await self._write(await self._newest(*stream, there.get(stream, 0), RECENT))

    async def _look(self) -> None:
        """Write what was told, in a moment in which nothing more is."""
        self._waited += 1
        if len(self._heard) != self._there and self._waited < _LONGEST:
            self._there = len(self._heard)
            return
        heard, self._heard = self._heard, []
        self._there = self._waited = 0
        await self._write(heard)

    async def _write(self, candles: Sequence[Candle]) -> None:
        for first in range(0, len(candles), _AT_ONCE):
            await self._keys.remember(candles[first : first + _AT_ONCE])
            await asyncio.sleep(_PAUSE)
        self._kept.update((candle.symbol, candle.timeframe) for candle in candles)

    async def _is_lost(self) -> bool:
        there = await self._keys.candle_keys(self._kept)
        return there != len(self._kept) or self._keys.connections != self._connection
