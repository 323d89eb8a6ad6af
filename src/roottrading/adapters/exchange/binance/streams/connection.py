"""One WebSocket to the market: opened, subscribed, read to its end; it says why it ended and never comes back."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from time import monotonic_ns
from typing import Final

import aiohttp
from aiohttp import ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from roottrading.adapters.exchange.binance.streams.pacing import Pace
from roottrading.adapters.exchange.binance.streams.parsing import Heard, Parser, Reply, ShuttingDown
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.silence import SilenceWatch
from roottrading.adapters.exchange.binance.streams.subscribing import Subscribing
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription
from roottrading.domain.time import SECOND, Time

_TOLD_TO_WAIT: Final = frozenset({418, 429})
_FAREWELL: Final = 1.0  # seconds that a closing handshake may take
_LARGEST_FRAME: Final = 2**22

Socket = ClientWebSocketResponse[bool]


def monotonic() -> Time:
    """Return microseconds of a clock that never jumps, for silence and pauses."""
    return monotonic_ns() // 1_000


class Connection:
    """Tells `hear` of every event and `serving` when all streams are confirmed; `shutting_down` may be set meanwhile.

    Exceptions that `hear` raises leave `run`; what the network does never does.
    """

    def __init__(
        self,
        number: int,
        session: aiohttp.ClientSession,
        settings: StreamSettings,
        parser: Parser,
        streams: Mapping[str, Subscription],
        before: SilenceWatch | None,
        first_word: Time,
        hear: Callable[["Connection", Heard], None],
        serving: Callable[["Connection"], None],
    ) -> None:
        """Take what is wanted of it; `before` watched the connection whose streams it takes over.

        A connection that serves and says nothing at all for `first_word` microseconds is ended.
        """
        now = monotonic()
        self.number = number
        self.shutting_down = False
        self.served = False
        self.retry_after: Time = 0
        self.local = ""
        self.frames = 0
        self.last_frame_at = now
        self.heard_any = False
        self.watch = SilenceWatch(settings.silence)
        for subscription in streams.values():
            self.watch.begin(subscription, now, before)
        self._opened_at = now
        self._wanted_at = now
        self._first_word = first_word
        self._session = session
        self._settings = settings
        self._parser = parser
        self._hear = hear
        self._serving = serving
        self._subscribing = Subscribing(
            streams, in_address=settings.streams_in_address, a_message=settings.streams_a_message
        )
        self._pace = Pace(settings.control_messages, SECOND)
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._why = ""
        self._probed_at: Time = 0
        self._probe = False

    def want(self, streams: Mapping[str, Subscription]) -> None:
        """Change the streams of the connection while it is open."""
        now = monotonic()
        for name in self.watch.pulses.keys() - streams.keys():
            self.watch.end(name)
        for name in streams.keys() - self.watch.pulses.keys():
            self.watch.begin(streams[name], now)
        self._wanted_at = now
        self._subscribing.want(streams)
        self._wake.set()

    def close(self, why: str) -> None:
        """End the connection; the first reason given is the one that counts."""
        self._why = self._why or why
        self._closing.set()

    def check(self, now: Time) -> None:
        """Look at the time: probe a silent connection, end a dead one and one that is never confirmed."""
        silence = self._settings.silence
        silent = now - self.last_frame_at
        if not self.served or not self._subscribing.settled:
            if now - self._wanted_at > self._settings.opening:
                self.close("its streams were not confirmed in time")
        elif silent > silence.connection:
            self.close(f"nothing was heard for {silent / SECOND:.0f} s, not even an answer to our ping")
        elif not self.heard_any and now - self._opened_at > self._first_word:
            self.close("none of its streams said anything")
        elif silent > silence.probe and self._probed_at <= self.last_frame_at:
            self._probed_at = now
            self._probe = True
            self._wake.set()

    async def run(self) -> str:
        """Live until the end, and return the reason for it in words."""
        try:
            async with asyncio.timeout(self._settings.opening / SECOND):
                socket = await self._session.ws_connect(
                    self._subscribing.address(self._settings.url),
                    autoping=False,
                    max_msg_size=_LARGEST_FRAME,
                    decode_text=False,
                    timeout=ClientWSTimeout(ws_close=_FAREWELL),
                )
        except aiohttp.WSServerHandshakeError as error:
            self._note_refusal(error)
            return f"refused with HTTP status {error.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"could not be opened ({type(error).__name__}: {error})"
        try:
            return await self._live(socket)
        finally:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(2 * _FAREWELL):
                    await socket.close()

    async def _live(self, socket: Socket) -> str:
        self.last_frame_at = monotonic()
        address = socket.get_extra_info("sockname")
        self.local = f"{address[0]}:{address[1]}" if address else ""
        self._confirm()
        tasks: list[asyncio.Task[str]] = [
            asyncio.create_task(self._read(socket)),
            asyncio.create_task(self._speak(socket)),
            asyncio.create_task(self._wait_for_end()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter([task.result() for task in tasks if task in done]))
        finally:
            await _end_all(tasks)

    async def _wait_for_end(self) -> str:
        await self._closing.wait()
        return self._why

    async def _read(self, socket: Socket) -> str:
        receive, read, heard, hear = socket.receive, self._parser.read, self.watch.heard, self._hear
        while True:
            message = await receive()
            kind = message.type
            now = self.last_frame_at = monotonic()
            if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
                said = read(message.data)
                if type(said) is Heard:
                    self.heard_any = True
                    heard(said.stream, now)
                    hear(self, said)
                elif said is not None and (refused := self._take(said)):
                    return refused
                self.frames += 1
            elif kind is WSMsgType.PING:
                self._pace.note(now)
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    await socket.pong(message.data)
            elif kind is WSMsgType.CLOSE:
                return f"closed by the server ({message.data} {message.extra or ''})".replace(" )", ")")
            elif kind is WSMsgType.ERROR:
                return f"broken ({message.data})"
            elif kind is not WSMsgType.PONG:
                return "cut"

    def _take(self, said: Heard | Reply | ShuttingDown) -> str:
        """Take what is no event; return a reason to end where a control message was refused."""
        if isinstance(said, ShuttingDown):
            self.shutting_down = True
        elif isinstance(said, Reply):
            if said.refusal:
                return f"the server refused a control message ({said.refusal})"
            self._subscribing.answered(said.id)
            self._confirm()
        return ""

    def _confirm(self) -> None:
        if not self.served and self._subscribing.settled:
            self.served = True
            self.watch.judge_from(monotonic())
            self._serving(self)

    async def _speak(self, socket: Socket) -> str:
        """Send control messages and probes, no more a second than is allowed."""
        while True:
            try:
                while (message := self._subscribing.message()) is not None:
                    await self._take_turn()
                    await socket.send_str(message.decode())
                if self._probe:
                    self._probe = False
                    await self._take_turn()
                    await socket.ping()
            except (aiohttp.ClientError, OSError) as error:
                return f"could not be written to ({type(error).__name__}: {error})"
            await self._wake.wait()
            self._wake.clear()

    async def _take_turn(self) -> None:
        while (free_at := self._pace.free_at(now := monotonic())) > now:
            await asyncio.sleep((free_at - now) / SECOND)
        self._pace.note(now)

    def _note_refusal(self, error: aiohttp.WSServerHandshakeError) -> None:
        if error.status in _TOLD_TO_WAIT and error.headers is not None:
            seconds = error.headers.get("Retry-After", "")
            self.retry_after = int(seconds) * SECOND if seconds.isdecimal() else 0


async def _end_all(tasks: Iterable[asyncio.Task[str]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
