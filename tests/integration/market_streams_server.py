"""A small market on a loopback port that speaks Binance's stream protocol and misbehaves on command.

It knows its whole truth (candles, trades, a book of every symbol), so that what a client says can be compared with it,
and it holds the client to the exchange's limits: more than five control messages a second, or an unanswered ping, ends
a connection as Binance ends it.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from time import monotonic
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from roottrading.adapters.exchange.binance.streams.history import HistoryUnavailable
from roottrading.adapters.exchange.binance.streams.observations import BookSnapshot, PublicTrade
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE, Time

START = 1_679_616_000_000_000
encode = msgspec.json.encode


class Peer:
    """One connection as the server sees it."""

    def __init__(self, number: int, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.number = number
        self.socket = socket
        self.transport = request.transport
        self.address = request.path_qs
        self.streams = set[str]()
        self.pongs = list[bytes]()
        self.control = deque[float](maxlen=6)
        self.silent_streams = set[str]()
        self.silent = False
        self.open = True

    async def say(self, text: str) -> None:
        if self.open and not self.silent:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.socket.send_str(text)

    def cut(self) -> None:
        """End the connection without a word."""
        self.open = False
        if self.transport is not None:
            self.transport.abort()


class MarketServer:
    """The market: minutes pass and trades happen when a test says so, or by `live`."""

    def __init__(self, symbols: Sequence[str] = ("BTCUSDT",)) -> None:
        self.symbols = tuple(symbols)
        self.now: Time = START + 1
        self.peers = list[Peer]()
        self.attempts = 0
        self.refusals = list[tuple[int, dict[str, str]]]()
        self.absent = set[int]()
        self.confirms = True
        self.refuses_control = False
        self.answers_pings = True
        self.twins = False
        self.lost = set[str]()  # streams of which nothing is said to anybody
        self.broken_rules = list[str]()
        self.trades: dict[str, list[PublicTrade]] = {symbol: [] for symbol in symbols}
        self.books: dict[str, dict[str, dict[Decimal, Decimal]]] = {s: {"b": {}, "a": {}} for s in symbols}
        self.update_ids = dict.fromkeys(symbols, 1_000)
        self.history_down = False
        self.questions = Counter[str]()
        self.url = ""

    # ---- the door

    async def __aenter__(self) -> "MarketServer":
        application = web.Application()
        application.router.add_get("/stream", self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        for peer in self.open_peers():
            peer.cut()
        await self._runner.cleanup()

    def open_peers(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.open]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.attempts += 1
        if self.refusals:
            status, headers = self.refusals.pop(0)
            return web.Response(status=status, headers=headers)
        if request.query.get("timeUnit") != "MICROSECOND":
            self.broken_rules.append(f"no microseconds asked for: {request.path_qs}")
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        peer = Peer(len(self.peers), socket, request)
        peer.streams.update(filter(None, request.query.get("streams", "").split("/")))
        self.peers.append(peer)
        try:
            async for message in socket:
                if message.type is WSMsgType.PONG:
                    peer.pongs.append(bytes(message.data))
                    self._count(peer)
                elif message.type is WSMsgType.PING:
                    self._count(peer)
                    if self.answers_pings and not peer.silent:
                        await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._count(peer)
                    await self._obey(peer, msgspec.json.decode(message.data))
        finally:
            peer.open = False
        return socket

    def _count(self, peer: Peer) -> None:
        peer.control.append(monotonic())
        if len(peer.control) == 6 and peer.control[-1] - peer.control[0] < 1:
            self.broken_rules.append(f"connection {peer.number}: more than 5 control messages in a second")
            peer.cut()

    async def _obey(self, peer: Peer, message: dict[str, Any]) -> None:
        if not self.confirms:
            return
        if self.refuses_control:
            await peer.say(encode({"code": 2, "msg": "Invalid request", "id": message["id"]}).decode())
            return
        if message["method"] == "SUBSCRIBE":
            peer.streams |= set(message["params"])
        else:
            peer.streams -= set(message["params"])
        if len(peer.streams) > 1024:
            self.broken_rules.append(f"connection {peer.number}: {len(peer.streams)} streams")
        await peer.say(encode({"result": None, "id": message["id"]}).decode())

    # ---- what happens in the market

    async def say(self, stream: str, data: dict[str, Any]) -> None:
        if stream in self.lost:
            return
        text = encode({"stream": stream, "data": data}).decode()
        for peer in self.open_peers():
            if stream in peer.streams and stream not in peer.silent_streams:
                for _ in range(1 + self.twins):
                    await peer.say(text)

    async def pass_minute(self) -> None:
        """Let the minute of now end: its candle is said closed, and the next one begins."""
        minute = (self.now - START) // MINUTE
        self.now = START + (minute + 1) * MINUTE
        if minute not in self.absent:
            for symbol in self.symbols:
                await self.say(f"{symbol.lower()}@kline_1m", self._kline(symbol, minute, closed=True))
        self.now += 10_000
        await self.progress()

    async def progress(self) -> None:
        """Say the candles of now in progress."""
        for symbol in self.symbols:
            await self.say(
                f"{symbol.lower()}@kline_1m", self._kline(symbol, (self.now - START) // MINUTE, closed=False)
            )

    async def trade(self, symbol: str, count: int = 1) -> None:
        for _ in range(count):
            trade_id = len(self.trades[symbol])
            price = Decimal(100 + trade_id % 7)
            self.trades[symbol].append(
                PublicTrade(symbol, True, trade_id, price, Decimal(1), self.now, False, trade_id, trade_id)
            )
            await self.say(
                f"{symbol.lower()}@aggTrade",
                {"e": "aggTrade", "E": self.now, "s": symbol, "a": trade_id, "p": str(price), "q": "1",
                 "f": trade_id, "l": trade_id, "T": self.now, "m": False, "M": True},
            )  # fmt: skip

    async def move_book(self, symbol: str, count: int = 1) -> None:
        """Change a few levels: bids from 1 to 50, asks from 51 to 100."""
        for _ in range(count):
            first = self.update_ids[symbol] + 1
            last = self.update_ids[symbol] = first + first % 3
            bid = (Decimal(1 + last * 7 % 50), Decimal(last % 5))
            ask = (Decimal(51 + last * 11 % 50), Decimal(last % 4))
            for side, (price, quantity) in (("b", bid), ("a", ask)):
                self.books[symbol][side][price] = quantity
                if not quantity:
                    del self.books[symbol][side][price]
            await self.say(
                f"{symbol.lower()}@depth@100ms",
                {"e": "depthUpdate", "E": self.now, "s": symbol, "U": first, "u": last,
                 "b": [[str(each) for each in bid]], "a": [[str(each) for each in ask]]},
            )  # fmt: skip

    async def announce_shutdown(self) -> None:
        for peer in self.open_peers():
            await peer.say(
                encode({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": self.now}}).decode()
            )

    # ---- what the market remembers: the port that a REST client fills

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        await self._remember("klines")
        return [
            self.candle(symbol, minute)
            for minute in range((start - START) // MINUTE, (end - START) // MINUTE)
            if minute not in self.absent and START + (minute + 1) * MINUTE <= self.now
        ]

    async def public_trades(self, symbol: str, aggregate: bool, first: int, last: int) -> Sequence[PublicTrade]:
        await self._remember("trades")
        return self.trades[symbol][first : last + 1]

    async def depth(self, symbol: str) -> BookSnapshot:
        await self._remember("depth")
        return self.snapshot(symbol)

    def snapshot(self, symbol: str) -> BookSnapshot:
        book = self.books[symbol]
        bids, asks = sorted(book["b"].items(), reverse=True), sorted(book["a"].items())
        return BookSnapshot(symbol, self.update_ids[symbol], tuple(bids), tuple(asks))

    async def _remember(self, what: str) -> None:
        self.questions[what] += 1
        await asyncio.sleep(0.005)
        if self.history_down:
            raise HistoryUnavailable("the history is down")

    def candle(self, symbol: str, minute: int, closed: bool = True) -> Candle:
        low = Decimal(100 + minute % 13 + len(symbol))
        return Candle(
            symbol, "1m", START + minute * MINUTE, low + 1, low + 3, low, low + 2, Decimal(minute % 5 + 1), closed
        )

    def _kline(self, symbol: str, minute: int, closed: bool) -> dict[str, Any]:
        candle = self.candle(symbol, minute)
        return {
            "e": "kline", "E": self.now, "s": symbol,
            "k": {"t": candle.open_time, "T": candle.open_time + MINUTE - 1, "s": symbol, "i": "1m", "f": 1, "L": 2,
                  "o": str(candle.open), "c": str(candle.close), "h": str(candle.high), "l": str(candle.low),
                  "v": str(candle.volume), "n": 2, "x": closed, "q": "1", "V": "1", "Q": "1", "B": "0"},
        }  # fmt: skip


@contextlib.asynccontextmanager
async def until(what: str, patience: float = 10.0) -> AsyncIterator[None]:
    """Fail with a clear word where what is inside takes too long."""
    try:
        async with asyncio.timeout(patience):
            yield
    except TimeoutError:
        raise AssertionError(f"waited {patience} s in vain: {what}") from None
