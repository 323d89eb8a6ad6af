"""One instance of a service: load, step, commit, publish, send, acknowledge - and it may die between any two of them."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Literal

from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeEvent
from roottrading.messages.service import Input, Resumed
from roottrading.runtimes.step import Effects, Gap, Unit
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
        self.events: list[ExchangeEvent] = []
        self.work: Work | None = None
        self.frozen_until: Time | None = None
        self.fed = 0

    def begin(self) -> bool:
        """Take up the next input, or the load that must come first; False where there is nothing to do."""
        if self.unit is None:
            self.work = self._load()
            return True
        given, fed, deadline = self.world.choose(self)
        if given is None:
            return False
        self.work = self._decide(self.unit, [given], fed, deadline)
        return True

    def die(self) -> None:
        """Lose all memory, what lay in the mailboxes with it."""
        self.unit, self.work, self.frozen_until = None, None, None
        self.mailbox.clear()
        self.events.clear()

    def _load(self) -> Work:
        world = self.world
        kept = world.database.kept[self.role]
        self.unit = world.load(self.role)
        unanswered = tuple(request for _, request in sorted(kept.requests.items()))
        yield "loaded"
        self.fed = kept.fed
        yield from self._decide(self.unit, [Resumed(unanswered)], kept.fed, None)

    def _decide(self, unit: Unit, inputs: list[Input], fed: int, deadline: str | None) -> Work:
        world, defects = self.world, self.world.defects
        done = Effects()
        forwarded = [i for i in inputs if isinstance(i, Envelope)] if self.role == "dispatcher" else []
        answered = [i.client_order_id for i in inputs if isinstance(i, ExchangeEvent)]
        while inputs:
            try:
                world.step(unit, inputs[0], done)
            except Gap as gap:
                refetched = world.refetch(gap)
                inputs[0:0] = refetched
                forwarded[0:0] = refetched if self.role == "dispatcher" else []
                continue
            inputs.pop(0)
        if "send before commit" in defects:
            world.send(self, done)
        yield "stepped"
        try:
            world.commit(unit, done, fed, answered, deadline)
        except Lost:
            self.unit = None
            world.lost_commits += 1
            return
        self.fed = fed
        yield "committed"
        said = done.envelopes + [(channel, e) for e in forwarded if (channel := forward(e.stream.partition("/")[0]))]
        for channel, envelope in said:
            world.publish(channel, envelope)
            yield "published"
        if "send before commit" not in defects:
            world.send(self, done)
        yield "sent"
