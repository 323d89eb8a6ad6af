"""The SQLite file of a state folder: connections, and its errors in words a person can act on."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from roottrading.adapters.store.port import StoreCorrupt, StoreError, StoreFull

FILE: Final = "state.sqlite"
WAIT_SECONDS: Final = 10.0  # for another process's short write (a control command, a heartbeat)
Durability = Literal["normal", "full"]
_PAGES_BETWEEN_CHECKPOINTS: Final = 4_000

OWN_TABLES: Final = """
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS owner (
    id INTEGER PRIMARY KEY CHECK (id = 0), fence INTEGER NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL,
    beat_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS units (service TEXT PRIMARY KEY, seen TEXT NOT NULL, sent TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deadlines (service TEXT, key TEXT, due_at INTEGER NOT NULL, PRIMARY KEY (service, key));
CREATE TABLE IF NOT EXISTS progress (
    id INTEGER PRIMARY KEY CHECK (id = 0), at INTEGER, phase TEXT, control INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS control_requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL, posted_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, source TEXT NOT NULL, stream TEXT NOT NULL,
    sequence INTEGER NOT NULL, follows INTEGER NOT NULL, at INTEGER NOT NULL, cause TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (source, stream, sequence));
CREATE TABLE IF NOT EXISTS offsets (
    topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
"""
OWN_NAMES: Final = frozenset(
    {"identity", "owner", "units", "deadlines", "progress", "control_requests", "outbox", "offsets"}
)


def connect(folder: Path, durability: Durability = "normal") -> sqlite3.Connection:
    """Open the folder's database for writing; transactions are begun by hand.

    Raises StoreError where the folder cannot be written, StoreCorrupt where the file is no database.
    """
    with in_words(folder):
        connection = sqlite3.connect(folder / FILE, timeout=WAIT_SECONDS, isolation_level=None, cached_statements=512)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_BETWEEN_CHECKPOINTS}")
        except BaseException:
            connection.close()
            raise
    return connection


def connect_existing(folder: Path) -> sqlite3.Connection:
    """Open the database of a folder that must hold one already. Raises StoreError where it does not."""
    if not (folder / FILE).exists():
        raise StoreError(f"there is no state in {folder}: name the folder that `roottrading run --state` was given")
    return connect(folder)


@contextmanager
def transaction(connection: sqlite3.Connection, folder: Path) -> Iterator[None]:
    """Write all of it or, where anything is raised, nothing; SQLite's errors come out in words."""
    with in_words(folder):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def in_words(folder: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into StoreError, StoreFull or StoreCorrupt."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(folder, str(error), getattr(error, "sqlite_errorcode", -1) & 0xFF) from error
    except OSError as error:
        raise StoreError(f"state folder {folder}: {error.strerror or error}; choose another with --state") from error


def _explained(folder: Path, text: str, code: int) -> StoreError:
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(
            f"no room left on the disk of state folder {folder}: make some and start again, nothing is lost"
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreCorrupt(
            f"{folder / FILE} is damaged ({text}): put a copy of the folder back, or move it away and begin anew"
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StoreError(
            f"state folder {folder} cannot be written ({text}): check its permissions or use another --state"
        )
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(
            f"the disk of state folder {folder} failed or has no room ({text}): see to it and start again, what was "
            "kept before stands"
        )
    if code == sqlite3.SQLITE_BUSY:
        return StoreError(
            f"state folder {folder}: another process kept it locked for {WAIT_SECONDS:g} s: try again; where that "
            "process stands still in the middle of a write nobody can take over: wake it, or end it with kill -9 "
            "(`roottrading control status` names it)"
        )
    return StoreError(f"state folder {folder}: {text}")
