"""Public questions over REST, asked until they are answered: within half of the exchange's request weight."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.breaker import Breaker
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.calls import Parameters
from roottrading.adapters.exchange.binance.doors import Doors
from roottrading.adapters.exchange.binance.errors import TOO_MANY_REQUESTS, Failure
from roottrading.adapters.exchange.binance.first_questions import learn_clock
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import Time, iso
from roottrading.history.errors import HistoryError, PartError
from roottrading.history.fetching import Patience

_SENSELESS: Final = 400
_LOOK: Final = 1.0  # seconds between two looks whether there is room again
_NAMES_A_QUESTION: Final = 100


class PublicRest:
    """Opened at the first question; waits where limits, servers or the network want it, and raises when it gives up."""

    def __init__(self, root: str, patience: Patience) -> None:
        """Take REST's address."""
        self.root = root.rstrip("/")
        self._patience = patience
        self._clock = ServerClock(lambda: time.monotonic_ns() // 1_000)
        self._budget = Budget()
        settings = LinkSettings(repeats=0)
        self._rest = Rest(self.root, settings, None, self._clock, self._budget)
        self._doors = Doors(self._rest, self._budget, Breaker(), self._clock, settings, lambda *_: None)
        self._opening = asyncio.Lock()
        self._is_open = False

    async def open(self) -> None:
        """Learn the exchange's time. Raises HistoryError where it cannot be learned."""
        async with self._opening:
            if self._clock.is_set:
                return
            if not self._is_open:
                await self._rest.open()
                self._is_open = True
            for failures in range(1, self._patience.tries + 1):
                try:
                    await learn_clock(self._rest, self._clock)
                except LinkError as error:
                    if failures == self._patience.tries:
                        raise HistoryError(f"{self.root}: {error}") from None
                    await asyncio.sleep(self._patience.pause(failures))
                else:
                    return

    async def close(self) -> None:
        """End the session."""
        await self._rest.close()

    def now(self) -> Time:
        """Return the exchange's time; to be asked once it is open."""
        return self._clock.now()

    async def ask(self, path: str, params: Parameters, weight: int) -> Answer:
        """Return an answer that is a success.

        Raises PartError where the exchange does not understand the question (an unknown symbol), HistoryError where it
        does not answer or lets nobody in.
        """
        failures = 0
        while True:
            answer = await self._doors.public(path, params, weight)
            if isinstance(answer, Success):
                return answer
            self._check_ban()
            if isinstance(answer, NotSent) and answer.code == TOO_MANY_REQUESTS:
                await asyncio.sleep(_LOOK)
                continue
            if isinstance(answer, Failure) and answer.meaning in {"refused", "absent"}:
                error = PartError if answer.status == _SENSELESS else HistoryError
                of = f" of {params['symbol']}" if "symbol" in params else ""
                raise error(f"{self.root}{path}{of}: refused: {_words(answer)}")
            failures += 1
            if failures >= self._patience.tries:
                raise HistoryError(f"{self.root}{path}: no answer in {failures} tries ({_words(answer)})")
            await asyncio.sleep(self._patience.pause(failures))

    async def check_listed(self, symbols: Sequence[str]) -> None:
        """Raise HistoryError where the exchange does not list a symbol."""
        for first in range(0, len(symbols), _NAMES_A_QUESTION):
            part = symbols[first : first + _NAMES_A_QUESTION]
            names = "[" + ",".join(f'"{symbol}"' for symbol in part) + "]"
            try:
                answer = await self.ask("/api/v3/exchangeInfo", {"symbols": names}, 20)
            except HistoryError as error:
                raise HistoryError(f"{', '.join(part)}: {error}") from None
            told: Any = answer.told if isinstance(answer, Success) else None
            rows = told.get("symbols") if isinstance(told, dict) else None
            listed = (
                {each.get("symbol") for each in rows if isinstance(each, dict)} if isinstance(rows, list) else set()
            )
            lacking = [symbol for symbol in part if symbol not in listed]
            if lacking:
                raise HistoryError(f"{self.root} does not list {', '.join(lacking)}: check the symbols")

    def _check_ban(self) -> None:
        """Raise HistoryError where the exchange lets nobody in for longer than anybody waits."""
        until = self._budget.blocked_until
        if until - self._clock.now() > self._patience.longest_wait:
            raise HistoryError(f"{self.root}: too many requests: this address is let in again at {iso(until)}")


def _words(answer: Answer) -> str:
    if isinstance(answer, Failure):
        return f"{answer.message} ({answer.code}, HTTP {answer.status})"
    if isinstance(answer, NotSent):
        return answer.message
    return answer.reason if isinstance(answer, Silence) else "an answer"
