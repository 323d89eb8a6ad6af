"""Binance's market as a linked run hears it: the finest candles, one after the other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from roottrading.adapters.exchange.binance.streams import MarketObservation, candles
from roottrading.adapters.exchange.binance.streams.binance_market import BinanceMarket
from roottrading.adapters.exchange.binance.streams.market_streams import Deliver
from roottrading.domain.time import Time
from roottrading.messages.service import CandleMissing, CandleObserved
from roottrading.runtimes.linked.barrier import Observation
from roottrading.runtimes.linked.warming import CandleHistory


class MarketFeed:
    """`MarketData` over Binance's streams; `open_market` makes the market that delivers to what it is given."""

    def __init__(self, open_market: Callable[[Deliver], BinanceMarket]) -> None:
        self._queue: asyncio.Queue[Observation] = asyncio.Queue()
        self.market = open_market(self._hear)

    async def open(self) -> None:
        """Connect. Raises LinkError where that is not possible."""
        await self.market.open()

    async def close(self) -> None:
        """End all connections."""
        await self.market.close()

    def now(self) -> Time:
        """Return the exchange's time."""
        return self.market.now()

    @property
    def history(self) -> CandleHistory:
        """The candles of the past."""
        return self.market.history

    @property
    def waiting(self) -> int:
        """How many observations nobody has taken yet."""
        return self._queue.qsize()

    async def candles(self, timeframe: str, first: Mapping[str, Time]) -> AsyncIterator[Observation]:
        """Return the candles of these symbols, each from the one that opens at its `first` on, as they close."""
        wanted = {candles(symbol, timeframe): at for symbol, at in first.items()}
        self.market.follow(wanted, wanted)
        running = asyncio.create_task(self.market.run())
        try:
            while True:
                taking = asyncio.create_task(self._queue.get())
                await asyncio.wait({running, taking}, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    taking.cancel()
                    running.result()
                    return
                yield taking.result()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    def _hear(self, said: MarketObservation) -> None:
        if isinstance(said, CandleMissing) or (isinstance(said, CandleObserved) and said.candle.closed):
            self._queue.put_nowait(said)
