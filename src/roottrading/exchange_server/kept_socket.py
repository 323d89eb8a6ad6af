"""One WebSocket of a client, whatever it is for: frames go out in order, pings are sent, and it ends in its time."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiohttp import WSMessage, WSMsgType, web

from roottrading.domain.time import SECOND, Time
from roottrading.exchange_server.socket_settings import SocketSettings
from roottrading.exchange_server.traffic import Traffic, peer_of

_STOP: Final = object()


class KeptSocket:
    """A socket and what waits to be sent on it; whoever meddles makes it mute (a stall), deaf, or cuts it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, traffic: Traffic) -> None:
        self.socket = socket
        self.transport = request.transport
        self.peer = peer_of(request)
        self.traffic = traffic
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.mute = False  # nothing leaves
        self.deaf = False  # pings are not answered
        self.pongs_due: asyncio.TimerHandle | None = None

    def send(self, frame: bytes) -> None:
        """Let a text frame go out after those before it."""
        self.traffic.wrote(self.peer)
        self.queue.put_nowait(frame)

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

    async def keep(self, settings: SocketSettings, now: Callable[[], Time]) -> None:
        """Ping with the exchange's time, cut where the pong does not come, and end it after its lifetime."""
        loop = asyncio.get_running_loop()
        every = settings.ping_every / SECOND
        until = loop.time() + settings.lifetime / SECOND
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(every, left))
            if loop.time() < until and self.pongs_due is None:
                await self.socket.ping(str(now()).encode())
                self.pongs_due = loop.call_later(settings.pong_within / SECOND, self.cut)
        self.stop()

    async def take_beat(self, message: WSMessage) -> None:
        """Answer a ping, unless it is deaf; take a pong as the sign of life that was waited for."""
        if message.type is WSMsgType.PING:
            if not self.deaf:
                await self.socket.pong(message.data)
        elif message.type is WSMsgType.PONG:
            self.forgive()

    def forgive(self) -> None:
        """Wait for no pong any more."""
        if self.pongs_due is not None:
            self.pongs_due.cancel()
            self.pongs_due = None
