"""Sockets of market data: `/ws` raw and `/stream` wrapped, as Binance serves them."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from roottrading.domain.time import Time
from roottrading.exchange_server.kept_socket import KeptSocket
from roottrading.exchange_server.market.board import Board, Written
from roottrading.exchange_server.market.control import Control
from roottrading.exchange_server.market.stream_names import parse_stream
from roottrading.exchange_server.ports import Clock
from roottrading.exchange_server.socket_settings import SocketSettings
from roottrading.exchange_server.traffic import Traffic
from roottrading.exchange_server.wording import Stamp, microseconds, milliseconds

MOST_STREAMS: Final = 1_024


class Connection(KeptSocket):
    """One socket of market data: what it listens to, and what waits to be sent to it."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, traffic: Traffic, *, wrapped: bool, stamp: Stamp
    ) -> None:
        """Listen to nothing yet."""
        super().__init__(socket, request, traffic)
        self.stamp = stamp
        self.control = Control(wrapped=wrapped)
        self.heard: list[float] = []  # when the last messages of the client came


Frames = Callable[[Connection, str, bytes], None]


class StreamSockets:
    """All connections; what the board says is written once for each unit of time and wrapping, and sent to each."""

    def __init__(self, traffic: Traffic, settings: SocketSettings | None = None) -> None:
        """Serve nobody yet; frames are counted in `traffic`."""
        self._traffic = traffic
        self._settings = settings or SocketSettings()
        self._board: Board | None = None
        self._clock: Clock | None = None
        self._hearing: dict[str, list[Connection]] = {}
        self.connections: list[Connection] = []
        self.on_frame: Frames | None = None  # whoever meddles with frames sends them on, or does not

    def attach(self, board: Board, clock: Clock) -> None:
        """Take the board whose words are sent, and the clock."""
        self._board = board
        self._clock = clock

    def now(self) -> Time:
        """Return the exchange's time."""
        return 0 if self._clock is None else self._clock.now()

    def say(self, name: str, written: Written) -> None:
        """Send a stream's message to all who listen to it."""
        made: dict[tuple[bool, bool], bytes] = {}
        for connection in self._hearing.get(name, ()):
            key = (connection.control.combined, connection.stamp is microseconds)
            if key not in made:
                payload = written(connection.stamp)
                made[key] = msgspec.json.encode({"stream": name, "data": payload} if key[0] else payload)
            self._send(connection, name, made[key])

    def _send(self, connection: Connection, name: str, frame: bytes) -> None:
        if self.on_frame is None:
            connection.send(frame)
        else:
            self.on_frame(connection, name, frame)
        if connection.queue.qsize() > self._settings.backlog:
            connection.cut()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take a connection until it ends."""
        wrapped = request.path.startswith("/stream")
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=64 * 1024)
        await socket.prepare(request)
        unit = microseconds if request.query.get("timeUnit", "").upper().startswith("MICRO") else milliseconds
        connection = Connection(socket, request, self._traffic, wrapped=wrapped, stamp=unit)
        self.connections.append(connection)
        self._traffic.opened(connection.peer)
        if self._subscribe(connection, wanted_names(request)):
            tasks = [
                asyncio.create_task(connection.write()),
                asyncio.create_task(connection.keep(self._settings, self.now)),
            ]
            try:
                await self._read(connection)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        self.leave(connection)
        if not socket.closed:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)
        return socket

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        if connection in self.connections:
            self.connections.remove(connection)
        self._traffic.closed(connection.peer)
        connection.forgive()
        for name in connection.control.names:
            self._unhear(connection, name)

    def shut_down(self, connection: Connection) -> None:
        """Announce a planned end, as Binance does some time before it."""
        payload: dict[str, Any] = {"e": "serverShutdown", "E": connection.stamp(self.now())}
        wrapped = {"stream": "!serverShutdown", "data": payload}
        connection.send(msgspec.json.encode(wrapped if connection.control.combined else payload))

    # ---- one connection

    async def _read(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        async for message in connection.socket:
            connection.heard = [at for at in connection.heard if at > loop.time() - 1] + [loop.time()]
            if len(connection.heard) > self._settings.messages:
                return
            await connection.take_beat(message)
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                data = message.data.encode() if isinstance(message.data, str) else message.data
                if not self._obey(connection, data):
                    return

    def _obey(self, connection: Connection, data: bytes) -> bool:
        """Carry out a control message; say whether the connection may stay."""
        answer = connection.control.obey(data)
        for name in answer.left:
            self._unhear(connection, name)
        fine = self._hear_all(connection, answer.joined)
        connection.send(answer.reply)
        return fine

    def _subscribe(self, connection: Connection, names: list[str]) -> bool:
        return self._hear_all(connection, connection.control.join(names))

    def _hear_all(self, connection: Connection, names: list[str]) -> bool:
        for name in names:
            self._hearing.setdefault(name, []).append(connection)
            stream = parse_stream(name)
            if stream is not None and self._board is not None:
                self._board.open(stream, self.now())
        return len(connection.control.names) <= MOST_STREAMS

    def _unhear(self, connection: Connection, name: str) -> None:
        hearing = self._hearing.get(name, [])
        if connection in hearing:
            hearing.remove(connection)
        if not hearing:
            self._hearing.pop(name, None)
            if self._board is not None:
                self._board.close(name)


def wanted_names(request: web.Request) -> list[str]:
    """Return the streams that a connection's address names: `/ws/a/b`, `/stream?streams=a/b`, either below both."""
    path: str = request.match_info.get("names", "")
    listed = [*path.split("/"), *request.query.get("streams", "").split("/")]
    return [name for name in listed if name and name not in {"ws", "stream"}]
