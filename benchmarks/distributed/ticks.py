"""Market frames a second through the gateway: from the exchange's socket to the closed candles on Redis.

Closed candles are stored and published, frames of candles in progress are read and let go.
"""

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter

import aiohttp

from benchmarks.distributed.figures import Used
from benchmarks.distributed.hearing import Ear, heard_on_redis
from benchmarks.distributed.market import WideMarket
from benchmarks.distributed.stage import Stage, exchange, services, serving, staged
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.messages.channels import MARKET
from roottrading.runtimes.distributed.sharding import ROLE, shards_of


async def measure(symbols: int, minutes: int, ticks: int, realtime: bool) -> None:
    """Measure with `ticks` frames of every candle before the one that closes it."""
    market = WideMarket(symbols)
    async with staged(realtime=realtime) as stages:
        for stage in stages:
            with exchange(stage, market, "--symbols", str(symbols), module="flood") as url:
                await _measure(stage, market, url, minutes, ticks)


async def _measure(stage: Stage, market: WideMarket, url: str, minutes: int, ticks: int) -> None:
    async with AsyncExitStack() as stack:
        carrier = RedisPubSub(stage.redis)
        await carrier.open()
        stack.push_async_callback(carrier.close)
        ear = Ear()
        await stack.enter_async_context(heard_on_redis(carrier, MARKET, ear))
        running = stack.enter_context(services(stage, "gateway", 1, url, market.symbols, "--strategies", "sma_cross"))
        took = await serving(running, len(shards_of(ROLE["gateway"], market.symbols)))
        used = Used(stage, running)
        span = 0.0
        async with aiohttp.ClientSession() as session:
            while not await _said(session, url, 0, ticks):
                await asyncio.sleep(0.1)
            await ear.until(len(market.symbols))
            await used.begin()
            for minute in range(1, minutes + 1):
                begun = perf_counter()
                await _said(session, url, minute, ticks)
                await ear.until((minute + 1) * len(market.symbols))
                span += ear.last - begun
            await used.end()
    closed = minutes * len(market.symbols)
    frames = closed * (ticks + 1)
    print(f"{len(market.symbols)} symbols, served {took:.1f} s after the start; {ticks} frames before each that closes")
    each = used.cpu["service"] / frames * 1e6
    print(
        f"  {frames / span:,.0f} frames/s, {closed / span:,.0f} candles/s stored and published; {each:.0f} us a frame"
    )
    print(*used.lines(), sep="\n")


async def _said(session: aiohttp.ClientSession, url: str, minute: int, ticks: int) -> bool:
    """Have the market say a minute's frames; False where the gateway does not listen yet."""
    async with session.post(f"{url}/flood", params={"minute": minute, "ticks": ticks}) as answer:
        return answer.status == 200
