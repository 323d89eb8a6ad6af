"""The sockets of the WebSocket API: frames in, frames out, pings, pongs and an end after 24 hours."""

import asyncio
from typing import Any, Final

from aiohttp import WSMsgType, web

from roottrading.domain.time import SECOND
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.frames import read_frame
from roottrading.exchange_server.rest import error_response, time_unit
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.session import Session, read_flag
from roottrading.exchange_server.traffic import Traffic, peer_of

CONNECTING: Final = 2  # what a connection weighs
_STOP: Final = object()
_TEXTS: Final = (WSMsgType.TEXT, WSMsgType.BINARY)


class ApiConnection:
    """One socket and its session; whoever meddles makes it mute, deaf, or cuts it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, traffic: Traffic, backlog: int) -> None:
        self.socket = socket
        self.backlog = backlog
        self.transport = request.transport
        self.peer = peer_of(request)
        self.traffic = traffic
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.mute = False
        self.deaf = False
        self.pongs_due: asyncio.TimerHandle | None = None
        self.session: Session | None = None

    def send(self, frame: bytes) -> None:
        """Let a text frame go out after those before it; a reader who is too slow is cut."""
        self.traffic.wrote(self.peer)
        self.queue.put_nowait(frame)
        if self.queue.qsize() > self.backlog:
            self.cut()

    def stop(self) -> None:
        """End the connection once what waits has gone out."""
        self.queue.put_nowait(_STOP)

    def cut(self) -> None:
        """End the connection at once, without a word."""
        if self.transport is not None:
            self.transport.abort()

    async def write(self) -> None:
        """Send what waits, one frame after the other, until told to stop."""
        while (frame := await self.queue.get()) is not _STOP:
            while self.mute:
                await asyncio.sleep(0.01)
            await self.socket.send_frame(frame, WSMsgType.TEXT)
        await self.socket.close()


class ApiSockets:
    """All connections of the WebSocket API."""

    def __init__(self, server: ExchangeServer) -> None:
        self._server = server
        self._settings = server.sockets
        self.connections: list[ApiConnection] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take a connection until it ends."""
        server = self._server
        address = request.remote or ""
        try:
            server.limits.connect(address, server.clock.now())
            server.limits.charge(address, CONNECTING, server.clock.now())
            micro = time_unit(request.query.get("timeUnit"))
            shows = read_flag(request.query.get("returnRateLimits"), "returnRateLimits")
        except ApiError as error:
            return error_response(error)
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=64 * 1024)
        await socket.prepare(request)
        connection = ApiConnection(socket, request, server.traffic, self._settings.backlog)
        server.traffic.opened(connection.peer)
        session = connection.session = Session(server, address, connection.send, micro=micro, shows=shows)
        self.connections.append(connection)
        tasks = {asyncio.create_task(connection.write()), asyncio.create_task(self._keep(connection))}
        try:
            await self._read(connection, session, tasks)
        finally:
            session.end()
            self.connections.remove(connection)
            server.traffic.closed(connection.peer)
            if connection.pongs_due is not None:
                connection.pongs_due.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    async def _read(self, connection: ApiConnection, session: Session, tasks: set[asyncio.Task[None]]) -> None:
        """Take every frame as a task of its own: one that waits for its turn holds up no other."""
        async for message in connection.socket:
            if message.type is WSMsgType.PING:
                if not connection.deaf:
                    await connection.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                if connection.pongs_due is not None:
                    connection.pongs_due.cancel()
                    connection.pongs_due = None
            elif message.type in _TEXTS:
                task = asyncio.create_task(self._answer(connection, session, message.data))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _answer(self, connection: ApiConnection, session: Session, text: str | bytes) -> None:
        meddler = self._server.meddler
        if meddler is None:
            connection.send(await session.answer(text))
            return
        try:
            frame = read_frame(text)
        except ApiError:
            connection.send(await session.answer(text))
            return
        answer = await meddler.socket_reply(connection, frame, session.answer_read)
        if answer is not None:
            connection.send(answer)

    async def _keep(self, connection: ApiConnection) -> None:
        """Ping, end a connection whose pong does not come, and every connection after its lifetime."""
        loop = asyncio.get_running_loop()
        every = self._settings.ping_every / SECOND
        until = loop.time() + self._settings.lifetime / SECOND
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(every, left))
            if loop.time() < until and connection.pongs_due is None:
                await connection.socket.ping(str(self._server.clock.now()).encode())
                due = self._settings.pong_within / SECOND
                connection.pongs_due = loop.call_later(due, connection.cut)
        connection.stop()
