"""A store in one folder, on SQLite: each commit one transaction, refused to whoever lost the folder."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
from msgspec import Struct

from roottrading.adapters.store import control_inbox, sqlite_outbox
from roottrading.adapters.store.columns import TableColumns
from roottrading.adapters.store.database import OWN_NAMES, OWN_TABLES, Durability, connect, in_words, transaction
from roottrading.adapters.store.owner import BEAT_SECONDS, Ownership
from roottrading.adapters.store.port import (
    Commit,
    Control,
    Loaded,
    StoreCorrupt,
    StoreError,
    UnitState,
    WrongIdentity,
    tables_by_name,
)
from roottrading.messages.service import Row, Table

_Read = TypeVar("_Read")
_Operation = tuple[str, dict[tuple[str | int, ...], tuple[Any, ...]]]  # SQL, parameters by key
_SEEN = list[tuple[str, str, int]]


class SqliteStore:
    """State and journals of one run in `folder`, owned by this process until it is closed."""

    @classmethod
    def open(
        cls,
        folder: Path,
        tables: Iterable[Table],
        identity: Mapping[str, str],
        durability: Durability = "normal",
        beat_seconds: float = BEAT_SECONDS,
    ) -> Self:
        """Take the folder (made where it is missing) and check that it is this run's.

        `identity` names what the state belongs to (tape, version, settings, deployment). Raises WrongIdentity where
        the folder holds another's, InUse where its owner is alive, StoreError where it cannot be written.
        """
        columns = {name: TableColumns(table) for name, table in tables_by_name(tables).items()}
        with in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
        connection = connect(folder, durability)
        try:
            with in_words(folder):
                connection.executescript(OWN_TABLES)
                _is_claimed(folder, connection, identity)
            ownership = Ownership(folder, connection, beat_seconds)
        except BaseException:
            connection.close()
            raise
        store = cls(folder, columns, connection, ownership)
        try:
            store._prepare(identity)
        except BaseException:
            store.close()
            raise
        return store

    def __init__(
        self, folder: Path, columns: Mapping[str, TableColumns], connection: sqlite3.Connection, ownership: Ownership
    ) -> None:
        self.folder = folder
        self._columns = columns
        self._connection = connection
        self._ownership = ownership

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self) -> Loaded:
        """Return what was committed."""
        run = self._connection.execute
        with in_words(self.folder):
            rows = {
                name: tuple(self._select(columns, columns.row))
                for name, columns in self._columns.items()
                if columns.table.kept == "state"
            }
            units = {
                service: UnitState(
                    {(source, stream): last for source, stream, last in msgspec.json.decode(seen, type=_SEEN)},
                    msgspec.json.decode(sent, type=dict[str, int]),
                )
                for service, seen, sent in run("SELECT service, seen, sent FROM units ORDER BY service")
            }
            deadlines = tuple(run("SELECT service, key, due_at FROM deadlines ORDER BY due_at, service, key"))
            at, phase, control = run("SELECT at, phase, control FROM progress").fetchone() or (None, None, 0)
            outbox = sqlite_outbox.unconfirmed(self._connection)
            offsets = sqlite_outbox.offsets(self._connection)
        position = None if at is None or phase is None else (int(at), str(phase))
        return Loaded(rows, units, deadlines, position, control, self._ownership.fence, *outbox, offsets)

    def commit(self, commit: Commit) -> None:
        """Keep all of it, or nothing."""
        run = self._connection
        operations = self._operations(commit.rows)
        with transaction(run, self.folder):
            self._ownership.check(run)
            for sql, parameters in operations:
                run.executemany(sql, parameters.values())
            if commit.units:
                run.executemany("REPLACE INTO units (service, seen, sent) VALUES (?, ?, ?)", _places(commit.units))
            for service, key, when in commit.deadlines:
                if when is None:
                    run.execute("DELETE FROM deadlines WHERE service = ? AND key = ?", (service, key))
                else:
                    run.execute("REPLACE INTO deadlines (service, key, due_at) VALUES (?, ?, ?)", (service, key, when))
            if commit.position is not None:
                run.execute("UPDATE progress SET at = ?, phase = ?", commit.position)
            if commit.control is not None:
                run.execute("UPDATE progress SET control = ?", (commit.control,))
            if commit.heeds_control:
                control_inbox.check_heeded(run)
            if commit.outbox:
                sqlite_outbox.add(run, commit.outbox)
            if commit.published is not None:
                sqlite_outbox.forget(run, commit.published)
            if commit.offsets:
                sqlite_outbox.keep_offsets(run, commit.offsets)

    def journal(self, table: Table) -> Iterator[Struct]:
        """Yield the table's records, oldest key first."""
        columns = self._columns[table.name]
        with in_words(self.folder):
            yield from self._select(columns, columns.record)

    def post_control(self, control: Control) -> int:
        """Leave a command in the inbox; returns its number."""
        return control_inbox.post(self._connection, self.folder, control)

    def poll_control(self, after: int) -> tuple[Control, ...]:
        """Return the commands above `after`. Raises Fenced where another process took the folder over."""
        with in_words(self.folder):
            self._ownership.check(self._connection)  # who only looks must not believe that the commands are for him
            return control_inbox.poll(self._connection, after)

    def close(self) -> None:
        """Give the folder free."""
        self._ownership.release()
        self._connection.close()

    def _prepare(self, identity: Mapping[str, str]) -> None:
        run = self._connection
        with transaction(run, self.folder):
            if not _is_claimed(self.folder, run, identity):
                run.executemany("INSERT INTO identity (name, value) VALUES (?, ?)", sorted(identity.items()))
            run.execute("INSERT OR IGNORE INTO progress (id, at, phase, control) VALUES (0, NULL, NULL, 0)")
            for name, columns in self._columns.items():
                if name in OWN_NAMES:
                    raise StoreError(f"table {name!r} is the store's own: give the service's table another name")
                run.execute(columns.create_sql)
                there = [row[1] for row in run.execute(f"PRAGMA table_info('{name}')")]
                if there != columns.columns:
                    raise WrongIdentity(
                        f"state folder {self.folder}: table {name} has the columns {', '.join(there)}, this version "
                        f"writes {', '.join(columns.columns)}: use another --state"
                    )

    def _select(self, columns: TableColumns, convert: Callable[[tuple[Any, ...]], _Read]) -> Iterator[_Read]:
        for values in self._connection.execute(columns.select_sql):
            try:
                yield convert(values)
            except (ValueError, TypeError, ArithmeticError) as error:
                raise StoreCorrupt(
                    f"state folder {self.folder}: table {columns.table.name}: {error}; put a copy of the folder back"
                ) from error

    def _operations(self, rows: Iterable[Row]) -> list[_Operation]:
        """Gather the rows by table into runs of writes and deletes; within a run a key's last write counts."""
        runs: list[_Operation] = []
        latest: dict[str, _Operation] = {}
        for row in rows:
            columns = self._columns.get(row.table)
            if columns is None:
                raise StoreError(
                    f"a row is for table {row.table!r}, which nobody declared: add it to its service's TABLES"
                )
            deleting = row.values is None
            sql = columns.delete_sql if deleting else columns.upsert_sql
            current = latest.get(row.table)
            if current is None or current[0] is not sql:
                current = latest[row.table] = (sql, {})
                runs.append(current)
            current[1][row.key] = row.key if deleting else columns.parameters(row)
        return runs


def _places(units: Mapping[str, UnitState]) -> Iterator[tuple[str, str, str]]:
    for service, unit in units.items():
        seen = [(source, stream, last) for (source, stream), last in unit.seen.items()]
        yield service, msgspec.json.encode(seen).decode(), msgspec.json.encode(unit.sent).decode()


def _is_claimed(folder: Path, connection: sqlite3.Connection, identity: Mapping[str, str]) -> bool:
    """Say whether the folder is this run's already; raise WrongIdentity where it is another's."""
    found = dict(connection.execute("SELECT name, value FROM identity"))
    differences = [
        f"{name} is {found.get(name, 'not set')} there and {identity.get(name, 'not set')} here"
        for name in sorted(found.keys() | identity.keys())
        if found.get(name) != identity.get(name)
    ]
    if found and differences:
        raise WrongIdentity(
            f"state folder {folder} belongs to another run: {'; '.join(differences)}. Use another --state, or the "
            "settings it was made with"
        )
    return bool(found)
