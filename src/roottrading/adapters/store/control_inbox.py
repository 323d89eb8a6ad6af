"""The control inbox: commands that another process leaves for the owner of a state folder."""

import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from roottrading.adapters.store.database import connect_existing, transaction
from roottrading.adapters.store.owner import wall
from roottrading.adapters.store.port import (
    AdjustmentAnswered,
    Control,
    ControlWaiting,
    QuarantineAnswered,
    StoreCorrupt,
)
from roottrading.messages.service import AccountAdjusted, ControlChanged, TradingState

Kind = type[ControlChanged] | type[AccountAdjusted] | type[QuarantineAnswered] | type[AdjustmentAnswered]
_KINDS: Final[dict[str, Kind]] = {
    kind.__name__: kind for kind in (ControlChanged, AccountAdjusted, QuarantineAnswered, AdjustmentAnswered)
}


def kind_of(name: str) -> Kind:
    """Return the kind of command of that name. Raises StoreCorrupt where there is none."""
    kind = _KINDS.get(name)
    if kind is None:
        raise StoreCorrupt(f"the control inbox holds a command {name!r}, which this version does not know: upgrade it")
    return kind


def post(connection: sqlite3.Connection, folder: Path, control: Control) -> int:
    """Write the command down in its own transaction and return its number."""
    with transaction(connection, folder):
        return _insert(connection, control)


def poll(connection: sqlite3.Connection, after: int) -> tuple[Control, ...]:
    """Return the commands above `after`, in order."""
    found = connection.execute(
        "SELECT number, kind, body FROM control_requests WHERE number > ? ORDER BY number", (after,)
    )
    return tuple(_numbered(msgspec.json.decode(body, type=kind_of(kind)), number) for number, kind, body in found)


def check_heeded(connection: sqlite3.Connection) -> None:
    """Raise ControlWaiting where a command is above the last one that the owner took."""
    last, taken = connection.execute(
        "SELECT coalesce(max(number), 0), (SELECT control FROM progress) FROM control_requests"
    ).fetchone()
    if last > taken:
        raise ControlWaiting(f"command {last} waits, {taken} was the last one taken")


def post_control(folder: Path, control: Control, keep_state: bool = False) -> int:
    """Leave a command for the owner of the folder from any process; it takes it at its next instant.

    With `keep_state` a ControlChanged takes the trading state that the last one asked for instead of its own. Raises
    StoreError where there is no state.
    """
    connection = connect_existing(folder)
    try:
        with transaction(connection, folder):
            if keep_state and isinstance(control, ControlChanged):
                control = msgspec.structs.replace(control, state=last_state(connection))
            return _insert(connection, control)
    finally:
        connection.close()


def last_state(connection: sqlite3.Connection) -> TradingState:
    """Return the trading state that the last control command asked for."""
    commands = [control for control in poll(connection, 0) if isinstance(control, ControlChanged)]
    return commands[-1].state if commands else "trading"


def _insert(connection: sqlite3.Connection, control: Control) -> int:
    body = msgspec.json.encode(_numbered(control, 0)).decode()
    done = connection.execute(
        "INSERT INTO control_requests (kind, body, posted_at) VALUES (?, ?, ?)", (type(control).__name__, body, wall())
    )
    return done.lastrowid or 0


def _numbered(control: Control, number: int) -> Control:
    return msgspec.structs.replace(control, number=number)
