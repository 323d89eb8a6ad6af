"""Measure the market streams: 1,024 streams on one connection from a server in a process of its own.

    python -m benchmarks.streams [--seconds 60] [--rate 5000]

Two parts: a steady market of `--rate` messages a second (CPU share, memory, and the time from the frame's sending to
the published candle), then as many messages as the client takes. Both processes share the machine; the time of the
loopback and of the server's event loop is in the latency.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import struct
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from time import monotonic, monotonic_ns, process_time
from typing import Any, Final

import aiohttp
import numpy as np
from aiohttp import WSMsgType, web

from roottrading.adapters.exchange.binance.streams import StreamSettings, Subscription, candles
from roottrading.adapters.exchange.binance.streams.market_streams import MarketStreams
from roottrading.adapters.exchange.binance.streams.observations import BookSnapshot, MarketObservation, PublicTrade
from roottrading.adapters.exchange.binance.streams.settings import SilenceBounds
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE
from roottrading.messages.service import CandleObserved

SYMBOLS: Final = tuple(f"COIN{number}USDT" for number in range(256))
OPEN_TIME: Final = 1_679_616_000_000_000
BATCH: Final = 256
FLOOD: Final = 0
LONGEST: Final = 2_000_000  # microseconds; longer waits count as this


class Market:
    """Makes the frames of 256 symbols in turn: candles (which carry the time of sending), prints, quotes, changes."""

    def __init__(self) -> None:
        self._round = 0
        self._place = 0

    def frames(self, count: int) -> bytes:
        """Return the next frames as they go over the wire."""
        made = []
        for _ in range(count):
            text = self._next().encode()
            size = len(text)
            made.append(struct.pack("!BBH", 0x81, 126, size) if size > 125 else struct.pack("!BB", 0x81, size))
            made.append(text)
        return b"".join(made)

    def _next(self) -> str:
        kind, number = divmod(self._place, len(SYMBOLS))
        turn = self._round
        self._place += 1
        if self._place == 4 * len(SYMBOLS):
            self._place = 0
            self._round += 1
        symbol = SYMBOLS[number]
        low, now = symbol.lower(), monotonic_ns() // 1_000
        if kind == 0:
            return (
                f'{{"stream":"{low}@kline_1m","data":{{"e":"kline","E":{OPEN_TIME + turn},"s":"{symbol}","k":{{'
                f'"t":{OPEN_TIME},"T":{OPEN_TIME + MINUTE - 1},"s":"{symbol}","i":"1m","f":1,"L":2,"o":"0.35270000",'
                f'"c":"0.35280000","h":"0.35280000","l":"0.35220000","v":"{now}","n":30,"x":false,'
                '"q":"9116.04600000","V":"58.00000000","Q":"20.46240000","B":"0"}}}'
            )
        if kind == 1:
            return (
                f'{{"stream":"{low}@aggTrade","data":{{"e":"aggTrade","E":{now},"s":"{symbol}","a":{turn},'
                f'"p":"0.35280000","q":"120.00000000","f":{turn},"l":{turn},"T":{now},"m":false,"M":true}}}}'
            )
        if kind == 2:
            return (
                f'{{"stream":"{low}@bookTicker","data":{{"u":{turn},"s":"{symbol}","b":"0.35270000","B":"672.00000000",'
                '"a":"0.35280000","A":"3199.00000000"}}'
            )
        return (
            f'{{"stream":"{low}@depth@100ms","data":{{"e":"depthUpdate","E":{now},"s":"{symbol}","U":{turn},"u":{turn},'
            f'"b":[["0.3{turn % 50:03}0000","6195.00000000"]],'
            f'"a":[["0.4{turn % 50:03}0000","{turn % 2}.00000000"]]}}}}'
        )


def serve(pipe: Pipe) -> None:
    """Say nothing until all streams are subscribed to, then keep to the rate that the pipe names last."""

    async def stream(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        count = len(request.query.get("streams", "").split("/"))
        while count < 4 * len(SYMBOLS):
            message = await ws.receive()
            if message.type is not WSMsgType.TEXT:
                return ws
            asked = json.loads(message.data)
            count += len(asked["params"])
            await ws.send_json({"result": None, "id": asked["id"]})
        assert request.transport is not None
        market, sent, rate, begun = Market(), 0, 1, monotonic()
        while not request.transport.is_closing():
            if pipe.poll():
                rate, sent, begun = pipe.recv(), 0, monotonic()
            due = BATCH if rate == FLOOD else min(BATCH, int((monotonic() - begun) * rate) - sent)
            if due > 0:
                request.transport.write(market.frames(due))
                sent += due
            if rate == FLOOD:
                while request.transport.get_write_buffer_size() > 2**18:
                    await asyncio.sleep(0.0005)
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(0.001)
        return ws

    async def run() -> None:
        application = web.Application()
        application.router.add_get("/stream", stream)
        runner = web.AppRunner(application)
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listening).start()
        pipe.send(listening.getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(run())


class Books:
    """A history that knows an empty book before the first change, and nothing else."""

    async def klines(self, symbol: str, timeframe: str, start: int, end: int) -> Sequence[Candle]:
        """Nothing is missing, so nothing is asked for."""
        raise AssertionError("no candle is missing")

    async def public_trades(self, symbol: str, aggregate: bool, first: int, last: int) -> Sequence[PublicTrade]:
        """Nothing is missing, so nothing is asked for."""
        raise AssertionError("no print is missing")

    async def depth(self, symbol: str) -> BookSnapshot:
        """Return the empty book before the first change."""
        return BookSnapshot(symbol, 0, (), ())


def resident() -> float:
    """Return this process's memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(port: int, pipe: Pipe, seconds: float, rate: int) -> dict[str, Any]:
    count, waits = 0, np.zeros(LONGEST + 1, dtype=np.int64)  # waits by microseconds: as large at the end as before

    def take(said: MarketObservation) -> None:
        nonlocal count
        count += 1
        if type(said) is CandleObserved:
            waits[min(LONGEST, monotonic_ns() // 1_000 - int(said.candle.volume))] += 1

    async def part(name: str, told: int, length: float) -> dict[str, Any]:
        nonlocal count
        pipe.send(told)
        await asyncio.sleep(2)
        count, memory = 0, [resident()]
        waits[:] = 0
        begun, used = monotonic(), process_time()
        while monotonic() - begun < length:
            await asyncio.sleep(min(1.0, length))
            memory.append(resident())
        spent = monotonic() - begun
        delays = np.searchsorted(np.cumsum(waits), waits.sum() * np.array([0.5, 0.99, 1.0]))
        return {
            "part": name,
            "seconds": round(spent, 1),
            "messages/s": round(count / spent),
            "CPU share": round((process_time() - used) / spent, 3),
            "memory MB, each tenth": [round(memory[len(memory) * tenth // 10], 1) for tenth in range(10)]
            + [round(memory[-1], 1)],
            "frame to candle, us": {"p50": int(delays[0]), "p99": int(delays[1]), "most": int(delays[2])},
        }

    follow = [candles(symbol, "1m") for symbol in SYMBOLS]
    for kind in ("aggregate_trades", "best_quote", "depth"):
        follow += [Subscription(kind, symbol) for symbol in SYMBOLS]
    settings = StreamSettings(url=f"ws://127.0.0.1:{port}", silence=SilenceBounds(usual=10**9))
    async with aiohttp.ClientSession() as session:
        streams = MarketStreams(session, Books(), take, exchange_time=lambda: OPEN_TIME + 1, settings=settings)
        streams.follow(follow)
        running = asyncio.create_task(streams.run())
        while not streams.status().serving:
            await asyncio.sleep(0.1)
        steady = await part("steady", rate, seconds)
        flood = await part("flood", FLOOD, min(seconds, 20))
        status = streams.status()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert status.attempts == 1, "the connection did not last"
    assert not status.strangers
    return {"streams": status.streams, "connections": status.connections, "dropped": status.dropped,
            "parts": [steady, flood]}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the steady part")
    parser.add_argument("--rate", type=int, default=5_000, help="messages a second of the steady part")
    given = parser.parse_args(arguments)
    spawning = multiprocessing.get_context("spawn")
    pipe, other = spawning.Pipe()
    server = spawning.Process(target=serve, args=(other,), daemon=True)
    server.start()
    try:
        print(json.dumps(asyncio.run(measure(pipe.recv(), pipe, given.seconds, given.rate)), indent=2))
    finally:
        server.kill()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
