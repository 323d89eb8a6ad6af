"""The sockets of the WebSocket API: frames in, frames out, pings, pongs and an end after 24 hours."""

import asyncio
from typing import Final

from aiohttp import WSMsgType, web

from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.frames import read_frame
from roottrading.exchange_server.kept_socket import KeptSocket
from roottrading.exchange_server.rest import error_response, time_unit
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.session import Session, read_flag
from roottrading.exchange_server.traffic import Traffic

CONNECTING: Final = 2  # what a connection weighs
_TEXTS: Final = (WSMsgType.TEXT, WSMsgType.BINARY)


class ApiConnection(KeptSocket):
    """One socket of the WebSocket API and its session."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, traffic: Traffic, backlog: int) -> None:
        super().__init__(socket, request, traffic)
        self.backlog = backlog
        self.session: Session | None = None

    def send(self, frame: bytes) -> None:
        """Let a text frame go out after those before it; a reader who is too slow is cut."""
        super().send(frame)
        if self.queue.qsize() > self.backlog:
            self.cut()


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
        tasks = {
            asyncio.create_task(connection.write()),
            asyncio.create_task(connection.keep(self._settings, server.clock.now)),
        }
        try:
            await self._read(connection, session, tasks)
        finally:
            session.end()
            self.connections.remove(connection)
            server.traffic.closed(connection.peer)
            connection.forgive()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    async def _read(self, connection: ApiConnection, session: Session, tasks: set[asyncio.Task[None]]) -> None:
        """Take every frame as a task of its own: one that waits for its turn holds up no other."""
        async for message in connection.socket:
            await connection.take_beat(message)
            if message.type in _TEXTS:
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
