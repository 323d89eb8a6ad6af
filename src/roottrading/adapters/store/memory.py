"""A store in memory: the same port for runs that end with their process."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from roottrading.adapters.store.port import (
    Commit,
    Control,
    ControlWaiting,
    Loaded,
    OutboxEntry,
    StoreError,
    UnitState,
    tables_by_name,
)
from roottrading.domain.time import Time
from roottrading.messages.service import Row, Table


class MemoryStore:
    """Rows in dictionaries by table and key."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = tables_by_name(tables)
        self._records: dict[str, dict[tuple[str | int, ...], Any]] = {name: {} for name in self._tables}
        self._units: dict[str, UnitState] = {}
        self._deadlines: dict[tuple[str, str], Time] = {}
        self._position: tuple[Time, str] | None = None
        self._control = 0
        self._requests: list[Control] = []
        self._outbox: list[OutboxEntry] = []
        self._published = 0
        self._offsets: dict[tuple[str, int], int] = {}

    def load(self) -> Loaded:
        """Return what was committed."""
        rows = {
            name: tuple(Row(name, key, record) for key, record in self._records[name].items())
            for name, table in self._tables.items()
            if table.kept == "state"
        }
        deadlines = tuple((role, key, when) for (role, key), when in self._deadlines.items())
        return Loaded(
            rows,
            dict(self._units),
            deadlines,
            self._position,
            self._control,
            1,
            tuple(self._outbox[self._published :]),
            len(self._outbox),
            dict(self._offsets),
        )

    def commit(self, commit: Commit) -> None:
        """Keep all of it."""
        tables = self._records
        for table in {row.table for row in commit.rows}:
            if table not in tables:
                raise StoreError(f"a row is for table {table!r}, which nobody declared: add it to its service's TABLES")
        control = self._control if commit.control is None else commit.control
        if commit.heeds_control and len(self._requests) > control:
            raise ControlWaiting(f"command {len(self._requests)} waits, {control} was the last one taken")
        for row in commit.rows:
            values = row.values
            if values is None:
                tables[row.table].pop(row.key, None)
            else:
                tables[row.table][row.key] = values
        for name, unit in commit.units.items():
            self._units[name] = UnitState(dict(unit.seen), dict(unit.sent))
        for role, key, when in commit.deadlines:
            if when is None:
                self._deadlines.pop((role, key), None)
            else:
                self._deadlines[role, key] = when
        if commit.position is not None:
            self._position = commit.position
        self._control = control
        self._keep_outbox(commit)

    def _keep_outbox(self, commit: Commit) -> None:
        for number, (channel, envelope) in enumerate(commit.outbox, len(self._outbox) + 1):
            self._outbox.append(OutboxEntry(number, channel, envelope))
        if commit.published is not None:
            self._published = commit.published
        self._offsets.update(commit.offsets)

    def journal(self, table: Table) -> Iterable[Struct]:
        """Return the table's records, oldest key first."""
        return list(self._records[table.name].values())

    def post_control(self, control: Control) -> int:
        """Leave a command; returns its number."""
        number = len(self._requests) + 1
        self._requests.append(msgspec.structs.replace(control, number=number))
        return number

    def poll_control(self, after: int) -> tuple[Control, ...]:
        """Return the commands above `after`."""
        return tuple(self._requests[after:])

    def close(self) -> None:
        """Nothing is held."""
