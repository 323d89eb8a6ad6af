"""Files that must be ours alone: the state folder, and those that hold secrets."""

import os
import stat
from pathlib import Path
from typing import Final

from roottrading.adapters.store.database import FILE
from roottrading.adapters.store.inspection import inspect_folder
from roottrading.adapters.store.port import StoreError
from roottrading.operations.doctor.finding import Finding, ok, problem, warning

STATE: Final = "state folder"
SECRET: Final = "secret file"


def state_folder(folder: Path, user: int) -> Finding:
    """Judge a state folder: made by this user (by number), writable, not by everybody; it need not be there yet."""
    if not folder.exists():
        above = next((each for each in folder.absolute().parents if each.exists()), Path("/"))
        if not os.access(above, os.W_OK | os.X_OK):
            return problem(
                STATE, f"{folder} cannot be made in {above}", "choose another --state, or give it to this user"
            )
        return ok(STATE, f"{folder} will be made")
    if not folder.is_dir():
        return problem(STATE, f"{folder} is a file", "choose another --state")
    for path in (folder, *sorted(folder.iterdir())):
        try:
            told = path.stat()
        except FileNotFoundError:
            continue  # a lock that was given up just now
        if told.st_uid != user:
            return problem(STATE, f"{path} belongs to user {told.st_uid}, this is {user}", f"chown -R {user} {folder}")
        if told.st_mode & stat.S_IWOTH:
            return problem(STATE, f"everybody may write {path}", f"chmod -R o-w {folder}")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return problem(STATE, f"{folder} cannot be written", f"chmod u+rwx {folder}")
    return _standing(folder)


def _standing(folder: Path) -> Finding:
    """Say who uses the folder, where anything is in it yet."""
    if not (folder / FILE).exists():
        return ok(STATE, f"{folder} holds no state yet")
    try:
        seen = inspect_folder(folder)
    except StoreError as error:
        return problem(STATE, str(error), "put a copy of the folder back, or choose another --state")
    if seen.owner is not None and seen.running:
        return ok(STATE, f"{folder} is in use by process {seen.owner.pid} on {seen.owner.host}")
    return ok(STATE, f"{folder} is ours, and nothing runs there")


def secret_file(path: Path) -> Finding:
    """Judge who may read a file with a secret."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return problem(SECRET, f"{path}: {error.strerror}", "check the variable that names it")
    said = f"{path} (mode {stat.S_IMODE(mode):04o})"
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        return problem(SECRET, f"others may read or change {said}", f"chmod 600 {path}")
    if mode & stat.S_IRGRP:
        return warning(SECRET, f"its group may read {said}", f"chmod 600 {path}, unless that is meant")
    return ok(SECRET, f"{said} is for its owner alone")
