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

WRITE_SECONDS: Final = 0.5  # between two writes of what was told
_LOOKS: Final = 4  # writes, of which the last also looks whether all keys are there
_AGAIN_SECONDS: Final = 0.5
_PAUSE: Final = 0.005  # after each symbol and timeframe that is filled: the path goes first

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
                        await asyncio.sleep(WRITE_SECONDS)
                        await self._write()
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
            if candles := await self._newest(*stream, there.get(stream, 0), RECENT):
                await self._keys.remember(candles)
                self._kept.add(stream)
            await asyncio.sleep(_PAUSE)

    async def _write(self) -> None:
        heard, self._heard = self._heard, []
        if heard:
            await self._keys.remember(heard)
            self._kept.update((candle.symbol, candle.timeframe) for candle in heard)

    async def _is_lost(self) -> bool:
        there = await self._keys.candle_keys(self._kept)
        return there != len(self._kept) or self._keys.connections != self._connection
