"""Files over HTTP, patiently: a pace that is kept, and another try where a server or the network fails."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

import aiohttp
from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.pacing import Pace
from roottrading.domain.time import HOUR, MILLISECOND, SECOND, Time
from roottrading.history.errors import HistoryError

_LOG: Final = logging.getLogger(__name__)
_TOLD_TO_WAIT: Final = frozenset({418, 429})
_NOT_SERVED: Final = frozenset({403, 451})
_NETWORK: Final = (aiohttp.ClientError, TimeoutError, OSError)


class Patience(Struct, frozen=True):
    """How hard is tried, times in microseconds.

    Something is tried `tries` times, after pauses that begin at `first_pause` and double up to `longest_pause`; what a
    server asks to wait (Retry-After) is waited, up to `longest_wait`. At most `a_second` requests are sent in a second.
    """

    tries: int = 6
    first_pause: Time = 500 * MILLISECOND
    longest_pause: Time = 30 * SECOND
    longest_wait: Time = HOUR
    a_second: int = 20
    connecting: Time = 10 * SECOND
    silence: Time = 30 * SECOND

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row."""
        return min(self.first_pause << min(failures - 1, 40), self.longest_pause) / SECOND


class Fetcher:
    """Gets whole bodies; all requests share one pace, and one pause that a server asked for."""

    def __init__(self, session: aiohttp.ClientSession, patience: Patience) -> None:
        """Take the session to ask with."""
        self._session = session
        self.patience = patience
        self._pace = Pace(patience.a_second, SECOND)
        self._closed_until: Time = 0
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=patience.connecting / SECOND, sock_read=patience.silence / SECOND
        )

    async def get(self, url: str) -> bytes | None:
        """Return what is at an address, None where nothing is (404).

        Raises HistoryError where it cannot be got: the server does not serve this place, or every try failed.
        """
        failures = 0
        while True:
            await self._take_turn()
            try:
                async with self._session.get(url, timeout=self._timeout) as response:
                    if response.status == 200:
                        return await response.read()
                    if response.status == 404:
                        return None
                    why = self._refusal(url, response.status, response.headers)
            except _NETWORK as error:
                why = f"{type(error).__name__}: {error}".rstrip(": ")
            failures += 1
            if failures >= self.patience.tries:
                raise HistoryError(
                    f"{url}: not got in {failures} tries ({why}): look at the network, and give the same command "
                    "again; what is in the catalog stays"
                )
            _LOG.warning("%s: %s; trying again", url, why)
            await asyncio.sleep(self.patience.pause(failures))

    def _refusal(self, url: str, status: int, headers: Mapping[str, str]) -> str:
        """Return what a status says in words where trying again may help; HistoryError where it will not."""
        if status in _TOLD_TO_WAIT:
            told = headers.get("Retry-After", "").strip()
            wait = int(told[:9]) * SECOND if told.isascii() and told.isdigit() else 0
            if wait > self.patience.longest_wait:
                raise HistoryError(f"{url}: the server lets nobody in for {wait // SECOND} s (HTTP {status}): wait")
            self._closed_until = max(self._closed_until, _monotonic() + wait)
        elif status in _NOT_SERVED:
            raise HistoryError(
                f"{url}: refused with HTTP {status}: the server does not serve this address or country; files from "
                "elsewhere can be taken in with `roottrading data import`"
            )
        elif status < 500:
            raise HistoryError(f"{url}: refused with HTTP {status}: check the address")
        return f"HTTP {status}"

    async def _take_turn(self) -> None:
        while (free_at := max(self._closed_until, self._pace.free_at(now := _monotonic()))) > now:
            await asyncio.sleep((free_at - now) / SECOND)
        self._pace.note(now)


def _monotonic() -> Time:
    return time.monotonic_ns() // 1_000
