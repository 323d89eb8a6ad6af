"""Records as table columns: how each field of a record is written into SQLite, and read back the same.

Text, integers and booleans are kept as such, a Decimal as plain text (exact, never in exponent form), what is nested
as JSON text. The columns of a table are its key's, then the record's other fields.
"""

import math
import types
import typing
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, Union

import msgspec
from msgspec import Struct

from roottrading.adapters.store.port import StoreError
from roottrading.messages.service import Row, Table

Convert = Callable[[Any], Any]


class Column(Struct, frozen=True):
    """One column: its SQL type and the conversions on its way in and out; None leaves the value as it is."""

    name: str
    sql_type: str
    write: Convert | None
    read: Convert | None
    optional: bool


class TableColumns:
    """A table's SQL, and the way from a Row to its parameters and back."""

    def __init__(self, table: Table) -> None:
        hints = typing.get_type_hints(table.record)
        fields = msgspec.structs.fields(table.record)
        names = [field.name for field in fields]
        self.table = table
        self.record_columns = [_column(table, name, hints[name]) for name in names]
        self.extra_keys = [name for name in table.key if name not in names]
        self.key_fields = [(index, name) for index, name in enumerate(table.key) if name in names]
        self.columns = [*self.extra_keys, *names]
        self._writers = [(index, column.write) for index, column in enumerate(self.record_columns) if column.write]
        self._extra_at = [table.key.index(name) for name in self.extra_keys]
        self._key_columns = [(index, names.index(name)) for index, name in self.key_fields]
        self.create_sql = self._create()
        self.upsert_sql = self._upsert()
        where = " AND ".join(f"{quoted(name)} = ?" for name in table.key)
        self.delete_sql = f"DELETE FROM {quoted(table.name)} WHERE {where}"
        self.select_sql = f"SELECT {', '.join(map(quoted, self.columns))} FROM {quoted(table.name)} ORDER BY rowid"

    def parameters(self, row: Row) -> tuple[Any, ...]:
        """Return the row's column values. Raises StoreError where its key is not the one in its record."""
        values = list(msgspec.structs.astuple(row.values))
        for at, field in self._key_columns:
            if row.key[at] != values[field]:
                raise StoreError(
                    f"a row of table {self.table.name!r} has the key {row.key!r}, but its record says "
                    f"{self.table.key[at]} = {values[field]!r}"
                )
        for index, write in self._writers:
            if values[index] is not None:
                values[index] = write(values[index])
        return (*[row.key[at] for at in self._extra_at], *values)

    def row(self, values: Sequence[Any]) -> Row:
        """Return the Row that was written as these column values."""
        extra = len(self.extra_keys)
        record = self.record(values)
        known = dict(zip(self.extra_keys, values[:extra], strict=True))
        key = tuple(known[name] if name in known else getattr(record, name) for name in self.table.key)
        return Row(self.table.name, key, record)

    def record(self, values: Sequence[Any]) -> Any:
        """Return the record that was written as these column values."""
        own = values[len(self.extra_keys) :]
        return self.table.record(
            *[
                value if column.read is None or (value is None and column.optional) else column.read(value)
                for column, value in zip(self.record_columns, own, strict=True)
            ]
        )

    def _create(self) -> str:
        types_of = {column.name: column for column in self.record_columns}
        lines = []
        for name in self.columns:
            column = types_of.get(name)
            if column is None:
                lines.append(f"{quoted(name)} NOT NULL")
            else:
                lines.append(f"{quoted(name)} {column.sql_type}{'' if column.optional else ' NOT NULL'}")
        lines.append(f"PRIMARY KEY ({', '.join(map(quoted, self.table.key))})")
        return f"CREATE TABLE IF NOT EXISTS {quoted(self.table.name)} ({', '.join(lines)})"

    def _upsert(self) -> str:
        changing = [name for name in self.columns if name not in self.table.key]
        update = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in changing)
        return (
            f"INSERT INTO {quoted(self.table.name)} ({', '.join(map(quoted, self.columns))}) "
            f"VALUES ({', '.join('?' * len(self.columns))}) ON CONFLICT ({', '.join(map(quoted, self.table.key))}) DO "
            + (f"UPDATE SET {update}" if update else "NOTHING")
        )


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def plain_text(value: Decimal) -> str:
    """Write a Decimal exactly and without an exponent; idle zeros stay, so that it comes back the very same."""
    return format(value, "f")


def finite(value: float) -> float:
    """Return the number. Raises StoreError for NaN and infinities, which no store brings back."""
    if not math.isfinite(value):
        raise StoreError(f"{value} cannot be kept: there is no such number in a store")
    return value


# INT, not INTEGER: an INTEGER primary key would be the rowid itself, and rows would come in the order of their keys.
_SCALARS: Final[dict[Any, tuple[str, Convert | None, Convert | None]]] = {
    str: ("TEXT", None, None),
    int: ("INT", None, None),
    bool: ("INT", None, bool),
    float: ("REAL", finite, float),
    Decimal: ("TEXT", plain_text, Decimal),
}


def _column(table: Table, name: str, hint: Any) -> Column:
    bare, optional = without_none(hint)
    if typing.get_origin(bare) is Literal and all(isinstance(value, str) for value in typing.get_args(bare)):
        bare = str
    if bare in _SCALARS:
        sql_type, write, read = _SCALARS[bare]
        return Column(name, sql_type, write, read, optional)
    where = f"field {name} of table {table.name!r} cannot be kept"
    try:
        msgspec.json.schema(bare)  # refuses what JSON has no form for
    except TypeError as error:
        raise StoreError(f"{where}: {error}") from error

    def write_json(value: object) -> str:
        try:
            return msgspec.json.encode(value).decode()
        except TypeError as error:
            raise StoreError(f"{where}: {error}") from error

    return Column(name, "TEXT", write_json, msgspec.json.Decoder(bare).decode, optional)


def without_none(hint: Any) -> tuple[Any, bool]:
    """Return a type hint without None, and whether that was allowed."""
    if typing.get_origin(hint) in {Union, types.UnionType}:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        if len(kinds) < len(typing.get_args(hint)):
            return (kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]), True  # noqa: UP007 made at run time
    return hint, False
