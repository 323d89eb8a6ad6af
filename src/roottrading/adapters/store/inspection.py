"""Looking into a state folder from outside, without owning it: for `control status` and reports."""

import sqlite3
from pathlib import Path
from typing import Any

from msgspec import Struct

from roottrading.adapters.store.columns import TableColumns
from roottrading.adapters.store.control_inbox import poll
from roottrading.adapters.store.database import connect_existing, in_words
from roottrading.adapters.store.owner import Owner, is_held, read_owner
from roottrading.adapters.store.port import Control
from roottrading.domain.time import Time
from roottrading.messages.service import Table


class Inspection(Struct, frozen=True):
    """What stands in a state folder at a moment.

    `owner` is the last process that owned it, `running` whether it still holds its lock. `waiting` are control
    commands that no commit has taken yet. `records` holds the records of the tables that were asked for, by name;
    a table that was never made has none.
    """

    owner: Owner | None
    running: bool
    position: tuple[Time, str] | None
    waiting: tuple[Control, ...]
    records: dict[str, tuple[Any, ...]]


def inspect_folder(folder: Path, tables: tuple[Table, ...] = ()) -> Inspection:
    """Read the folder at one moment. Raises StoreError where there is no state, StoreCorrupt where it is broken."""
    connection = connect_existing(folder)
    try:
        with in_words(folder):
            connection.execute("BEGIN")
            owner = read_owner(connection)
            progress = connection.execute("SELECT at, phase, control FROM progress").fetchone() or (None, None, 0)
            made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            records = {table.name: tuple(_records(connection, table)) if table.name in made else () for table in tables}
            waiting = poll(connection, progress[2])
            connection.execute("COMMIT")
    finally:
        connection.close()
    position = None if progress[0] is None else (int(progress[0]), str(progress[1]))
    return Inspection(owner, owner is not None and is_held(folder, owner.fence), position, waiting, records)


def _records(connection: sqlite3.Connection, table: Table) -> list[Any]:
    columns = TableColumns(table)
    return [columns.record(values) for values in connection.execute(columns.select_sql)]
