"""What a store is: state and journals of a run, kept whole or not at all.

A store belongs to one owner at a time. A commit is one transaction; whoever was taken over finds it refused (`Fenced`)
and throws its objects away. Nothing is under way when a run commits, so what was loaded is all that there was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import AccountAdjusted, ControlChanged, Row, Table

Deadline = tuple[str, str, Time]  # (service, key, when)
SAID_AT_ONCE: Final = 1_000  # messages of a stream that an archive returns at once


class QuarantineAnswered(Struct, frozen=True):
    """A person's word on what a unit ("trader/17") could not process: try it again, or go on without it.

    `source`, `stream` and `sequence` name it (consistency-rules 5).
    """

    number: int
    unit: str
    source: str
    stream: str
    sequence: int
    action: Literal["retry", "resolve"]
    who: str
    why: str


class AdjustmentAnswered(Struct, frozen=True):
    """What a service says to the `request` of that number for capital or coins: taken as it stands in `adjusted`, or
    `refused` with these words (trading-rules 7.1). It is a command itself, for all services that such a thing concerns.
    """

    number: int
    request: int
    adjusted: AccountAdjusted
    refused: str = ""


Control = ControlChanged | AccountAdjusted | QuarantineAnswered | AdjustmentAnswered


class StoreError(Exception):
    """The store cannot do what was asked; the text says what, where and what to do."""


class StoreFull(StoreError):
    """The disk (or a quota on it) is full; what was committed before stands."""


class StoreCorrupt(StoreError):
    """What is in the state folder is not what was written there."""


class WrongIdentity(StoreError):
    """The state belongs to another tape, version, deployment or other settings."""


class InUse(StoreError):
    """Another process owns the state and is alive."""


class Fenced(StoreError):
    """Another process has taken the state over: throw everything away, it has been loaded elsewhere."""


class Unreachable(StoreError):
    """The store cannot be reached, and nothing of what was asked was done: the same may be asked again."""


class CommitUnknown(StoreError):
    """The connection was lost under a commit: it may stand or not. Throw the unit away and load it (rule 3.2)."""


class ControlWaiting(StoreError):
    """A person's command came that the unit has not taken: take it before anything else (trading-rules 7.4)."""


class UnitState(Struct, frozen=True):
    """A service's places: the last sequence seen per (source, stream), and sent per stream; whole values.

    A UnitStore is given those that changed, under the unit's name ("trader/17"), and keeps the others.
    """

    seen: Mapping[tuple[str, str], int] = {}
    sent: Mapping[str, int] = {}


class Commit(Struct, frozen=True):
    """One transaction: what changed since the last.

    `rows` are applied in order. `units` holds the services whose places changed. `deadlines` are (service, key, when),
    None cancels. `position` is (instant, phase) of the last phase brought to rest, `control` the number of the last
    control request taken; None leaves either as it is.

    `outbox` are (channel, envelope) to be published, in order: they are numbered on from `Loaded.outbox_number`.
    `published` is the number up to which the bus has confirmed them. `offsets` are the next positions to read by
    (topic, partition); a topic that was made anew is another one, so that its name may carry its id. With
    `heeds_control` nothing is kept while a control request above the last one taken waits (ControlWaiting).
    """

    rows: Sequence[Row] = ()
    units: Mapping[str, UnitState] = {}
    deadlines: Sequence[tuple[str, str, Time | None]] = ()
    position: tuple[Time, str] | None = None
    control: int | None = None
    outbox: Sequence[tuple[str, Envelope]] = ()
    offsets: Mapping[tuple[str, int], int] = {}
    published: int | None = None
    heeds_control: bool = False


class OutboxEntry(Struct, frozen=True):
    """An envelope that was committed to be published on a channel, and its number in its unit."""

    number: int
    channel: str
    envelope: Envelope


class Loaded(Struct, frozen=True):
    """All that a run needs to go on: rows of state tables by table (oldest first), and the places it had reached.

    `position` is None where nothing was ever committed. `outbox` are the envelopes that the bus has not confirmed, in
    order; `outbox_number` is that of the last one ever committed.
    """

    rows: Mapping[str, tuple[Row, ...]]
    units: Mapping[str, UnitState]
    deadlines: tuple[Deadline, ...]
    position: tuple[Time, str] | None
    control: int
    fence: int
    outbox: tuple[OutboxEntry, ...] = ()
    outbox_number: int = 0
    offsets: Mapping[tuple[str, int], int] = {}


class Store(Protocol):
    """The port: SQLite and memory are alike to a runtime; one contract suite runs over all stores."""

    def load(self) -> Loaded:
        """Return what was committed. Raises StoreCorrupt where it cannot be read."""

    def commit(self, commit: Commit) -> None:
        """Keep all of it, or nothing and raise: Fenced, StoreFull, StoreCorrupt or StoreError."""

    def journal(self, table: Table) -> Iterable[Struct]:
        """Return a table's records in the order in which their keys were first written."""

    def post_control(self, control: Control) -> int:
        """Leave a person's command for the owner; returns the number that it was given."""

    def poll_control(self, after: int) -> tuple[Control, ...]:
        """Return the commands numbered above `after`, in order, with their numbers. Raises Fenced as `commit` does."""

    def close(self) -> None:
        """Give the state free; what was committed stays."""


class UnitStore(Protocol):
    """The state of one unit, (service, shard), in a database that many share: same words, awaited.

    `load` takes the unit over: whoever had it finds its next commit refused (Fenced).
    """

    async def load(self) -> Loaded:
        """Take the unit over and return what was committed. Raises StoreCorrupt, Unreachable or StoreError."""

    async def commit(self, commit: Commit) -> None:
        """Keep all of it, or nothing and raise: Fenced, CommitUnknown, ControlWaiting, Unreachable, StoreFull, ..."""

    async def answer(self, answered: AdjustmentAnswered) -> None:
        """Leave the first answer to a person's request among the commands, under the unit's fence.

        Where there is one already, that one counts. Raises Fenced, Unreachable or StoreError.
        """

    async def close(self) -> None:
        """Let go of it; what was committed stays."""


class Archive(Protocol):
    """What was said and what the market did, for whoever missed some of it (consistency-rules 2.6)."""

    async def said(self, source: str, stream: str, after: int, upto: int) -> Sequence[Envelope]:
        """Return the stream's envelopes with after < sequence <= upto, in order, from the outbox of their source.

        Of more than `SAID_AT_ONCE` only so many, the first: ask on after the last of them.
        """

    async def candles(self, symbol: str, timeframe: str, after: Time, upto: Time) -> Sequence[Candle]:
        """Return the candles that closed at after < T <= upto, in order."""


def tables_by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """Index the tables; two of one name raise StoreError."""
    found: dict[str, Table] = {}
    for table in tables:
        if found.setdefault(table.name, table) != table:
            raise StoreError(f"two tables are named {table.name!r}: a table has one owner, rename one of them")
    return found
