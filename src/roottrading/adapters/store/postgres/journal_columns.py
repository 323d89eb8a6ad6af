"""Records as rows of PostgreSQL's own types: NUMERIC, TIMESTAMPTZ, UUID, JSONB; back come the same records."""

import typing
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from roottrading.adapters.store.columns import quoted, without_none
from roottrading.adapters.store.port import StoreCorrupt, StoreError
from roottrading.adapters.store.postgres import schema
from roottrading.messages.service import Row, Table

Convert = Callable[[Any], Any]
_SCALARS: Final[dict[str, str]] = {
    "str": "text",
    "int": "bigint",
    "bool": "boolean",
    "float": "double precision",
    "Decimal": "numeric",
}


class JournalColumn(Struct, frozen=True):
    """A column: its SQL type, whether it may be NULL, and the conversions in and out (None: as it is).

    `read` is given NULL only where `reads_null` says so.
    """

    name: str
    sql_type: str
    nullable: bool = False
    write: Convert | None = None
    read: Convert | None = None
    reads_null: bool = False


class JournalColumns:
    """A journal's SQL, and the way from a Row to its column values and back."""

    def __init__(self, table: Table) -> None:
        hints = typing.get_type_hints(table.record)
        names = [field.name for field in msgspec.structs.fields(table.record)]
        omitted = schema.OMITTED.get(table.name, {})
        computed = schema.COMPUTED.get(table.name, {})
        self.table = table
        self.extra_keys = [name for name in table.key if name not in names]
        self._fields = names
        self._omitted = omitted
        self._computed = [(name, compute) for name, compute in computed.items()]
        self.columns: list[JournalColumn] = [
            *[_column(table.name, name, int if name in schema.NUMBERS else str) for name in self.extra_keys],
            *[_column(table.name, name, hints[name]) for name in names if name not in omitted],
            *[_column(table.name, name, int) for name in computed],
        ]
        self._stored = [name for name in names if name not in omitted]
        self._key_columns = [(at, name) for at, name in enumerate(table.key) if name in names]
        self._extra_at = [table.key.index(name) for name in self.extra_keys]
        self._writers = [(at, column.write) for at, column in enumerate(self.columns) if column.write is not None]
        self._dropped_at = [at for at, name in enumerate(names) if name in omitted]
        self.numbered_by = schema.NUMBERED_BY.get(table.name, schema.WRITTEN)
        self.select_sql = f"SELECT {', '.join(quoted(c.name) for c in self.columns)} FROM {quoted(table.name)}"

    def values(self, row: Row) -> list[Any]:
        """Return the row's column values. Raises StoreError where its key is not the one in its record."""
        record = row.values
        for at, name in self._key_columns:
            if row.key[at] != getattr(record, name):
                raise StoreError(
                    f"a row of table {self.table.name!r} has the key {row.key!r}, but its record says "
                    f"{name} = {getattr(record, name)!r}"
                )
        values = [row.key[at] for at in self._extra_at]
        values.extend(msgspec.structs.astuple(record))
        for at in reversed(self._dropped_at):
            del values[len(self._extra_at) + at]
        values.extend(compute(record) for _, compute in self._computed)
        for at, write in self._writers:
            if values[at] is not None:
                values[at] = write(values[at])
        return values

    def record(self, values: Sequence[Any]) -> Any:
        """Return the record that was written as these column values. Raises StoreCorrupt where it cannot be read."""
        found: dict[str, Any] = dict(self._omitted)
        for column, value in zip(self.columns, values, strict=True):
            if column.read is None or (value is None and not column.reads_null):
                found[column.name] = value
                continue
            try:
                found[column.name] = column.read(value)
            except (ValueError, TypeError) as error:
                raise StoreCorrupt(f"table {self.table.name}, column {column.name}: {error}") from error
        return self.table.record(*[found[name] for name in self._fields])

    def create_sql(self) -> str:
        """Return the SQL that makes such a table: for tests of stores; real ones come by migrations."""
        lines = [f"{quoted(c.name)} {c.sql_type}{'' if c.nullable else ' NOT NULL'}" for c in self.columns]
        lines.append(f"{quoted(self.numbered_by)} BIGINT GENERATED ALWAYS AS IDENTITY")
        lines.append(f"PRIMARY KEY ({', '.join(map(quoted, self.table.key))})")
        return f"CREATE TABLE {quoted(self.table.name)} ({', '.join(lines)})"


def _column(table: str, name: str, hint: Any) -> JournalColumn:
    bare, optional = without_none(hint)
    if typing.get_origin(bare) is Literal:
        bare = str
    if name in schema.TIMES.get(table, ()):
        return JournalColumn(name, "timestamp with time zone", optional)
    if name in schema.UUIDS.get(table, ()):
        if name in schema.NULLABLE.get(table, ()):
            return JournalColumn(name, "uuid", True, lambda text: text or None, lambda found: found or "", True)
        return JournalColumn(name, "uuid", optional)
    scalar = _SCALARS.get(getattr(bare, "__name__", ""))
    if scalar is not None:
        return JournalColumn(name, scalar, optional)
    return JournalColumn(
        name,
        "jsonb",
        optional,
        lambda value: msgspec.json.encode(value).decode(),
        msgspec.json.Decoder(bare).decode,
    )
