"""The two doors as one: what the budget allows goes over the socket, and over REST where nothing was sent there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence
from roottrading.adapters.exchange.binance.breaker import Breaker
from roottrading.adapters.exchange.binance.budget import Budget, Purpose
from roottrading.adapters.exchange.binance.calls import Call, Parameters
from roottrading.adapters.exchange.binance.errors import OVERLOADED, TOO_MANY_ORDERS, TOO_MANY_REQUESTS, Failure
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.socket_api import SocketApi
from roottrading.domain.time import iso

Changed = Callable[[str, str, str], None]  # part, state, reason
_PAUSE: Final = 0.1  # seconds before a question is repeated


class Doors:
    """Sends calls: those that change something once, questions again where they brought nothing."""

    def __init__(
        self, rest: Rest, budget: Budget, breaker: Breaker, clock: ServerClock, settings: LinkSettings, changed: Changed
    ) -> None:
        self.rest = rest
        self.budget = budget
        self.breaker = breaker
        self.socket: SocketApi | None = None
        self._clock = clock
        self._settings = settings
        self._changed = changed

    @property
    def is_banned(self) -> bool:
        """Whether the exchange has shut this address out."""
        return self.budget.is_banned(self._clock.now())

    def prepare(self, call: Call) -> None:
        """Sign for the faster door a call that changes something."""
        if self.socket is not None:
            self.socket.prepare(call)

    async def call(self, call: Call) -> Answer:
        """Carry a signed call out; what changes something is sent at most once, on one of the two doors."""
        if call.changes:
            return await self._once(call)
        return await self._repeated(lambda: self._once(call))

    async def public(self, path: str, params: Parameters, weight: int, purpose: Purpose = "market") -> Answer:
        """Ask for something that needs no key, over REST."""

        async def once() -> Answer:
            denied = self._denied(purpose, weight, 0)
            return denied or await self._over_rest(purpose, lambda: self.rest.public(path, params))

        return await self._repeated(once)

    async def _repeated(self, once: Callable[[], Awaitable[Answer]]) -> Answer:
        answer = await once()
        for _ in range(self._settings.repeats):
            if isinstance(answer, Failure) and answer.meaning == "clock":
                self._clock.doubt()  # a question may be signed again, with a better time
                await self.rest.measure_clock()
            elif _brought_nothing(answer):
                await asyncio.sleep(_PAUSE)
            else:
                break
            answer = await once()
        return answer

    async def _once(self, call: Call) -> Answer:
        denied = self._denied(call.purpose, call.weight, call.orders)
        if denied is not None:
            return denied
        socket = self.socket
        answer = None if socket is None or socket.is_silent else await socket.call(call)
        if answer is None:
            answer = await self._over_rest(call.purpose, lambda: self.rest.call(call))
        if isinstance(answer, Failure) and answer.meaning in {"limited", "banned"}:
            self._changed("budget", answer.meaning, answer.message)
        return answer

    def _denied(self, purpose: Purpose, weight: int, orders: int) -> NotSent | None:
        denied = self.budget.admit(purpose, weight, orders, self._clock.now())
        if denied is None:
            return None
        code = TOO_MANY_ORDERS if denied.what == "order count" else TOO_MANY_REQUESTS
        return NotSent(code, f"not sent: {denied.what}, room again at {iso(denied.until)}")

    async def _over_rest(self, purpose: Purpose, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        breaker = self.breaker
        before = breaker.state
        allowed = breaker.allows(self._clock.now(), always=purpose == "protection")
        self._tell(before)
        if not allowed:
            return NotSent(OVERLOADED, f"not sent: REST does not answer ({breaker.reason})")
        answer = await ask()
        before = breaker.state
        if _is_failure(answer):
            breaker.failed(self._clock.now(), _words(answer))
        else:
            breaker.succeeded()
        self._tell(before)
        return answer

    def _tell(self, before: str) -> None:
        if self.breaker.state != before:
            self._changed("rest", self.breaker.state, self.breaker.reason)


def _is_failure(answer: Answer) -> bool:
    """Say whether REST gave no answer: silence, no connection, or a server's error."""
    if isinstance(answer, NotSent):
        return answer.code == OVERLOADED
    return isinstance(answer, Silence) or (isinstance(answer, Failure) and answer.status >= 500)


def _brought_nothing(answer: Answer) -> bool:
    """Say whether asking again may bring more; what was not sent for a limit's sake is not asked again here."""
    if isinstance(answer, NotSent):
        return answer.code == OVERLOADED
    return isinstance(answer, Silence) or (isinstance(answer, Failure) and answer.meaning == "unknown")


def _words(answer: Answer) -> str:
    if isinstance(answer, Failure):
        return f"HTTP {answer.status}"
    return answer.reason if isinstance(answer, Silence) else "no connection"
