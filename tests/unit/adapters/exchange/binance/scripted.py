"""An exchange that answers what a test wrote down, on a real port: answers, cuts, silences."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

import msgspec
from aiohttp import WSMsgType, web
from msgspec import Struct

from roottrading.adapters.exchange.binance.settings import Endpoints, endpoints_at

KEY: Final = "the-api-key"
SECRET: Final = "the-secret"
NOW: Final = 1_700_000_000_000_000  # the exchange's time, in microseconds

Fault = Literal["cut", "cut in the middle", "hang", "no json"]


class Reply(Struct):
    """What a call is answered with."""

    status: int
    body: Any
    headers: dict[str, str] = {}


class Heard(Struct):
    """A call that came."""

    words: str
    params: dict[str, Any]
    headers: dict[str, str] = {}
    query: str = ""
    number: int = 0


Answering = Reply | Fault | Callable[[Heard], "Reply | Fault"]


def ok(body: Any, **headers: str) -> Reply:
    return Reply(200, body, {name.replace("_", "-"): value for name, value in headers.items()})


def no(code: int, words: str = "no", status: int = 400, **more: Any) -> Reply:
    return Reply(status, {"code": code, "msg": words, **more})


class Scripted:
    """What was heard, and what is answered: by `METHOD path` or by the socket's method; the last answer stays."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers: defaultdict[str, list[Answering]] = defaultdict(list)
        self.sockets: list[web.WebSocketResponse] = []
        self.takes_sockets = True
        self.refuses_sockets = Reply(503, b"")
        self.knocked = 0
        self.opened = 0
        self.endpoints = Endpoints("", "")
        self.now = NOW

    def answer(self, words: str, *answers: Answering) -> None:
        """Set what a call is answered with, one after the other."""
        self.answers[words] = list(answers)

    def said(self, words: str) -> list[Heard]:
        """Return the calls of one kind that came."""
        return [heard for heard in self.heard if heard.words == words]

    async def push(self, event: dict[str, Any]) -> None:
        """Send an event to everybody who is connected."""
        for socket in list(self.sockets):
            await socket.send_str(msgspec.json.encode({"subscriptionId": 0, "event": event}).decode())

    async def drop(self) -> None:
        """Cut every socket."""
        for socket in list(self.sockets):
            assert socket._req is not None
            transport = socket._req.transport
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)

    def _next(self, heard: Heard) -> Reply | Fault:
        self.heard.append(heard)
        prepared = self.answers[heard.words]
        if not prepared:
            return no(-1102, f"the test has no answer to {heard.words}")
        found = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        return found(heard) if callable(found) else found

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/ws-api/v3":
            return await self._serve_socket(request)
        if request.path == "/api/v3/time" and not self.answers["GET time"]:
            return web.json_response({"serverTime": self.now})
        query = request.rel_url.raw_query_string
        words = f"{request.method} {request.path.removeprefix('/api/v3/')}"
        heard = Heard(words, dict(parse_qsl(query)), dict(request.headers), query)
        reply = self._next(heard)
        if isinstance(reply, str):
            return await self._fault(request, reply)
        body = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
        return web.Response(status=reply.status, body=body, headers=reply.headers)

    async def _fault(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        assert request.transport is not None
        if fault == "hang":
            await asyncio.sleep(30)
        if fault == "no json":
            return web.Response(status=200, body=b"<html>")
        if fault == "cut in the middle":
            request.transport.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"symbol"')
            await asyncio.sleep(0.05)
        request.transport.abort()
        return web.Response()

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        self.knocked += 1
        if not self.takes_sockets or self.refuses_sockets.status != 503:
            return web.Response(status=self.refuses_sockets.status, headers=self.refuses_sockets.headers)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.opened += 1
        self.sockets.append(socket)
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._reply(request, socket, msgspec.json.decode(message.data))
        finally:
            self.sockets.remove(socket)
        return socket

    async def _reply(self, request: web.Request, socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        reply = self._next(Heard(asked["method"], asked["params"], number=asked["id"]))
        if reply == "hang":
            return
        if isinstance(reply, str):
            assert request.transport is not None
            if reply == "no json":
                await socket.send_str("{")
            request.transport.abort()
            return
        extra = dict(reply.body.pop("_", {})) if isinstance(reply.body, dict) else {}
        told = {"result": reply.body} if reply.status == 200 else {"error": reply.body}
        await socket.send_str(
            msgspec.json.encode({"id": asked["id"], "status": reply.status, **told, **extra}).decode()
        )


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    """Serve a scripted exchange on a free port of this machine."""
    exchange = Scripted()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", exchange.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    exchange.endpoints = endpoints_at(f"http://{host}:{port}")
    try:
        yield exchange
    finally:
        await runner.cleanup()


def run(test: Callable[[Scripted], Coroutine[Any, Any, None]]) -> None:
    """Run a test against a scripted exchange, for ten seconds at most."""

    async def whole() -> None:
        async with asyncio.timeout(10), scripted() as exchange:
            await test(exchange)

    asyncio.run(whole())
