"""Asking the exchange what the doctor wants to know: each door once, and nothing is ever changed there."""

import asyncio
import time
from typing import Any, Final

import aiohttp
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.answers import Answer, Silence, Success
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.calls import Call, account_call
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings, Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.wire import Malformed, time_of
from roottrading.domain.time import MILLISECOND, Time

_RIGHTS: Final = Call("GET", "/sapi/v1/account/apiRestrictions", "", {}, "question", 1)
_BETWEEN: Final = 0.5  # seconds between the two questions for the time
_PATIENCE: Final = 10.0  # seconds that a socket may take


class Told(Struct, frozen=True):
    """The exchange's time as it was told: asked and answered by our wall clock, and by one that only goes forward."""

    server: Time
    wall: Time
    steady: Time
    uncertainty: Time

    @property
    def skew(self) -> Time:
        """How far the exchange's clock is ahead of this machine's, in microseconds."""
        return self.server - self.wall


class Heard(Struct, frozen=True):
    """What the exchange's doors answered; of what was not asked None.

    `socket` and `streams` say why such a connection failed, empty where it did not. `rate` is how many of the
    exchange's seconds pass in one of ours.
    """

    ping: Answer
    time: Told | None = None
    rate: int = 1
    socket: str = ""
    streams: str = ""
    rights: Answer | None = None
    account: Answer | None = None


async def ask(places: Places, credentials: Credentials | None) -> Heard:
    """Ask at the three doors, and for the key's rights.

    Never raises; where there is nobody, nothing more is asked.
    """
    clock = ServerClock(_steady)
    door = Rest(places.rest, LinkSettings(), None, clock, Budget())
    await door.open()
    try:
        ping = await door.public("/api/v3/ping", {})
        if not isinstance(ping, Success):
            return Heard(ping)
        first = await _told(door)
        await asyncio.sleep(_BETWEEN)
        second = await _told(door)
        rate = _rate(first, second)
        socket = await _tried(door.session, places.socket, '{"id":"doctor","method":"ping"}')
        streams = await _tried(door.session, f"{places.streams}/ws", "")
        rights = await _signed(places.rest, credentials, rate, _RIGHTS)
        account = await _signed(places.rest, credentials, rate, account_call())
        return Heard(ping, second, rate, socket, streams, rights, account)
    finally:
        await door.close()


async def _told(door: Rest) -> Told | None:
    asked, began = time.time_ns() // 1_000, _steady()
    answer = await door.public("/api/v3/time", {})
    ended = _steady()
    told = answer.told.get("serverTime") if isinstance(answer, Success) and isinstance(answer.told, dict) else None
    if not isinstance(told, int) or isinstance(told, bool):
        return None
    half = (ended - began) // 2
    try:
        return Told(time_of(told), asked + half, began + half, half)
    except Malformed:
        return None


def _rate(first: Told | None, second: Told | None) -> int:
    if first is None or second is None:
        return 1
    return max(1, round((second.server - first.server) / max(1, second.steady - first.steady)))


async def _signed(rest: str, credentials: Credentials | None, rate: int, call: Call) -> Answer | None:
    """Ask something that needs a key, signed with a time that was told just before."""
    if credentials is None:
        return None
    clock = ServerClock(_steady, rate)
    door = Rest(rest, LinkSettings(clock_rate=rate), credentials, clock, Budget())
    await door.open()
    try:
        if not await door.measure_clock():
            return Silence("the exchange does not tell its time")
        if call is _RIGHTS:  # what is below /sapi takes milliseconds only; a time of its own is signed as it stands
            call = replace(call, changes=True, signed_at=clock.now() // MILLISECOND)
        return await door.call(call)
    finally:
        await door.close()


async def _tried(session: aiohttp.ClientSession, address: str, message: str) -> str:
    """Return why no connection of this kind can be had, empty where one can."""
    try:
        async with asyncio.timeout(_PATIENCE), session.ws_connect(address) as connection:
            if not message:
                return ""
            await connection.send_str(message)
            told: Any = msgspec.json.decode(await connection.receive_str())
            return "" if isinstance(told, dict) and told.get("status") == 200 else "it answers no ping"
    except TimeoutError:
        return "no answer in time"
    except aiohttp.WSServerHandshakeError as error:
        return f"HTTP {error.status}"
    except (aiohttp.ClientError, OSError, TypeError, ValueError) as error:
        return type(error).__name__


def _steady() -> Time:
    return time.monotonic_ns() // 1_000
