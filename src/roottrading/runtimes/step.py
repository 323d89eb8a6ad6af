"""One step: give a unit one input, and collect what may leave once the change is kept (consistency-rules 2 and 3)."""

from typing import Final

from msgspec import Struct, field

from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import Request
from roottrading.messages.service import NOTHING, Input, Row, Service, Watch

OWN_CAUSE: Final = ""


class Unit(Struct):
    """A service on one shard: owned, fenced, committed and recovered as a whole.

    `seen` is the last sequence consumed per (source, stream), `sent` the last one sent per stream; `dropped` counts
    duplicates and replays.
    """

    role: str
    shard: int
    service: Service
    fence: int = 0
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    steps: int = 0


class Effects(Struct):
    """One transaction, and what may leave once it stands."""

    envelopes: list[tuple[str, Envelope]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    deadlines: list[tuple[str, str, Time | None]] = field(default_factory=list)  # (role, key, when)
    rows: list[Row] = field(default_factory=list)
    watches: list[tuple[str, Watch]] = field(default_factory=list)


class Gap(Exception):
    """A stream went on without the message that should have come: refetch it before going on."""

    def __init__(self, position: tuple[str, str], last: int, envelope: Envelope) -> None:
        super().__init__(
            f"{position[1]} of {position[0]}: {envelope.sequence} follows {envelope.follows}, "
            f"but {last} was the last seen"
        )
        self.position = position
        self.last = last
        self.envelope = envelope


def step(unit: Unit, given: Input, now: Time, done: Effects) -> None:
    """Let the unit decide one input at `now` and add its effects to `done`.

    A sequence that is not above the last one seen is a duplicate or replay and is dropped; one that follows another
    than the last one seen raises Gap, and nothing has changed.
    """
    cause = OWN_CAUSE
    if type(given) is Envelope:
        position = (given.source, given.stream)
        last = unit.seen.get(position, 0)
        if given.sequence <= last:
            unit.dropped += 1
            return
        if given.follows != last:
            raise Gap(position, last, given)
        unit.seen[position] = given.sequence
        cause = given.cause
    unit.steps += 1
    decision = unit.service.decide(given, now)
    if decision is NOTHING:
        return
    if messages := decision.messages:
        role, sent, envelopes = unit.role, unit.sent, done.envelopes
        for out in messages:
            channel = out.channel
            stream = f"{channel}/{out.key}"
            before = sent.get(stream, 0)
            follows, sequence = out.sequence or (before, before + 1)
            sent[stream] = sequence
            origin = cause or f"{stream}/{sequence}"
            envelopes.append((channel, Envelope(role, stream, sequence, follows, now, origin, out.body)))
    if requests := decision.requests:
        done.requests += requests
    if rows := decision.rows:
        done.rows += rows
    if deadlines := decision.deadlines:
        done.deadlines += [(unit.role, key, when) for key, when in deadlines]
    if watches := decision.watches:
        done.watches += [(unit.role, watch) for watch in watches]
