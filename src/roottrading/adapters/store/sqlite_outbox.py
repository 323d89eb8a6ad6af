"""Outbox and offsets of a state folder: what is to be published, and up to where topics were read."""

import sqlite3
from collections.abc import Mapping, Sequence

from roottrading.adapters.store.envelopes import body_of, body_text
from roottrading.adapters.store.port import OutboxEntry
from roottrading.messages.envelope import Envelope

_INSERT = (
    "INSERT INTO outbox (channel, source, stream, sequence, follows, at, cause, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def add(connection: sqlite3.Connection, outbox: Sequence[tuple[str, Envelope]]) -> None:
    """Write the envelopes down, numbered on."""
    connection.executemany(
        _INSERT,
        [(channel, e.source, e.stream, e.sequence, e.follows, e.at, e.cause, body_text(e)) for channel, e in outbox],
    )


def forget(connection: sqlite3.Connection, published: int) -> None:
    """Delete what the bus has confirmed: nobody fetches it from a folder again."""
    connection.execute("DELETE FROM outbox WHERE number <= ?", (published,))


def unconfirmed(connection: sqlite3.Connection) -> tuple[tuple[OutboxEntry, ...], int]:
    """Return what is left, in order, and the number of the last one ever written."""
    found = connection.execute(
        "SELECT number, channel, source, stream, sequence, follows, at, cause, body FROM outbox ORDER BY number"
    )
    entries = tuple(
        OutboxEntry(number, channel, Envelope(source, stream, sequence, follows, at, cause, body_of(body)))
        for number, channel, source, stream, sequence, follows, at, cause, body in found
    )
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return entries, last[0] if last else 0


def keep_offsets(connection: sqlite3.Connection, offsets: Mapping[tuple[str, int], int]) -> None:
    """Write down where each partition is read on."""
    connection.executemany(
        "REPLACE INTO offsets (topic, partition, next) VALUES (?, ?, ?)",
        [(topic, partition, following) for (topic, partition), following in offsets.items()],
    )


def offsets(connection: sqlite3.Connection) -> dict[tuple[str, int], int]:
    """Return where each partition is read on."""
    found = connection.execute("SELECT topic, partition, next FROM offsets ORDER BY topic, partition")
    return {(topic, partition): following for topic, partition, following in found}
