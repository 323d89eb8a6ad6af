"""What carries messages: Pub/Sub that loses and doubles, logs that keep, relays and heads that mend."""

from bisect import bisect_right
from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct, field

from roottrading.messages.envelope import Envelope
from roottrading.pipeline import BRIDGES, CHANNELS, ROLES, Channel, Role
from tests.simulation.chaos import Chaos
from tests.simulation.database import Database

if TYPE_CHECKING:
    from tests.simulation.process import Process

CARRIER = {channel.name: channel.carrier for channel in CHANNELS}
HEARERS = {c.name: tuple(r.name for r in ROLES if any(h.name == c.name for h in r.consumes)) for c in CHANNELS}
EARLY = {c.name: tuple(r.name for r in ROLES if any(h.name == c.name for h in r.early)) for c in CHANNELS}
STREAM = tuple[str, str, str]  # channel, source, stream


class Log(Struct):
    """A partition's messages of one stream, each once, in order."""

    envelopes: list[Envelope] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)

    def append(self, envelope: Envelope) -> bool:
        """Add a message that is later than the last."""
        if self.sequences and envelope.sequence <= self.sequences[-1]:
            return False
        self.envelopes.append(envelope)
        self.sequences.append(envelope.sequence)
        return True

    def after(self, sequence: int) -> Envelope | None:
        """Return the first message after a sequence."""
        place = bisect_right(self.sequences, sequence)
        return self.envelopes[place] if place < len(self.envelopes) else None


class Carriers:
    """Redis and Kafka, as bad as they may be."""

    def __init__(self, dice: Random, chaos: Chaos, database: Database, processes: dict[str, list["Process"]]) -> None:
        self.dice = dice
        self.chaos = chaos
        self.database = database
        self.processes = processes
        self.logs: dict[str, dict[STREAM, Log]] = {role.name: {} for role in ROLES}  # by who hears them
        self.refetched = 0
        self.relayed = 0

    def publish(self, channel: str, envelope: Envelope) -> None:
        """Put a message on its carrier: Kafka keeps it, Pub/Sub gives it to whoever listens - or loses it."""
        self._say(EARLY[channel], envelope)
        if CARRIER[channel] == "kafka":
            self._append(channel, envelope)
        else:
            self._say(HEARERS[channel], envelope)

    def _say(self, roles: tuple[str, ...], envelope: Envelope) -> None:
        dice, chaos = self.dice, self.chaos
        for role in roles:
            for process in self.processes[role]:
                times = 1 + (dice.random() < chaos.duplicate)
                if dice.random() >= chaos.lose:
                    process.hear(envelope, times)

    def next_in_logs(self, role: str, seen: dict[tuple[str, str], int]) -> list[Envelope]:
        """Return what lies ready in each log that the role reads, now and then something older beside it."""
        found = []
        for (_, source, stream), log in self.logs[role].items():
            if source == role:
                continue
            following = log.after(seen.get((source, stream), 0))
            if following is not None:
                found.append(following)
                if self.dice.random() < self.chaos.redeliver:
                    found.append(self.dice.choice(log.envelopes))
        return found

    def refetch(self, source: str, stream: str, last: int, until: int) -> list[Envelope]:
        """Return a stream's messages after the last one seen, up to `until`, from their author's outbox."""
        self.refetched += 1
        kept = self.database.kept[source].outbox.get(stream, [])
        return [e for _, e in kept if last < e.sequence <= until]

    def heads(self) -> bool:
        """Say every stream's last sequence again, so that the last message lost is missed (consistency-rules 2.5)."""
        return self.repeat_heads("kafka") | self.repeat_heads("redis")

    def repeat_heads(self, carrier: str) -> bool:
        """Compare what was kept with what was seen on a carrier; say whether anything was missing."""
        mended = False
        for role in ROLES:
            for process in self.processes[role.name]:
                if process.unit is not None and not process.is_frozen():
                    mended |= self._mend(role, process, process.unit.seen, carrier)
        return mended

    def relay(self, channel: str, missing: list[Envelope]) -> bool:
        """Publish again what a dead author had committed and not published; say whether there was any (3.5)."""
        added = sum([self._append(channel, envelope) for envelope in missing])
        self.relayed += added
        return added > 0

    def _append(self, channel: str, envelope: Envelope) -> bool:
        added = False
        for role in HEARERS[channel]:
            log = self.logs[role].setdefault((channel, envelope.source, envelope.stream), Log())
            if log.append(envelope):
                added = True
                for process in self.processes[role]:
                    process.awake()
        return added

    def _mend(self, role: Role, process: "Process", seen: dict[tuple[str, str], int], carrier: str) -> bool:
        mended = False
        for source, kept in self.database.kept.items():
            if source == role.name:
                continue
            for stream, outbox in kept.outbox.items():
                channel = _HEARD[role.name].get(stream.split("/", 1)[0])
                if channel is None or channel.carrier != carrier:
                    continue
                last = seen.get((source, stream), 0)
                head = outbox[-1][1].sequence
                if head <= last:
                    continue
                if carrier == "redis":
                    process.hear_head(source, stream, head)
                    mended = True
                else:
                    mended |= self.relay(channel.name, [e for _, e in outbox if e.sequence > last])
        return mended


def _sources(role: Role) -> dict[str, Channel]:
    """Return the channels whose streams the role hears, a bridge's origin included."""
    heard = {c.name: c for c in role.consumes}
    for bridge in BRIDGES:
        if bridge.destination.name in heard:
            heard[bridge.origin.name] = bridge.destination
    return heard


_HEARD = {role.name: _sources(role) for role in ROLES}
