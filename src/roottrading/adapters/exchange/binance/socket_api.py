"""One socket of the WebSocket API: calls by id, the account's events, and its end."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import aiohttp
import msgspec

from roottrading.adapters.exchange.binance.ahead import Ahead
from roottrading.adapters.exchange.binance.answers import Answer, Silence, Success
from roottrading.adapters.exchange.binance.budget import INTERVALS, Budget
from roottrading.adapters.exchange.binance.calls import Call, Parameters
from roottrading.adapters.exchange.binance.errors import Failure, failure, failure_of
from roottrading.adapters.exchange.binance.rest import note_limits, signing_params, window_text
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.signing import Credentials, signed_params
from roottrading.adapters.exchange.binance.strangers import Strangers
from roottrading.adapters.exchange.binance.wire import Malformed, decoded
from roottrading.domain.time import SECOND, Time

_LARGEST_FRAME: Final = 64 * 2**20
_FAREWELL: Final = 1.0  # seconds that the other side may take to say goodbye
_ALREADY_SUBSCRIBED: Final = -2035
_REFUSED_TO_WRITE: Final = "closing transport"  # aiohttp's words before it writes anything; otherwise nobody knows


class SocketEnded(Exception):
    """The socket could not be opened, or what it needs was refused; the text says why."""


class SocketApi:
    """One connection, from its opening to its end. Events go to `hear` in their order, before later answers.

    With an Ed25519 key the session is logged on once; other keys sign each request.
    """

    def __init__(
        self,
        settings: LinkSettings,
        credentials: Credentials,
        clock: ServerClock,
        budget: Budget,
        strangers: Strangers,
        hear: Callable[[Any], None],
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._clock = clock
        self._budget = budget
        self._strangers = strangers
        self._hear = hear
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self.local = ""  # our end of the connection, as the server knows it
        self.frames = 0  # read and dealt with
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._asked: dict[int, float] = {}  # when, by the loop's clock; in order
        self._heard_at = 0.0
        self._logged_on = False
        self._params: Ahead[Call, Parameters] = Ahead(self._params_of)

    async def open(self, session: aiohttp.ClientSession, url: str) -> None:
        """Connect, log on where the key allows it, and subscribe to the account's events. Raises SocketEnded."""
        settings = self._settings
        try:
            async with asyncio.timeout(settings.connect_timeout / SECOND):
                self._socket = await session.ws_connect(
                    f"{url}?timeUnit=MICROSECOND",
                    heartbeat=settings.heartbeat / SECOND,
                    max_msg_size=_LARGEST_FRAME,
                    autoping=True,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_FAREWELL),
                )
        except aiohttp.WSServerHandshakeError as error:
            wait = None if error.headers is None else error.headers.get("Retry-After")
            note_limits(self._budget, failure(error.status, b"", wait), self._clock.now())
            raise SocketEnded(f"the socket is refused (HTTP {error.status})") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SocketEnded(f"no connection ({type(error).__name__})") from None
        address = self._socket.get_extra_info("sockname")
        self.local = f"{address[0]}:{address[1]}" if address else ""
        self._reading = asyncio.create_task(self._read(self._socket))
        try:
            if self._credentials.signer.kind == "ed25519":
                self._logged_on = isinstance(await self._signed("session.logon"), Success)
            if self._logged_on:
                subscribed = await self._request("userDataStream.subscribe", {})
            else:
                subscribed = await self._signed("userDataStream.subscribe.signature")
        except BaseException:
            await self.close()
            raise
        if isinstance(subscribed, Success):
            return
        if isinstance(subscribed, Failure) and subscribed.code == _ALREADY_SUBSCRIBED:
            return
        await self.close()
        reason = subscribed.message if isinstance(subscribed, Failure) else "no answer"
        raise SocketEnded(f"the account's events are not to be had: {reason}")

    @property
    def is_up(self) -> bool:
        """Whether something can be sent."""
        return self._socket is not None and not self._socket.closed

    async def ended(self) -> None:
        """Return when the connection has ended."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def close(self) -> None:
        """End the connection; whoever waits for an answer hears silence."""
        try:
            if self._reading is not None:
                self._reading.cancel()  # first: aiohttp's close waits for who reads; canceled there, it closes nothing
                await asyncio.wait({self._reading})
        finally:
            if self._socket is not None:
                await self._socket.close()
            self._forsake()

    @property
    def awaited(self) -> int:
        """How many answers are waited for."""
        return len(self._waiting)

    @property
    def is_silent(self) -> bool:
        """Whether an answer is overdue and nothing else came meanwhile: it may have stalled, unlike the other door.

        Half of the patience counts as overdue, so that who asks what became of a request asks elsewhere at once.
        """
        if not self._asked:
            return False
        since = max(next(iter(self._asked.values())), self._heard_at)
        return asyncio.get_running_loop().time() - since > self._settings.patience / SECOND / 2

    async def call(self, call: Call) -> Answer | None:
        """Carry a call out, once; None where nothing was sent."""
        return await self._request(call.socket_method, self._params.take(call))

    def prepare(self, call: Call) -> None:
        """Sign a call that changes something before it is carried out, with the timestamp that it has in any case."""
        self._params.prepare(call)

    def _params_of(self, call: Call) -> Parameters:
        params = {**call.params, **signing_params(call, self._clock, self._settings)}
        return params if self._logged_on else signed_params(params, self._credentials)

    async def _signed(self, method: str) -> Answer | None:
        params: Parameters = {"recvWindow": window_text(self._settings), "timestamp": self._clock.now()}
        return await self._request(method, signed_params(params, self._credentials))

    async def _request(self, method: str, params: Parameters) -> Answer | None:
        socket = self._socket
        if socket is None or socket.closed:
            return None
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().time()
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        asked_at = self._clock.earliest()
        try:
            try:
                await socket.send_str(_frame(number, method, params))
            except (aiohttp.ClientError, OSError) as error:
                if _REFUSED_TO_WRITE in str(error):
                    return None
                return Silence("the socket broke while it was written to")
            try:
                # not wait_for, which in Python 3.11 may swallow being canceled
                async with asyncio.timeout(self._settings.answer_timeout / SECOND):
                    reply = await waiting
            except TimeoutError:
                return Silence("no answer in time")
            except _Forsaken:
                return Silence("the socket ended")
        finally:
            self._waiting.pop(number, None)
            self._asked.pop(number, None)
        return self._answer(reply, asked_at)

    def _answer(self, reply: dict[str, Any], asked_at: Time) -> Answer:
        self._note_counts(reply.get("rateLimits"))
        status = reply.get("status")
        if status == 200 and "result" in reply:
            return Success(reply["result"], asked_at)
        error = reply.get("error")
        if not isinstance(status, int) or isinstance(status, bool) or not isinstance(error, dict):
            return Silence("the answer says nothing")
        found = failure_of(status, error, _seconds_to_wait(error.get("data")))
        note_limits(self._budget, found, self._clock.now())
        return found

    def _note_counts(self, limits: Any) -> None:
        for each in limits if isinstance(limits, list) else ():
            kind, interval = (each.get("rateLimitType"), each.get("interval")) if isinstance(each, dict) else (None, "")
            if kind not in {"REQUEST_WEIGHT", "ORDERS"} or interval not in INTERVALS:
                continue
            used, number = each.get("count"), each.get("intervalNum")
            if isinstance(used, int) and isinstance(number, int) and 0 < number < 10**6:
                self._budget.told(kind, number * INTERVALS[interval], used, self._clock.now())

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for message in socket:
                if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    self._heard_at = asyncio.get_running_loop().time()
                    self._take(message.data)
                    self.frames += 1
        finally:
            self._forsake()

    def _take(self, data: str | bytes) -> None:
        try:
            told = decoded(data)
        except Malformed as error:
            self._strangers.note("socket frames", error)
            return
        if not isinstance(told, dict):
            self._strangers.note("socket frames", "no object")
        elif "event" in told:
            self._hear(told["event"])
        else:
            number = told.get("id")
            waiting = self._waiting.get(number) if isinstance(number, int) else None
            if waiting is None or waiting.done():
                self._strangers.note("socket frames", "an answer that nobody waits for")
            else:
                waiting.set_result(told)

    def _forsake(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_Forsaken())


class _Forsaken(Exception):
    """The socket ended before the answer came."""


def _frame(number: int, method: str, params: Parameters) -> str:
    return msgspec.json.encode({"id": number, "method": method, "params": params}).decode()


def _seconds_to_wait(data: Any) -> int:
    """Return for how long a refusal asks to wait: it names two instants, in milliseconds or microseconds."""
    if not isinstance(data, dict):
        return 0
    until, now = data.get("retryAfter"), data.get("serverTime")
    if not isinstance(until, int) or not isinstance(now, int):
        return 0
    unit = 1_000 if now < 10**14 else 1_000_000
    return max(0, min(-((now - until) // unit), 3 * 86_400 + 1))
