"""The control inbox: commands that another process leaves for the owner of a state folder."""

import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from roottrading.adapters.store.database import connect, transaction
from roottrading.adapters.store.owner import wall
from roottrading.adapters.store.port import Control
from roottrading.messages.service import AccountAdjusted, ControlChanged

_KINDS: Final[dict[str, type[ControlChanged] | type[AccountAdjusted]]] = {
    kind.__name__: kind for kind in (ControlChanged, AccountAdjusted)
}


def post(connection: sqlite3.Connection, folder: Path, control: Control) -> int:
    """Write the command down in its own transaction and return its number."""
    body = msgspec.json.encode(_numbered(control, 0)).decode()
    with transaction(connection, folder):
        done = connection.execute(
            "INSERT INTO control_requests (kind, body, posted_at) VALUES (?, ?, ?)",
            (type(control).__name__, body, wall()),
        )
    return done.lastrowid or 0


def poll(connection: sqlite3.Connection, after: int) -> tuple[Control, ...]:
    """Return the commands above `after`, in order."""
    found = connection.execute(
        "SELECT number, kind, body FROM control_requests WHERE number > ? ORDER BY number", (after,)
    )
    return tuple(_numbered(msgspec.json.decode(body, type=_KINDS[kind]), number) for number, kind, body in found)


def _numbered(control: Control, number: int) -> Control:
    return msgspec.structs.replace(control, number=number)


def post_control(folder: Path, control: Control) -> int:
    """Leave a command for the owner of the folder from any process; it takes it within an instant of its own."""
    connection = connect(folder)
    try:
        return post(connection, folder, control)
    finally:
        connection.close()
