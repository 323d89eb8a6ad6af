"""Who owns a state folder: one process at a time, by a lock, a heartbeat and a fence.

The owner's row says which lock file is the owner's (one per fence number), so that lock and row can never speak of
different owners. A free lock is taken at once: its owner is dead. A held one whose owner beats is respected. A held
one without beats is taken over; the old owner finds its number outdated at its next commit and is shut out.
"""

import fcntl
import os
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from msgspec import Struct

from roottrading.adapters.store.database import connect, transaction
from roottrading.adapters.store.port import Fenced, InUse, StoreError

SILENT_AFTER: Final = 10_000_000  # microseconds without a beat after which a held lock may be taken over
BEAT_SECONDS: Final = 2.0


class Owner(Struct, frozen=True):
    """The owner's row."""

    fence: int
    pid: int
    host: str
    beat_at: int


def wall() -> int:
    """Return the wall clock's time in microseconds: for heartbeats only, never for what is traded."""
    return time.time_ns() // 1000


def read_owner(connection: sqlite3.Connection) -> Owner | None:
    """Return the last owner of the folder, None before the first."""
    found = connection.execute("SELECT fence, pid, host, beat_at FROM owner").fetchone()
    return None if found is None else Owner(*found)


class Ownership:
    """The folder held by this process until `release`; a thread beats for it meanwhile."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, beat_seconds: float = BEAT_SECONDS) -> None:
        self._folder = folder
        self._stopped = threading.Event()
        with transaction(connection, folder):
            before = read_owner(connection)
            if before is not None and is_held(folder, before.fence) and wall() - before.beat_at < SILENT_AFTER:
                raise InUse(
                    f"state folder {folder} is in use by process {before.pid} on {before.host}: stop it, or use "
                    "another --state"
                )
            self.fence = 1 if before is None else before.fence + 1
            self._lock = _take_lock(folder, self.fence)
            try:
                connection.execute(
                    "REPLACE INTO owner (id, fence, pid, host, beat_at) VALUES (0, ?, ?, ?, ?)",
                    (self.fence, os.getpid(), socket.gethostname(), wall()),
                )
            except BaseException:
                os.close(self._lock)
                raise
        for stale in folder.glob("owner-*.lock"):
            if stale != _lock_path(folder, self.fence):
                stale.unlink(missing_ok=True)
        self._heart = threading.Thread(target=self._beat, args=(beat_seconds,), name="state-heartbeat", daemon=True)
        self._heart.start()

    def check(self, connection: sqlite3.Connection) -> None:
        """Inside a transaction: raise Fenced where another process has taken the folder over."""
        now = read_owner(connection)
        if now is None or now.fence != self.fence:
            by = "" if now is None else f" by process {now.pid} on {now.host}"
            raise Fenced(f"state folder {self._folder} was taken over{by}: this process may no longer write to it")

    def release(self) -> None:
        """Give the folder free for whoever comes next."""
        self._stopped.set()
        self._heart.join()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _beat(self, seconds: float) -> None:
        connection: sqlite3.Connection | None = None
        while not self._stopped.wait(seconds):
            try:
                connection = connection or connect(self._folder)
                with transaction(connection, self._folder):
                    self.check(connection)
                    connection.execute("UPDATE owner SET beat_at = ?", (wall(),))
            except Fenced:
                break
            except StoreError:
                continue  # a full disk or a long writer: the owner's own commit says so, the next beat tries again
        if connection is not None:
            connection.close()


def _lock_path(folder: Path, fence: int) -> Path:
    return folder / f"owner-{fence}.lock"


def is_held(folder: Path, fence: int) -> bool:
    """Say whether a process holds the lock of that fence number."""
    try:
        descriptor = os.open(_lock_path(folder, fence), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look do not see each other
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _take_lock(folder: Path, fence: int) -> int:
    descriptor = os.open(_lock_path(folder, fence), os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor
