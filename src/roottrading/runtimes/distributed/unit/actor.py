"""One unit in this process: what reaches it is decided in batches, each committed before anything of it leaves.

Read, decide, then one transaction under the fence for state, places, deadlines and outgoing messages; then requests go
to the exchange and messages to their carriers, from memory (consistency-rules 3.2, 3.5, 4.1). Only candles are said
before: the exchange has them, and whoever asks it again is told the same (ADR 18). Whatever fails ends the actor:
nobody repairs memory, a new one loads what stands. What a service raises on is set aside first (quarantine.py).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from roottrading.adapters.bus.port import Partition, Sent
from roottrading.adapters.store.port import (
    SAID_AT_ONCE,
    Commit,
    Loaded,
    QuarantineAnswered,
    UnitState,
    UnitStore,
)
from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ENTRY, canonical_order
from roottrading.messages.market import CandleClosed
from roottrading.messages.service import DeadlineDue, Input, InstantComplete, Resumed
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.distributed.observing import clock
from roottrading.runtimes.distributed.sharding import unit_name
from roottrading.runtimes.distributed.unit.inbox import DeadlinesDue, Givable, Given, HeadHeard, Inbox
from roottrading.runtimes.distributed.unit.journaling import note
from roottrading.runtimes.distributed.unit.leaving import Leaving
from roottrading.runtimes.distributed.unit.quarantine import Quarantine, SetAside
from roottrading.runtimes.distributed.unit.quarantined import QUARANTINE, Poisoned
from roottrading.runtimes.distributed.unit.quarantining import answer, decide, keep_aside, put_off
from roottrading.runtimes.distributed.unit.ways import Ways
from roottrading.runtimes.step import Effects, Gap, Unit

MOST: Final = 500  # inputs of one transaction
LONGEST: Final = 250_000_000  # nanoseconds of deciding after which what was decided is committed, whatever waits
NEWEST: Final = 2**62  # above every sequence
LAZY_SECONDS: Final = 1.0  # of work at most are read again where nothing but places changed
_TRIES: Final = 50  # a message that was heard is in its author's outbox, or in the next moment


class Actor:
    """A unit that is owned by this process."""

    def __init__(self, unit: Unit, store: UnitStore, loaded: Loaded, ways: Ways) -> None:
        """Take a unit that was restored from `loaded`."""
        self.unit = unit
        self.deadlines = Deadlines((unit.role, key, when) for _, key, when in loaded.deadlines)
        self.quarantine = Quarantine(unit, loaded.rows.get(QUARANTINE.name, ()))
        self.commanded = loaded.control  # the last of a person's commands that was handed in
        self._command: int | None = None
        self.store = store
        self._ways = ways
        self._places: dict[Partition, int] = {}
        self._seen: set[tuple[str, str]] = set()  # where a message was taken since the last commit
        self.inbox = Inbox(Given(Resumed()))
        self._leaving = Leaving(loaded, ways.publish, self.inbox.wake)
        self._working = True
        self._stale = False
        self._at: Time = 0
        self.said = dict(unit.sent)  # the last sequence that was published, by stream

    @property
    def is_idle(self) -> bool:
        """Whether everything that reached it has been decided, kept and published."""
        return not self._working and not self.inbox

    @property
    def seen(self) -> Mapping[tuple[str, str], int]:
        """The last sequence by (source, stream) that need not come again: it was decided, or is kept aside."""
        return self.quarantine.seen() if self.quarantine else self.unit.seen

    def give(self, given: Sequence[Given]) -> None:
        """Hand something in; it is decided after what came before it."""
        self.inbox.give(given)

    async def run(self) -> None:
        """Work until cancelled. Raises Fenced where another owns the unit now, and whatever stops it."""
        try:
            await self._run()
        finally:
            self._leaving.cancel()

    # ---- inside

    async def _run(self) -> None:
        await self._leaving.publish_left()
        begun = False
        while True:
            question = self.inbox.question() if begun else None
            if question is not None:
                self._working = True
                await question()
                continue
            released = self.quarantine.released() if begun and self.quarantine else None
            if not self.inbox and released is None:
                await self._leaving.settle()
                self._working = bool(self._leaving)
                if not await self.inbox.wait(LAZY_SECONDS if self._stale and not self._leaving else None):
                    await self._commit(Effects())
                if not self.inbox:
                    continue
            self._working = True
            try:
                await self._work(self.inbox.take(MOST) if released is None else [Given(released)])
            except Poisoned as poisoned:
                await keep_aside(self.unit, self.quarantine, poisoned, self.store, self._ways.post, self._at)
            begun = True
            if self.quarantine.lifted:
                raise SetAside(f"{unit_name(self.unit.role, self.unit.shard)} asks for a symbol anew")

    async def _work(self, batch: Sequence[Given]) -> None:
        done = Effects()
        forwarded: list[Sent] = []
        began, dropped = clock(), self.unit.dropped
        until = began + LONGEST
        for place, each in enumerate(batch):
            await self._ways.turns.mine()
            whole = each.given is None or await self._take(each.given, done, forwarded)
            if whole:
                self._places.update(each.places)
                done.rows += each.rows
                if each.command is not None:
                    self._command = each.command
            if not whole or clock() > until:
                batch, left = batch[: place + whole], batch[place + whole :]
                self.inbox.put_back(left)
                break
        self._stale = self._stale or bool(self._places or self._seen)
        decided = committed = asked = clock()
        if forwarded:
            await self._ways.publish(forwarded)
        if done.rows or done.envelopes or done.requests or done.deadlines or self._command is not None:
            ahead = self._ways.retells and all(type(envelope.body) is CandleClosed for _, envelope in done.envelopes)
            if ahead:
                await self._ways.publish(done.envelopes)
            elif done.envelopes or done.requests:  # what can be done while the database is at it
                asyncio.get_running_loop().call_soon(self._ways.prepare, done.envelopes, done.requests)
            await self._commit(done)
            committed = asked = clock()
            if done.requests:
                self._ways.send(sorted(done.requests, key=canonical_order))
                await asyncio.sleep(0)  # now they are written: publishing takes as long as the way of a request
                asked = clock()
            if done.envelopes:
                if ahead:
                    self._leaving.was_published(done.envelopes)
                else:
                    await self._leaving.publish(done.envelopes)
                self.said.update({envelope.stream: envelope.sequence for _, envelope in done.envelopes})
        times = (began, decided, committed, asked, clock() if forwarded or done.envelopes else asked)
        dropped = self.unit.dropped - dropped
        taken = [each.given for each in batch]
        self._ways.observed.work(self.unit.shard, times, taken, done, forwarded, dropped, self._ways.now())

    async def _take(self, given: Givable, done: Effects, forwarded: list[Sent]) -> bool:
        """Decide it; say whether all of it was: what is left of what was missed follows after a commit."""
        if isinstance(given, QuarantineAnswered):
            moved = answer(self.quarantine, self.deadlines, self.unit.role, given, done.rows)
            if moved is not None:
                self._seen.add(moved)
        elif isinstance(given, HeadHeard):
            return await self._catch_up(given.source, given.stream, given.last, done, forwarded)
        elif isinstance(given, DeadlinesDue):
            while ready := self.deadlines.take(given.until):
                for role, key in ready:
                    if not put_off(self.quarantine, self.deadlines, role, key, given.until):
                        self._step(DeadlineDue(key), given.until, done)
        elif isinstance(given, Envelope):
            try:
                self._step(given, self._time_of(given), done)
            except Gap as gap:
                if not await self._catch_up(*gap.position, given.follows, done, forwarded):
                    return False
                self._ways.observed.gaps += 1
                self._step(given, self._time_of(given), done)
            forwarded.extend(self._ways.forward(given))
        else:
            at = given.at if isinstance(given, InstantComplete) else self._ways.now()
            self._step(given, at, done)
        return True

    def _time_of(self, envelope: Envelope) -> Time:
        """Return the time of its cause, which never goes back."""
        return max(envelope.at, self._ways.now()) if self._ways.by_the_clock else envelope.at

    def _step(self, given: Input, now: Time, done: Effects) -> None:
        first, wished, asked = len(done.envelopes), len(done.deadlines), len(done.requests)
        at = self._at = max(now, self._at)
        began = clock()
        decide(self.unit, self.quarantine, given, at, done)
        self._ways.turns.spent(clock() - began)
        if type(given) is Envelope:
            self._seen.add((given.source, given.stream))
        for role, key, when in done.deadlines[wished:]:
            self.deadlines.set(role, key, when)
        note(done.envelopes[first:], done.requests[asked:], done.rows)

    async def _catch_up(self, source: str, stream: str, upto: int | None, done: Effects, forwarded: list[Sent]) -> bool:
        """Take what was said on a stream after what the unit has seen of it, as its author kept it.

        Say whether that was all: more than `SAID_AT_ONCE` messages, or what takes too long, is not taken at once.
        """
        position, tries = (source, stream), 0
        while upto is None or self.seen.get(position, 0) < upto:
            last = self.seen.get(position, 0)
            found = await self._ways.refetch(source, stream, last, NEWEST if upto is None else upto)
            until = clock() + LONGEST
            for envelope in found:
                await self._ways.turns.mine()
                self._step(envelope, self._time_of(envelope), done)
                forwarded.extend(self._ways.forward(envelope))
                if clock() > until:
                    return False
            if len(found) >= SAID_AT_ONCE:
                return False
            if upto is None:
                return True
            if self.seen.get(position, 0) > last:
                continue
            tries += 1
            if tries == _TRIES:
                raise RuntimeError(
                    f"{unit_name(self.unit.role, self.unit.shard)}: {stream} of {source} stands at {upto}, but after "
                    f"{last} its outbox holds nothing: was it emptied, or written elsewhere?"
                )
            await asyncio.sleep(0.1)
        return True

    async def _commit(self, done: Effects) -> None:
        unit = self.unit
        seen = {position: unit.seen[position] for position in self._seen if position in unit.seen}
        sent = {envelope.stream: unit.sent[envelope.stream] for _, envelope in done.envelopes}
        await self.store.commit(
            Commit(
                rows=done.rows,
                units={unit_name(unit.role, unit.shard): UnitState(seen, sent)},
                deadlines=self.deadlines.changes(),
                outbox=done.envelopes,
                offsets=self._places,
                published=self._leaving.confirmed_to,
                control=self._command,
                heeds_control=any(request.urgency == ENTRY for request in done.requests),
            )
        )
        self._places = {}
        self._seen = set()
        self._leaving.confirmed_to = None
        self._command = None
        self._stale = False
