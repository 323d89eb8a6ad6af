"""Edits of `config:symbols` and `config:strategies`: adopted, recorded and shown; or refused, and the keys put right.

One process does it, once a second: the dispatcher's. An empty key means that Redis lost its memory, never a wish (6.2).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Final, Literal, Protocol

from msgspec import Struct

from roottrading.adapters.bus.port import BusError, BusUnavailable
from roottrading.adapters.bus.redis_state import StrategyConfigured
from roottrading.adapters.store.port import Control
from roottrading.adapters.store.postgres.configuration import Configured
from roottrading.domain.time import Time, iso
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import ControlChanged, Row
from roottrading.runtimes.distributed.configuring.configuration import (
    SETTINGS,
    Configuration,
    completed,
    differences,
    effective_from,
    replayed,
)
from roottrading.runtimes.recording import ALERTS

LOOK_SECONDS: Final = 1.0
WHO: Final = "redis"
SUBJECT: Final = "configuration"
_LOG: Final = logging.getLogger(__name__)


Judge = Callable[[Configuration, Configuration], Awaitable[None]]  # before and after; raises Refused


class Refused(Exception):
    """A configuration cannot be; the text says what is wrong with it."""


class ConfigurationKeys(Protocol):
    """The two keys (`adapters.bus.redis_state`)."""

    async def symbols(self) -> frozenset[str] | None:
        """Return the symbols, None where there are none. Raises BusError."""

    async def strategies(self) -> Mapping[str, StrategyConfigured] | None:
        """Return the strategies, None where there are none. Raises BusError, Unreadable among them."""

    async def configuration_shown(self) -> int:
        """Return the number that was written with them last, 0 where there is none. Raises BusError."""

    async def show_configuration(
        self, symbols: Set[str], strategies: Mapping[str, StrategyConfigured], number: int
    ) -> None:
        """Write both, and the number of the last change in them. Raises BusError."""


class Adopts(Struct, frozen=True):
    """What an adoption needs: what the settings wish, a judge of others' wishes, and where changes are kept.

    `finest` and `step` are the lengths of a candle and of the time between two decisions, `rate` the exchange's pace.
    """

    wish: Configuration
    judge: Judge
    read: Callable[[], Awaitable[Sequence[Configured]]]
    record: Callable[[Sequence[Configured]], Awaitable[int]]  # returns the last number
    post: Callable[[Control], Awaitable[object]]
    finest: Time
    step: Time
    rate: int


class Adoption:
    """Keeps table and keys the same; `alert` keeps a row for people, `now` is the exchange's time."""

    def __init__(
        self, adopts: Adopts, keys: ConfigurationKeys, now: Callable[[], Time], alert: Callable[[Row], None]
    ) -> None:
        self._adopts = adopts
        self._keys = keys
        self._now = now
        self._alert = alert
        self._current = adopts.wish
        self._number = 0  # of the last change
        self._told = 0  # alerts

    async def run(self) -> None:
        """Look until cancelled. Raises StoreError."""
        await self._begin()
        while True:
            with suppress(BusUnavailable):  # they are looked at when Redis is back
                await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    # ---- inside

    async def _begin(self) -> None:
        """Take up what was recorded, and record what the settings wish now that they did not wish before."""
        changes = await self._adopts.read()
        wish = self._adopts.wish
        recorded = replayed(changes)
        if recorded is None:
            nothing = Configuration(frozenset(), frozenset(), {})
            self._number = await self._adopts.record(differences(nothing, wish, 0, SETTINGS))
            return
        self._current, self._number = recorded, changes[-1].number
        before = replayed(each for each in changes if each.who == SETTINGS)
        wishes = [] if before is None else differences(before, wish, self._effective_from(), SETTINGS)
        if wishes:
            after = replayed((*changes, *wishes))
            assert after is not None
            await self._adopt(after, wishes)

    async def _look(self) -> None:
        try:
            shown = await self._keys.configuration_shown()
            symbols, strategies = await self._keys.symbols(), await self._keys.strategies()
        except BusUnavailable:
            raise
        except (BusError, UnicodeDecodeError) as error:
            await self._refuse(str(error))
            return
        if symbols is None or strategies is None or shown != self._number:
            await self._show()  # Redis lost its memory, or has an older one: nobody wishes that
            return
        current = self._current
        leaving = (current.traded | current.leaving) - symbols
        asked = Configuration(symbols, leaving, completed(strategies, current))
        if asked == current:
            if strategies != current.strategies:
                await self._show()  # what was left out
            return
        try:
            await self._adopts.judge(current, asked)
        except Refused as error:
            await self._refuse(str(error))
            return
        await self._adopt(asked, differences(current, asked, self._effective_from(), WHO))
        await self._show()

    def _effective_from(self) -> Time:
        return effective_from(self._now(), self._adopts.finest, self._adopts.step, self._adopts.rate)

    async def _adopt(self, asked: Configuration, changes: Sequence[Configured]) -> None:
        """Record the changes; what leaves is bought no more from now on, what comes back is bought again."""
        adopts, current, who = self._adopts, self._current, changes[0].who
        for symbol in sorted(current.traded - asked.traded):
            await adopts.post(ControlChanged(0, "pause", "trading", symbol, "", who, "it is traded no more"))
        for symbol in sorted(asked.traded & current.leaving):
            await adopts.post(ControlChanged(0, "resume", "trading", symbol, "", who, "it is traded again"))
        self._number = await adopts.record(changes)
        self._current = asked
        for change in changes:
            text = f"{change.kind} {change.name} is {change.value} from {iso(change.effective_at)} on ({who})"
            _LOG.info("%s", text)
            self._tell("info", text)

    async def _refuse(self, why: str) -> None:
        text = f"a change of the configuration in Redis is refused, and the keys are as before: {why}"
        _LOG.error("%s", text)
        self._tell("warning", text)
        await self._show()

    async def _show(self) -> None:
        await self._keys.show_configuration(self._current.traded, self._current.strategies, self._number)

    def _tell(self, severity: Literal["info", "warning"], text: str) -> None:
        now = self._now()
        self._told += 1
        self._alert(Row(ALERTS.name, (SUBJECT, now, self._told), AlertRaised(severity, SUBJECT, text, "", now)))
