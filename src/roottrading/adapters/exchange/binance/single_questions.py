"""A few signed questions before there is any link: asked again where they bring nothing, and within the budget."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.budget import Budget, Purpose
from roottrading.adapters.exchange.binance.calls import Call
from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import SECOND, Time, iso

_LOG: Final = logging.getLogger(__name__)
_TRIES: Final = 3
_PAUSE: Final = 0.5
_FINAL: Final = frozenset({"refused", "absent"})  # asked again it would be said again
_SHARE: Final[Purpose] = "market"  # of the request weight: who trades here, or begins to right afterwards, has the rest


class SingleQuestions:
    """Asks at a door that is open; many questions take as many minutes as the request weight wants."""

    def __init__(self, door: Rest, clock: ServerClock, budget: Budget, rate: int) -> None:
        self._door = door
        self._clock = clock
        self._budget = budget
        self._rate = rate

    async def ask(self, call: Call, what: str) -> Success:
        """Return the answer. Raises LinkError where the exchange does not tell `what`."""
        answer: Answer = Silence("it does not tell its time")
        for tried in range(_TRIES):
            if (self._clock.is_set and not tried) or await self._door.measure_clock():
                await self._have_room(call.weight)
                answer = await self._door.call(call)
                if isinstance(answer, Success):
                    return answer
                if isinstance(answer, Failure) and answer.meaning in _FINAL:
                    break
            await asyncio.sleep(_PAUSE)
        raise LinkError(f"the exchange does not {what} ({_words(answer)}): try again")

    async def _have_room(self, weight: int) -> None:
        """Wait for the budget's next window. Raises LinkError where the exchange has shut this address out."""
        while (denied := self._budget.admit(_SHARE, weight, 0, self._clock.now())) is not None:
            if self._budget.is_banned(self._clock.now()):
                raise LinkError(f"the exchange has shut this address out until {iso(denied.until)}: wait until then")
            seconds = max(0, denied.until - self._clock.now()) / SECOND / self._rate
            _LOG.info("%s is used up: it goes on in %.0f s", denied.what, seconds)
            await asyncio.sleep(seconds)


@asynccontextmanager
async def single_questions(rest: str, credentials: Credentials, rate: int = 1) -> AsyncIterator[SingleQuestions]:
    """Open REST for a few questions; `rate` is how many of the exchange's seconds pass in one of ours."""
    clock, budget = ServerClock(_steady, rate), Budget()
    door = Rest(rest, LinkSettings(clock_rate=rate), credentials, clock, budget)
    await door.open()
    try:
        yield SingleQuestions(door, clock, budget, rate)
    finally:
        await door.close()


def _words(answer: Answer) -> str:
    match answer:
        case Failure():
            return f"{answer.code}: {answer.message}"
        case NotSent():
            return answer.message
        case Silence():
            return answer.reason
        case _:
            return "an answer"


def _steady() -> Time:
    return time.monotonic_ns() // 1_000
