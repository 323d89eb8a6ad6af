"""A market that says its frames as fast as they are read: what `ticks` measures the gateway with.

It has Binance's answers and streams as far as a gateway asks; time stands. POST /flood?minute=M&ticks=N has it say all
frames of a minute.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from benchmarks.distributed.market import BEGIN, WideMarket
from roottrading.domain.money import plain
from roottrading.domain.time import MILLISECOND, MINUTE, SECOND, Time

NOW: Final = BEGIN + 5 * SECOND


class Market:
    """The answers and streams."""

    def __init__(self, market: WideMarket) -> None:
        self._market = market
        self._listeners: list[tuple[web.WebSocketResponse, set[str]]] = []

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.router.add_get("/api/v3/ping", self.time)
        app.router.add_get("/api/v3/time", self.time)
        app.router.add_get("/api/v3/exchangeInfo", self.info)
        app.router.add_get("/api/v3/klines", self.klines)
        app.router.add_get("/stream", self.stream)
        app.router.add_post("/flood", self.flood)
        return app

    async def time(self, _: web.Request) -> web.Response:
        """Tell the time."""
        return web.json_response({"serverTime": NOW // MILLISECOND})

    async def info(self, _: web.Request) -> web.Response:
        """List the symbols."""
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 10**8}
        return web.json_response({**self._market.exchange_info(), "rateLimits": [limit]})

    async def klines(self, _: web.Request) -> web.Response:
        """Know of no past."""
        return web.json_response([])

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Confirm subscriptions."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        names = {name for name in request.query.get("streams", "").split("/") if name}
        self._listeners.append((socket, names))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = msgspec.json.decode(message.data)
                names.update(asked["params"])
                await socket.send_json({"result": None, "id": asked["id"]})
        return socket

    async def flood(self, request: web.Request) -> web.Response:
        """Say all frames of a minute; 503 while not all symbols are listened to."""
        open_time, ticks = BEGIN + int(request.query["minute"]) * MINUTE, int(request.query["ticks"])
        listeners = [(socket, sorted(names)) for socket, names in self._listeners if not socket.closed]
        if sum(len(names) for _, names in listeners) < len(self._market.symbols):
            return web.Response(status=503)
        for tick in range(ticks + 1):
            for socket, names in listeners:
                for name in names:
                    await socket.send_str(self._frame(name, open_time, tick, closes=tick == ticks))
        return web.Response()

    def _frame(self, name: str, open_time: Time, tick: int, *, closes: bool) -> str:
        symbol = name.partition("@")[0].upper()
        candle = self._market.candle(symbol, open_time)
        at = candle.at if closes else open_time + tick * SECOND
        opened, close, high, low, volume = map(
            plain, (candle.open, candle.close, candle.high, candle.low, candle.volume)
        )
        return (
            f'{{"stream":"{name}","data":{{"e":"kline","E":{at},"s":"{symbol}","k":{{"t":{open_time},'
            f'"T":{candle.at - 1},"s":"{symbol}","i":"1m","f":1,"L":{tick + 2},"o":"{opened}","c":"{close}",'
            f'"h":"{high}","l":"{low}","v":"{volume}","n":{tick + 2},"x":{"true" if closes else "false"},'
            f'"q":"0","V":"0","Q":"0","B":"0"}}}}}}'
        )


async def serve(symbols: int) -> None:
    """Serve until cancelled."""
    runner = web.AppRunner(Market(WideMarket(symbols)).app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"exchange on http://127.0.0.1:{runner.addresses[0][1]} (a flood)", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tape", type=Path, help="not read")
    parser.add_argument("--symbols", type=int, default=500)
    asyncio.run(serve(parser.parse_args().symbols))
