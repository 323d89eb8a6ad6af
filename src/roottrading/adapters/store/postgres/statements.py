"""One statement that commits a step: the fence, and whatever changed, in one round trip and one transaction.

PostgreSQL runs all parts of a WITH statement, or none. The unit's own row is compared and set by the part `unit`; where
that finds another fence, `check_unit` raises and nothing of the rest stands. A statement is made for each combination
of parts, and of those that have one row, once, and prepared on each connection once.
"""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from roottrading.adapters.store.columns import quoted
from roottrading.adapters.store.postgres.journal_columns import JournalColumns


class Part(Struct, frozen=True):
    """A part of the statement: its name, and its SQL with a `{}` where its rows are, columns of `types`."""

    name: str
    sql: str
    types: tuple[str, ...]


def _gone(table: str, columns: Sequence[str]) -> str:
    """Return what deletes a unit's rows by keys, each looked up by itself.

    As a join PostgreSQL would choose how, by what it believes to know of a table that grows and shrinks: of 500 keys it
    compared each with each row of the unit.
    """
    own = " AND ".join(
        ("kept.service = $1 AND kept.shard = $2", *(f"kept.{name} = changed.{name}" for name in columns))
    )
    row = f"SELECT kept.ctid FROM {table} AS kept WHERE {own}"
    return f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ({row}) FROM {{}} ({', '.join(columns)})))"


_ROW: Final = (
    "INSERT INTO unit_rows (service, shard, table_name, key, value, number) SELECT $1, $2, changed.* FROM {} "
    "ON CONFLICT (service, shard, table_name, key) DO UPDATE SET value = excluded.value"
)
_ROW_TYPES: Final = ("text", "text", "json", "bigint")
ROWS: Final = Part("rows", _ROW, _ROW_TYPES)
ROWS_AGAIN: Final = Part("rows_again", _ROW + ", number = excluded.number", _ROW_TYPES)
ROWS_GONE: Final = Part("rows_gone", _gone("unit_rows", ("table_name", "key")), ("text", "text"))
PLACES: Final = Part(
    "places",
    "INSERT INTO unit_places (service, shard, kind, source, stream, sequence) SELECT $1, $2, changed.* FROM {} "
    "ON CONFLICT (service, shard, kind, source, stream) DO UPDATE SET sequence = excluded.sequence",
    ("text", "text", "text", "bigint"),
)
DEADLINES: Final = Part(
    "deadlines",
    "INSERT INTO unit_deadlines (service, shard, key, due_at) SELECT $1, $2, changed.* FROM {} "
    "ON CONFLICT (service, shard, key) DO UPDATE SET due_at = excluded.due_at",
    ("text", "timestamptz"),
)
DEADLINES_GONE: Final = Part("deadlines_gone", _gone("unit_deadlines", ("key",)), ("text",))
OUTBOX: Final = Part(
    "outbox",
    "INSERT INTO outbox (service, shard, source, stream, sequence, follows, at, cause, body, channel, number) "
    "SELECT $1, $2, changed.* FROM {}",
    ("text", "text", "bigint", "bigint", "timestamptz", "text", "json", "text", "bigint"),
)

_UNIT: Final = """unit AS (
    UPDATE units SET fence = fence + 1, control = coalesce($4::bigint, control),
        published = greatest(published, $5::bigint), outbox_number = $6::bigint, row_number = $7::bigint,
        position_at = coalesce($8::timestamptz, position_at), position_phase = coalesce($9::text, position_phase)
    WHERE service = $1::text AND shard = $2::integer AND fence = $3::bigint RETURNING fence, control)"""
# Only where something is wrong is the function called, to raise it.
_CHECKED: Final = """SELECT CASE WHEN held.fence IS NULL OR held.waiting > held.control
        THEN check_unit(held.fence, $1 || '/' || $2, held.control, held.waiting) ELSE held.fence END
    FROM (SELECT (SELECT fence FROM unit) AS fence, (SELECT control FROM unit) AS control,
        CASE WHEN $10::boolean THEN (SELECT coalesce(max(number), 0) FROM control_requests) ELSE 0 END AS waiting
    ) held"""
_OWN_PARAMETERS: Final = 10


def journal_put(journal: JournalColumns) -> Part:
    """Return the part that writes a journal's rows, over earlier ones of their keys."""
    names = [quoted(column.name) for column in journal.columns]
    keys = [quoted(name) for name in journal.table.key]
    update = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    return Part(
        f"put_{journal.table.name}",
        f"INSERT INTO {quoted(journal.table.name)} ({', '.join(names)}) SELECT changed.* FROM {{}} "
        f"ON CONFLICT ({', '.join(keys)}) DO {f'UPDATE SET {update}' if update else 'NOTHING'}",
        tuple(column.sql_type for column in journal.columns),
    )


def journal_gone(journal: JournalColumns) -> Part:
    """Return the part that deletes a journal's rows by their keys."""
    table = quoted(journal.table.name)
    types = {column.name: column.sql_type for column in journal.columns}
    keys = [quoted(name) for name in journal.table.key]
    return Part(
        f"gone_{journal.table.name}",
        f"DELETE FROM {table} USING {{}} ({', '.join(keys)}) WHERE "
        + " AND ".join(f"{table}.{key} = changed.{key}" for key in keys),
        tuple(types[name] for name in journal.table.key),
    )


def commit_sql(parts: Sequence[Part], alone: Collection[str] = ()) -> str:
    """Return the statement: parameters are the unit's own ten, then the columns of the parts in their order.

    Of parts whose names are in `alone`, as most are, one row's values: arrays of one cost both sides more (0.05 ms).
    """
    pieces = [_UNIT]
    number = _OWN_PARAMETERS
    for part in parts:
        one = part.name in alone
        places = ", ".join(f"${number + at}::{kind}{'' if one else '[]'}" for at, kind in enumerate(part.types, 1))
        number += len(part.types)
        rows = f"(VALUES ({places}))" if one else f"unnest({places})"
        pieces.append(f"{part.name} AS ({part.sql.format(f'{rows} AS changed')})")
    return f"WITH {', '.join(pieces)} {_CHECKED}"
