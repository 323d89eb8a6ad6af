"""Learned weights where services are processes: made by each aggregator's, for all its units (trading-rules 3.8).

They are made half an hour after midnight, when every opinion of the day before is stored: an analyzer commits before it
publishes, so what was heard is, and whose symbols another instance hears are asked for. All instances read the same,
and make the same weights of it. Verdicts go by them only after 01:00 UTC. A symbol that is set aside is waited for
until a quarter of an hour before that; then weights are learned without it. Whatever goes wrong ends this incarnation
of the process; the next finds in its units' own rows which day's weights are still to be given.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.config.settings import Settings
from roottrading.domain.time import DAY, HOUR, MINUTE, Time, duration, iso, start_of_day
from roottrading.messages.channels import MARKET, SIGNALS_RAW
from roottrading.messages.service import Row, Table
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.daily_weights import DailyWeights, StoredPast
from roottrading.runtimes.distributed.sharding import symbol_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.distributed.weighing.past import Opinions
from roottrading.runtimes.evidence import Witness
from roottrading.services.analyzer import Plan
from roottrading.services.signal_aggregator.state import WEIGHTS

SETTLED: Final = 30 * MINUTE  # after midnight
OVERDUE: Final = 15 * MINUTE  # later: somebody should know what is waited for
_LOOKS: Final = 0.02  # seconds between two looks whether weights are due
_AGAIN: Final = 0.2  # seconds before others' opinions are asked for again
_GATEWAY: Final = "gateway"
_ANALYZER: Final = "analyzer"

_LOG: Final = logging.getLogger(__name__)
Clock = Callable[[], Time]


class LearningBegan(Struct, frozen=True):
    """The T at which a deployment first began: opinions after it are learned from."""

    service: str
    since: Time


LEARNING: Final = Table("learning_began", ("service",), LearningBegan, "state")


class Weighed(Struct, frozen=True):
    """A unit that is to be given weights: the streams of opinions that it hears, and the rows it was loaded with."""

    actor: Actor
    streams: Sequence[tuple[str, str]]
    rows: Mapping[str, Sequence[Row]]


class Weigher:
    """Gives the units of a process the weights of every day; `busy` while some are due that have not been given."""

    def __init__(
        self, settings: Settings, cast: Cast, opinions: Opinions, past: Callable[[Cast], StoredPast], now: Clock
    ) -> None:
        """Learn what the strategies of `cast` are worth, from the `past` of it, or of some of its symbols."""
        self._settings = settings
        self._cast = cast
        self._opinions = opinions
        self._past = past
        self._now = now
        self._units: Sequence[Weighed] = ()
        self._start: Time = 0
        self._weights: DailyWeights | None = None  # until it is known when the deployment began
        self._next: Time = 0  # the first day whose weights have not been given to all
        self._warned: Time = 0
        self._aside: frozenset[str] = frozenset()  # symbols of which nothing is learned for now

    def begin(self, units: Iterable[Weighed]) -> None:
        """Take up the units as they were loaded: all that there are now, whenever that changes."""
        self._units = tuple(units)
        starts = [row.values.since for unit in self._units for row in unit.rows.get(LEARNING.name, ())]
        if self._weights is not None:
            starts.append(self._start)
        if starts and self._units:
            given = [max((row.values.day for row in unit.rows.get(WEIGHTS, ())), default=0) for unit in self._units]
            self._begin_at(min(starts), min(given))

    @property
    def busy(self) -> bool:
        """Whether something is to be done that time had better wait for."""
        return self._has_begun() if self._weights is None else self._due() is not None

    def next_deadline(self) -> Time | None:
        """Return when the next weights are due, where that is still to come."""
        at = self._next + SETTLED
        return at if self._weights is not None and at > self._now() else None

    async def run(self) -> None:
        """Give weights whenever they are due, until cancelled. Raises StoreError where the past cannot be read."""
        while True:
            if self._weights is None:
                if self._has_begun():
                    await self._find_start()
            elif (day := self._due()) is not None:
                if not await self._is_said(day):
                    await asyncio.sleep(_AGAIN)
                    continue
                weights = await self._weights.of(day)
                for unit in self._units:
                    unit.actor.give([Given(weights)])
                self._next = day + DAY
                _LOG.info("the weights of %s are given", iso(day)[:10])
                if self._aside:
                    self._learn_without(frozenset())
            elif self._is_overdue(day := start_of_day(self._now() - SETTLED)) and day >= self._next:
                await self._look_aside(day)
                await asyncio.sleep(_AGAIN)
            await asyncio.sleep(_LOOKS)

    # ---- inside

    def _has_begun(self) -> bool:
        return any(unit.actor.unit.seen for unit in self._units)

    async def _find_start(self) -> None:
        """Learn from the gateway's first word when the deployment began, and keep it: outboxes are emptied some day."""
        finest = self._cast.plan.finest
        streams = [f"{MARKET}/{symbol}/{finest}" for symbol in self._cast.plan.symbols]
        said = [await self._opinions.first_said(_GATEWAY, stream) for stream in streams]
        start = min(first for first in said if first is not None) - duration(finest)
        for unit in self._units:
            service = unit.actor.unit.role
            unit.actor.give([Given(None, rows=(Row(LEARNING.name, (service,), LearningBegan(service, start)),))])
        self._begin_at(start, 0)

    def _begin_at(self, start: Time, given: Time) -> None:
        """Go on after the day whose weights all units have been given, 0 where some have none."""
        self._start = start
        self._next = given + DAY if given else start_of_day(start - HOUR) + DAY
        self._learn_without(frozenset())

    def _learn_without(self, aside: frozenset[str]) -> None:
        """Learn from all symbols but these; what was told of days is told again."""
        cast, plan = self._cast, self._cast.plan
        if aside:
            left = [symbol for symbol in plan.symbols if symbol not in aside]
            cast = replace(cast, plan=Plan(plan.deployment, plan.uses, left, plan.finest, known=plan.symbols))
        self._aside = aside
        self._weights = DailyWeights(Witness(self._settings, cast, self._start), self._past(cast))

    async def _look_aside(self, day: Time) -> None:
        """Go on without the symbols that are set aside, so that no verdict is without weights for them."""
        aside = frozenset(await self._opinions.set_aside()).intersection(self._cast.plan.symbols)
        if aside != self._aside and len(aside) < len(self._cast.plan.symbols):
            self._learn_without(aside)
            if aside:
                names = ", ".join(sorted(aside))
                said = "the weights of %s are learned without %s, until you answer (`roottrading quarantine list`)"
                _LOG.error(said, iso(day)[:10], names)

    def _due(self) -> Time | None:
        """Return the day whose weights are to be given now: all that units hear was heard up to its begin."""
        now = self._now()
        if now < self._next + SETTLED or not self._units:
            return None
        day = start_of_day(now - SETTLED)
        missing = self._missing(day)
        if missing is not None:
            self._warn(day, missing)
        return day if missing is None else None

    def _is_overdue(self, day: Time) -> bool:
        return self._now() >= day + SETTLED + OVERDUE

    def _warn(self, day: Time, missing: str) -> None:
        if self._is_overdue(day) and self._warned < day:
            self._warned = day
            _LOG.warning("the weights of %s wait for the opinions on %s: nothing is bought", iso(day)[:10], missing)

    async def _is_said(self, day: Time) -> bool:
        """Say whether what other instances' units hear was said up to a day's begin, too: it is stored then."""
        plan = self._cast.plan
        heard = {stream for unit in self._units for _, stream in unit.streams}
        last: dict[str, Time] = {}
        for timeframe in plan.timeframes:
            at = day - day % duration(timeframe)
            for symbol in plan.symbols:
                stream = f"{SIGNALS_RAW}/{symbol}/{timeframe}"
                if stream not in heard and at > self._start and symbol not in self._aside:
                    last[stream] = at
        unsaid = await self._opinions.unsaid(_ANALYZER, last) if last else ()
        if unsaid:
            self._warn(day, unsaid[0])
            if self._is_overdue(day):
                await self._look_aside(day)
        return not unsaid

    def _missing(self, day: Time) -> str | None:
        """Return a stream of opinions that was not heard up to a day's begin; None where all were."""
        for unit in self._units:
            seen = unit.actor.seen  # what the unit itself could not process was said, and is stored
            for source, stream in unit.streams:
                last = day - day % duration(stream.rpartition("/")[2])
                late = last > self._start and seen.get((source, stream), 0) < last
                if late and symbol_of(stream) not in self._aside:
                    return stream
        return None
