"""One connection to the market's streams: subscribed to all of them, and every frame handed on as it came."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import aiohttp
import msgspec

from roottrading.history.recording.sequences import Said, read_frame

_A_MESSAGE: Final = 200  # streams that one control message subscribes to
_BETWEEN: Final = 0.25  # seconds between two control messages: five a second are allowed, pongs count too
_LARGEST_FRAME: Final = 1 << 22
_HEARTBEAT: Final = 15.0
SILENCE: Final = 60.0  # seconds without a frame: klines alone come every other second
_OPENING: Final = 20.0
_NETWORK: Final = (aiohttp.ClientError, OSError, TimeoutError)

Hear = Callable[[int, Said, bytes], None]


class Listening:
    """Lives from `run` to its end; `serving` is set when all streams are subscribed, `over` when it is to be replaced.

    `retry_after` is what the server asked to wait, in seconds.
    """

    def __init__(self, session: aiohttp.ClientSession, root: str, streams: Sequence[str], hear: Hear) -> None:
        """Take what to listen to."""
        self.serving = asyncio.Event()
        self.over = asyncio.Event()
        self.why = ""
        self.retry_after = 0
        self._session = session
        self._root = root.rstrip("/")
        self._streams = streams
        self._hear = hear
        self._waiting: set[int] = set()

    async def run(self) -> None:
        """Listen until the end; `why` says what ended it. Exceptions of `hear` leave it, the network's do not."""
        try:
            self.end(await self._listen())
        finally:
            self.over.set()

    def end(self, why: str) -> None:
        """Take that it is over; the first reason given is the one that counts."""
        self.why = self.why or why
        self.over.set()

    async def _listen(self) -> str:
        try:
            async with asyncio.timeout(_OPENING):
                socket = await self._session.ws_connect(
                    f"{self._root}/stream", heartbeat=_HEARTBEAT, max_msg_size=_LARGEST_FRAME
                )
        except aiohttp.WSServerHandshakeError as error:
            told = "" if error.headers is None else error.headers.get("Retry-After", "")
            self.retry_after = int(told[:6]) if told.isascii() and told.isdigit() else 0
            return f"refused with HTTP {error.status}"
        except _NETWORK as error:
            return f"could not be opened ({type(error).__name__}: {error})"
        try:
            return await self._subscribe_and_read(socket)
        finally:
            await socket.close()  # nothing before it may wait: a second cancel would leave the connection open

    async def _subscribe_and_read(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> str:
        asking = asyncio.create_task(self._subscribe(socket))
        try:
            return await self._read(socket)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _subscribe(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> None:
        parts = [self._streams[first : first + _A_MESSAGE] for first in range(0, len(self._streams), _A_MESSAGE)]
        self._waiting = set(range(1, len(parts) + 1))
        for number, part in enumerate(parts, 1):
            message = {"method": "SUBSCRIBE", "params": list(part), "id": number}
            try:
                await socket.send_str(msgspec.json.encode(message).decode())
            except _NETWORK:
                return  # the reader hears of it
            await asyncio.sleep(_BETWEEN)

    async def _read(self, socket: "aiohttp.ClientWebSocketResponse[bool]") -> str:
        while True:
            try:
                message = await socket.receive(timeout=SILENCE)
            except TimeoutError:
                return f"nothing was heard for {SILENCE:.0f} s"
            came_at = time.time_ns()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return f"closed by the server ({message.data})" if message.type is aiohttp.WSMsgType.CLOSE else "cut"
            data: str = message.data
            said = read_frame(data)
            if said is None:
                continue
            if said.stream == "!serverShutdown" or said.event == "serverShutdown":
                self.end("the server shuts down")
            elif said.stream:
                self._hear(came_at, said, data.encode())
            elif said.error or said.code is not None:
                return f"a subscription was refused: {data[:200]}"
            elif isinstance(said.id, int):
                self._waiting.discard(said.id)
                if not self._waiting:
                    self.serving.set()
