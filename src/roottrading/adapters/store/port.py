"""What a store is: state and journals of a run, kept whole or not at all.

A store belongs to one owner at a time. A commit is one transaction; whoever was taken over finds it refused (`Fenced`)
and throws its objects away. Nothing is under way when a run commits, so what was loaded is all that there was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages.service import AccountAdjusted, ControlChanged, Row, Table

Control = ControlChanged | AccountAdjusted
Deadline = tuple[str, str, Time]  # (service, key, when)


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


class UnitState(Struct, frozen=True):
    """A service's places: the last sequence seen per (source, stream), and sent per stream; whole values."""

    seen: Mapping[tuple[str, str], int] = {}
    sent: Mapping[str, int] = {}


class Commit(Struct, frozen=True):
    """One transaction: what changed since the last.

    `rows` are applied in order. `units` holds the services whose places changed. `deadlines` are (service, key, when),
    None cancels. `position` is (instant, phase) of the last phase brought to rest, `control` the number of the last
    control request taken; None leaves either as it is.
    """

    rows: Sequence[Row] = ()
    units: Mapping[str, UnitState] = {}
    deadlines: Sequence[tuple[str, str, Time | None]] = ()
    position: tuple[Time, str] | None = None
    control: int | None = None


class Loaded(Struct, frozen=True):
    """All that a run needs to go on: rows of state tables by table (oldest first), and the places it had reached.

    `position` is None where nothing was ever committed.
    """

    rows: Mapping[str, tuple[Row, ...]]
    units: Mapping[str, UnitState]
    deadlines: tuple[Deadline, ...]
    position: tuple[Time, str] | None
    control: int
    fence: int


class Store(Protocol):
    """The port: SQLite and memory are alike to a runtime; one contract suite runs over both."""

    def load(self) -> Loaded:
        """Return what was committed. Raises StoreCorrupt where it cannot be read."""

    def commit(self, commit: Commit) -> None:
        """Keep all of it, or nothing and raise: Fenced, StoreFull, StoreCorrupt or StoreError."""

    def journal(self, table: Table) -> Iterable[Struct]:
        """Return a table's records in the order in which their keys were first written."""

    def post_control(self, control: Control) -> int:
        """Leave a person's command for the owner; returns the number that it was given."""

    def poll_control(self, after: int) -> tuple[Control, ...]:
        """Return the commands numbered above `after`, in order, with their numbers."""

    def close(self) -> None:
        """Give the state free; what was committed stays."""


def tables_by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """Index the tables; two of one name raise StoreError."""
    found: dict[str, Table] = {}
    for table in tables:
        if found.setdefault(table.name, table) != table:
            raise StoreError(f"two tables are named {table.name!r}: a table has one owner, rename one of them")
    return found
