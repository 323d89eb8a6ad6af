"""REST on one session: signs, sends once, and says whether anything was sent where nothing came back."""

from typing import Final

import aiohttp
from yarl import URL

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.calls import Call, Parameters
from roottrading.adapters.exchange.binance.errors import OVERLOADED, Failure, failure
from roottrading.adapters.exchange.binance.server_clock import Measurement, ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.signing import Credentials, query_string, signed_query
from roottrading.adapters.exchange.binance.wire import Malformed, decoded, time_of
from roottrading.domain.time import SECOND, Time

_HEADERS: Final = {"X-MBX-TIME-UNIT": "MICROSECOND", "Accept": "application/json"}


class Rest:
    """One session with the exchange's REST door. Counts of the budget are taken from every answer."""

    def __init__(
        self, root: str, settings: LinkSettings, credentials: Credentials | None, clock: ServerClock, budget: Budget
    ) -> None:
        self._root = root
        self._settings = settings
        self._credentials = credentials
        self._clock = clock
        self._budget = budget
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; nothing is sent yet."""
        settings = self._settings
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=aiohttp.ClientTimeout(
                total=settings.answer_timeout / SECOND, connect=settings.connect_timeout / SECOND
            ),
        )
        # aiohttp repeats a DELETE or PUT by itself where a kept connection was cut: nothing is ever sent twice here
        self._session._retry_connection = False

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session, for the sockets that share it. Raises RuntimeError where it is not open."""
        if self._session is None:
            raise RuntimeError("the connection to the exchange is not open")
        return self._session

    async def call(self, call: Call) -> Answer:
        """Carry a signed call out, once."""
        if self._credentials is None:
            return NotSent(-2015, "no API key was given: this link can only look at the market")
        params = {**call.params, **signing_params(call, self._clock, self._settings)}
        query = signed_query(params, self._credentials.signer)
        return await self._send(call.method, call.path, query, {"X-MBX-APIKEY": self._credentials.api_key})

    async def public(self, path: str, params: Parameters) -> Answer:
        """Ask for something that needs no key, once."""
        return await self._send("GET", path, query_string(params), {})

    async def measure_clock(self) -> bool:
        """Ask for the exchange's time; says whether it was told."""
        asked_at = self._clock.local()
        answer = await self.public("/api/v3/time", {})
        if not isinstance(answer, Success) or not isinstance(answer.told, dict):
            return False
        told = answer.told.get("serverTime")
        if not isinstance(told, int) or isinstance(told, bool):
            return False
        try:
            self._clock.measured(Measurement(asked_at, self._clock.local(), time_of(told)))
        except Malformed:
            return False
        return True

    async def _send(self, method: str, path: str, query: str, headers: dict[str, str]) -> Answer:
        url = URL(f"{self._root}{path}{'?' if query else ''}{query}", encoded=True)
        asked_at = self._clock.earliest() if self._clock.is_set else 0
        try:
            async with self.session.request(method, url, headers=headers, allow_redirects=False) as response:
                body = await response.read()
                status, told = response.status, response.headers
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return NotSent(OVERLOADED, f"no connection to the exchange ({type(error).__name__})")
        except TimeoutError:
            return Silence("no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Silence(f"the connection was cut ({type(error).__name__})")
        now = self._now()
        self._budget.told_by_headers(told.items(), now)
        if status == 200:
            try:
                return Success(decoded(body), asked_at)
            except Malformed:
                return Silence("the answer is no JSON")
        found = failure(status, body, told.get("Retry-After"))
        note_limits(self._budget, found, now)
        return found

    def _now(self) -> Time:
        return self._clock.now() if self._clock.is_set else 0


def signing_params(call: Call, clock: ServerClock, settings: LinkSettings) -> Parameters:
    """Return window and timestamp of a call: its own where it changes something, else the time of its sending."""
    return {
        "recvWindow": window_text(settings),
        "timestamp": call.signed_at if call.changes else clock.now(),
    }


def window_text(settings: LinkSettings) -> str:
    """Return recvWindow in milliseconds, with what is below one after the point."""
    whole, part = divmod(settings.receive_window, 1_000)
    return f"{whole}.{part:03}" if part else str(whole)


def note_limits(budget: Budget, found: Failure, now: Time) -> None:
    """Obey a refusal for too many requests or orders."""
    if found.meaning in {"limited", "banned"}:
        budget.refused(found.status, found.code, found.retry_after * SECOND, now)
