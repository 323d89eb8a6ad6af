"""What was passed over on Kafka, since nobody of ours said it: counted, told, and what it may stand for is fetched.

Whoever can write to a topic could else stop what is read there with a single message. Nothing that an author said is
lost by passing over: where his own message was damaged on the way, or signed with a key that is not known here, it is
in his outbox, and all that is said in its partition is looked up there. Until that is asked for, nobody notes that the
partition was read so far: who dies in between reads it again.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from roottrading.adapters.bus.port import Partition, PassedOver
from roottrading.domain.time import Time
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.granting import told_to
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.reading import Reading
from roottrading.runtimes.distributed.sharding import place_of
from roottrading.runtimes.distributed.unit.actor import NEWEST
from roottrading.runtimes.distributed.unit.inbox import Given, HeadHeard
from roottrading.runtimes.distributed.unit.ways import Refetch
from roottrading.runtimes.recording import ALERTS

SUBJECT: Final = "forged"
ALERT_SECONDS: Final = 60.0  # between two alerts
_PAUSES: Final = (1.0, 60.0)  # seconds before outboxes are asked again: twice as long each time, while it goes on
_LOG: Final = logging.getLogger(__name__)


class Forgeries:
    """What of it concerns one process; `symbols` are those of its service."""

    def __init__(
        self, role: Role, symbols: Iterable[str], refetch: Refetch, observed: Observed, now: Callable[[], Time]
    ) -> None:
        self._role = role
        self._refetch = refetch
        self._observed = observed
        self._now = now
        self._told: dict[Partition, set[tuple[str, str]]] = defaultdict(set)
        for source, stream in told_to(role, symbols):
            self._told[place_of(stream)].add((source, stream))
        self.unasked: dict[Partition, int] = {}  # partitions, and where to read on after what was passed over last
        self._untold = 0
        self._why = ""
        self._news = asyncio.Event()

    def hear(self, passed_over: PassedOver) -> None:
        """Note that messages were passed over, before what came with them is handed on."""
        self._observed.forged[passed_over.place[0]] += passed_over.count
        self.unasked[passed_over.place] = passed_over.after
        self._untold += passed_over.count
        self._why = passed_over.why
        self._news.set()

    async def run(self, reading: Reading, complete: Callable[[], None]) -> None:
        """Ask and tell until cancelled; `complete` completes the instants that are whole by that. Raises StoreError."""
        pause = _PAUSES[0]
        while True:
            await self._heard()
            self._news.clear()
            for place in tuple(self.unasked):
                after = self.unasked.pop(place)
                if place not in reading.offsets:
                    continue
                if reading.times(place):
                    await self._fetch(reading, place)
                    complete()
                self._pass(reading, place, after)
            if self._untold and self._due():
                self._tell(reading)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _PAUSES[1]) if self._news.is_set() else _PAUSES[0]

    # ---- inside

    async def _heard(self) -> None:
        """Wait for news, or until what was not told can be."""
        wait = self._observed.forgery_told_at + ALERT_SECONDS - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(0.0, wait) if self._untold else None):
                await self._news.wait()
        except TimeoutError:
            pass

    def _pass(self, reading: Reading, place: Partition, after: int) -> None:
        """Have whatever is said there fetched; the unit has read so far when it has that."""
        if place not in reading.offsets:
            return
        after = reading.offsets[place] = max(after, reading.offsets[place])
        if reading.times(place):
            return  # the instant's end says how far it was read
        actor = reading.actor_of(place)
        heard = {position for position in actor.seen if place_of(position[1]) == place}
        for source, stream in sorted(self._told[place] | heard):
            actor.inbox.give_once(HeadHeard(source, stream))
        actor.give([Given(None, {place: after})])

    async def _fetch(self, reading: Reading, place: Partition) -> None:
        """Fetch what instants wait for, from the one at hand on; what they did without comes by the next one's gap."""
        barrier = reading.barrier
        assert barrier is not None
        for source, stream in sorted(self._told[place]):
            last = max(barrier.seen.get((source, stream), 0), barrier.at - 1)
            for envelope in await self._refetch(source, stream, last, NEWEST) if barrier.at else ():
                reading.arrive(place, envelope)

    def _due(self) -> bool:
        return asyncio.get_running_loop().time() >= self._observed.forgery_told_at + ALERT_SECONDS

    def _tell(self, reading: Reading) -> None:
        count = f"{self._untold} messages" if self._untold > 1 else "a message"
        text = (
            f"{self._role.name} passed over {count} on Kafka that nobody of ours said, or that came damaged "
            f"({self._why}); what may be missing by that is fetched from its authors: look who can write there, and "
            "whether all services have the same secret"
        )
        _LOG.error("%s", text)
        now = self._now()
        actor = next(iter(reading.actors.values()))
        key = (f"{SUBJECT}:{self._role.name}:{actor.unit.shard}", now, 0)
        actor.give([Given(None, rows=(Row(ALERTS.name, key, AlertRaised("critical", SUBJECT, text, "", now)),))])
        self._untold = 0
        self._observed.forgery_told_at = asyncio.get_running_loop().time()
