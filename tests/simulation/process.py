"""One instance of a service: load, step, commit, publish, send - and it may die between any two of them."""

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Literal

from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeEvent, ExchangeReply, Request
from roottrading.messages.service import DeadlineDue, Input, Resumed
from roottrading.runtimes.step import Effects, Gap, Unit, step
from roottrading.services.dispatcher.verdicts_to_kafka import forward
from tests.simulation.database import Lost

if TYPE_CHECKING:
    from tests.simulation.world import World

Stage = Literal["loaded", "stepped", "committed", "published", "sent"]
Work = Generator[Stage, None, None]


class Process:
    """An instance of a role; `unit` is its memory, None before it is loaded and after it was lost."""

    def __init__(self, world: "World", role: str, number: int) -> None:
        self.world = world
        self.role = role
        self.number = number
        self.unit: Unit | None = None
        self.mailbox: dict[tuple[str, str], list[Envelope]] = {}
        self.events: list[ExchangeEvent | ExchangeReply] = []
        self.work: Work | None = None
        self.frozen_until: Time | None = None
        self.fed = 0

    # ---- what reaches it

    def hear(self, envelope: Envelope, times: int) -> None:
        """Receive a message on Pub/Sub."""
        self.mailbox.setdefault((envelope.source, envelope.stream), []).extend([envelope] * times)
        self.awake()

    def hear_head(self, source: str, stream: str, head: int) -> None:
        """Hear a stream's last sequence, which was not heard before: what is missing is fetched."""
        assert self.unit is not None
        position = source, stream
        self.mailbox[position] = self.refetch(self.unit, position, self.unit.seen.get(position, 0), head)
        self.awake()

    def told(self, said: Iterable[ExchangeEvent | ExchangeReply]) -> None:
        """Receive the exchange's word: what it says at once is heard at once, or not at all."""
        self.events.extend(said)
        self.awake()

    def awake(self) -> None:
        """Note that there may be something to do."""
        self.world.scheduler.idle.discard(self)

    def is_frozen(self) -> bool:
        """Say whether it is paused, as by a long garbage collection or a stopped machine."""
        if self.frozen_until is not None and self.frozen_until <= self.world.now:
            self.frozen_until = None
        return self.frozen_until is not None

    # ---- what it does

    def begin(self) -> bool:
        """Take up the next input, or the load that must come first; False where there is nothing to do."""
        if self.unit is None:
            self.work = self._load()
            return True
        given, fed = self._choose(self.unit)
        if given is None:
            return False
        self.work = self._decide(self.unit, [given], fed)
        return True

    def die(self) -> None:
        """Lose all memory, what lay in the mailboxes with it."""
        self.unit, self.work, self.frozen_until = None, None, None
        self.mailbox.clear()
        self.events.clear()
        self.awake()

    def resumed(self, unanswered: tuple[Request, ...]) -> Resumed:
        """Return the first input after a load."""
        return Resumed(unanswered)

    def take(self, unit: Unit, given: Input, done: Effects) -> None:
        """Let the service decide one input. Raises Gap where messages before it are missing."""
        step(unit, given, self.world.now, done)

    def refetch(self, unit: Unit, position: tuple[str, str], last: int, until: int) -> list[Envelope]:
        """Return what the unit has not heard of a stream: after `last`, up to `until`."""
        return self.world.carriers.refetch(*position, last, until)

    def finish(self, unit: Unit, done: Effects, forwarded: list[Envelope], fed: int, taken: list[Input]) -> Work:
        """Commit, then publish, then send: nothing leaves before it stands. Raises Lost where it does not count."""
        world = self.world
        world.commit(unit, done, fed, taken)
        self.fed = fed
        yield "committed"
        for channel, envelope in self.leaving(done, forwarded):
            world.carriers.publish(channel, envelope)
            yield "published"
        world.send(done.requests)
        yield "sent"

    def leaving(self, done: Effects, forwarded: list[Envelope]) -> list[tuple[str, Envelope]]:
        """Return what is published: its own words, and what a bridge carries on unchanged (consistency-rules 2.7)."""
        return done.envelopes + [
            (channel, e) for e in forwarded if (channel := forward(e.stream.partition("/")[0])) is not None
        ]

    def _load(self) -> Work:
        world = self.world
        kept = world.database.kept[self.role]
        self.unit = world.load(self.role)
        self.events.clear()
        self.told(world.greeting(self.role))
        unanswered = tuple(request for _, request in sorted(kept.requests.items()))
        yield "loaded"
        self.fed = kept.fed
        yield from self._decide(self.unit, [self.resumed(unanswered)], kept.fed)

    def _decide(self, unit: Unit, inputs: list[Input], fed: int) -> Work:
        try:
            yield from self._step_and_finish(unit, inputs, fed)
        except Exception as error:
            if self.world.is_owner(unit) and not isinstance(error, Lost):
                raise
            self.unit = None  # outlived: nobody repairs memory, and what it makes of the news does not count
            self.world.lost_commits += 1

    def _step_and_finish(self, unit: Unit, inputs: list[Input], fed: int) -> Work:
        done = Effects()
        forwarded = [i for i in inputs if isinstance(i, Envelope)] if self.role == "dispatcher" else []
        taken = list(inputs)
        while inputs:
            try:
                self.take(unit, inputs[0], done)
            except Gap as gap:
                refetched = self.refetch(unit, gap.position, gap.last, gap.envelope.follows)
                if not refetched and unit.seen.get(gap.position, 0) == gap.last:
                    raise RuntimeError(f"nothing fills the gap: {gap}") from gap
                inputs[0:0] = refetched
                forwarded[0:0] = refetched if self.role == "dispatcher" else []
                continue
            inputs.pop(0)
        yield "stepped"
        yield from self.finish(unit, done, forwarded, fed, taken)

    def _choose(self, unit: Unit) -> tuple[Input | None, int]:
        """Pick one of the inputs that lie ready: (input, feed position after it)."""
        world, fed = self.world, self.fed
        ready: list[tuple[str, object]] = []
        feed = world.feeds[self.role]
        if fed < len(feed):
            ready.append(("feed", feed[fed]))
        if self.events:
            ready.append(("event", None))
        ready.extend(("mail", position) for position, mail in self.mailbox.items() if mail)
        ready.extend(("log", envelope) for envelope in world.carriers.next_in_logs(self.role, unit.seen))
        key = world.due(self.role)
        if key is not None:
            ready.append(("deadline", key))
        if not ready:
            return None, fed
        kind, what = world.dice.choice(ready)
        match kind, what:
            case "feed", given:
                return given, fed + 1  # type: ignore[return-value]
            case "event", _:
                return self.events.pop(0), fed
            case "mail", position:
                return self.mailbox[position].pop(0), fed  # type: ignore[index]
            case "deadline", str(due):
                return DeadlineDue(due), fed
        return what, fed  # type: ignore[return-value]
