"""A commit as parameters: what changed, gathered by kind of change, each a table of columns."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.adapters.store.columns import finite
from roottrading.adapters.store.envelopes import body_text
from roottrading.adapters.store.port import Commit, StoreError
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.adapters.store.postgres.statements import (
    DEADLINES,
    DEADLINES_GONE,
    OUTBOX,
    PLACES,
    ROWS,
    ROWS_AGAIN,
    ROWS_GONE,
    Part,
    journal_gone,
    journal_put,
)
from roottrading.messages.service import Row, Table

Columns = list[Sequence[Any]]
_GONE: Final = object()
_Key = tuple[str | int, ...]


class JournalParts(Struct, frozen=True):
    """A journal's columns, and the parts of a commit that write and delete its rows."""

    columns: JournalColumns
    put: Part
    gone: Part


@cache
def _journal(table: Table) -> JournalParts:
    columns = JournalColumns(table)
    return JournalParts(columns, journal_put(columns), journal_gone(columns))


@cache
def _floats(record: type[Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(record) if field.type is float)


class Changes:
    """Gathers the commits of one unit; `row_number` and `outbox_number` are the last ones given."""

    def __init__(self, name: str, service: str, tables: Mapping[str, Table]) -> None:
        self._name = name
        self._service = service
        self._tables = tables
        self.row_number = 0
        self.outbox_number = 0

    def of(self, commit: Commit) -> dict[Part, Columns]:
        """Return what the commit changes. Raises StoreError for rows and services that are not this unit's."""
        found: dict[Part, Columns] = {}
        if commit.rows:
            self._rows(commit.rows, found)
        if commit.units or commit.offsets:
            self._places(commit, found)
        if commit.deadlines:
            self._deadlines(commit, found)
        if commit.outbox:
            found[OUTBOX] = self._outbox(commit)
        return dict(sorted(found.items(), key=lambda item: item[0].name))  # one statement a combination, not an order

    def _rows(self, rows: Iterable[Row], found: dict[Part, Columns]) -> None:
        """Keep a key's last change; a state row that was deleted and written again goes to the end of its table."""
        state: dict[tuple[str, _Key], Any] = {}
        again: set[tuple[str, _Key]] = set()
        journals: dict[str, dict[_Key, Any]] = {}
        for row in rows:
            table = self._tables.get(row.table)
            if table is None:
                raise StoreError(
                    f"a row is for table {row.table!r}, which nobody declared: add it to its service's TABLES"
                )
            if table.kept == "journal":
                values = _GONE if row.values is None else _journal(table).columns.values(row)
                journals.setdefault(row.table, {})[row.key] = values
                continue
            key = (row.table, row.key)
            if row.values is None:
                state[key] = _GONE
                again.discard(key)
            else:
                if state.get(key) is _GONE:
                    del state[key]
                    again.add(key)
                state[key] = self._text(row)
        self._state_rows(state, again, found)
        for name, kept in journals.items():
            journal = _journal(self._tables[name])
            put = [values for values in kept.values() if values is not _GONE]
            gone = [key for key, values in kept.items() if values is _GONE]
            if put:
                found[journal.put] = list(zip(*put, strict=True))
            if gone:
                found[journal.gone] = list(zip(*gone, strict=True))

    def _text(self, row: Row) -> str:
        for name in _floats(self._tables[row.table].record):
            finite(getattr(row.values, name))
        return msgspec.json.encode(row.values).decode()

    def _state_rows(
        self, state: Mapping[tuple[str, _Key], Any], again: set[tuple[str, _Key]], found: dict[Part, Columns]
    ) -> None:
        written: dict[Part, list[tuple[str, str, str, int]]] = {}
        gone = []
        for number, ((table, key), value) in enumerate(state.items(), self.row_number + 1):
            if value is _GONE:
                gone.append((table, key_text(key)))
            else:
                part = ROWS_AGAIN if (table, key) in again else ROWS
                written.setdefault(part, []).append((table, key_text(key), value, number))
        for part, rows in written.items():
            found[part] = list(zip(*rows, strict=True))
        if gone:
            found[ROWS_GONE] = list(zip(*gone, strict=True))

    def _places(self, commit: Commit, found: dict[Part, Columns]) -> None:
        rows: list[tuple[str, str, str, int]] = []
        for name, unit in commit.units.items():
            self._check_own(name, self._name)
            rows.extend(("seen", source, stream, last) for (source, stream), last in unit.seen.items())
            rows.extend(("sent", self._service, stream, last) for stream, last in unit.sent.items())
        rows.extend(
            ("read", topic, str(partition), following) for (topic, partition), following in commit.offsets.items()
        )
        if rows:
            found[PLACES] = list(zip(*rows, strict=True))

    def _deadlines(self, commit: Commit, found: dict[Part, Columns]) -> None:
        latest: dict[str, int | None] = {}
        for service, key, when in commit.deadlines:
            self._check_own(service, self._service)
            latest[key] = when
        due = {key: when for key, when in latest.items() if when is not None}
        if due:
            found[DEADLINES] = [list(due), list(due.values())]
        if len(due) < len(latest):
            found[DEADLINES_GONE] = [[key for key in latest if key not in due]]

    def _outbox(self, commit: Commit) -> Columns:
        rows = [
            (e.source, e.stream, e.sequence, e.follows, e.at, e.cause, body_text(e), channel, number)
            for number, (channel, e) in enumerate(commit.outbox, self.outbox_number + 1)
        ]
        return list(zip(*rows, strict=True))

    def _check_own(self, found: str, own: str) -> None:
        if found != own:
            raise StoreError(f"a commit of {self._name} holds places or deadlines of {found}: a unit keeps its own")


def key_text(key: _Key) -> str:
    """Return a row's key as it stands in `unit_rows`."""
    return msgspec.json.encode(key).decode()


def key_of(text: str) -> _Key:
    """Return the key that was written as this text."""
    return tuple(msgspec.json.decode(text, type=list[str | int]))
