"""A process that keeps one local server beyond the one that asked for it.

Tests in several processes share a server, and a developer's servers stay when the command that started them is done:
for each such server there is a keeper, which is the server's parent, writes where it is to `kept.json`, and ends it
when told to (SIGTERM) or when the process it watches is gone. It holds a lock as long as it is there.
"""

import fcntl
import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec
from msgspec import Struct

from roottrading.operations.local_servers.addresses import Kind
from roottrading.operations.local_servers.errors import ServerError, ServerMissing
from roottrading.operations.local_servers.kinds import SERVERS
from roottrading.operations.local_servers.locks import is_held, locked

LOCK: Final = "keeper.lock"
KEPT: Final = "kept.json"
FAILED: Final = "failed.json"
LOG: Final = "keeper.log"
MODULE: Final = "roottrading.operations.local_servers"
LOOK: Final = 0.3  # seconds between two looks of a keeper
PAUSE: Final = 0.02
END_PATIENCE: Final = 30.0


class Kept(Struct, frozen=True):
    """Where a kept server is, and the process ids of its keeper and of itself."""

    url: str
    keeper: int
    server: int


class Failed(Struct, frozen=True):
    """Why a server could not be kept: `missing`, or what went wrong."""

    missing: bool
    why: str


# made here, before there are threads (see messages/codec.py): servers are started side by side
_KEPT: Final = msgspec.json.Decoder(Kept)
_FAILED: Final = msgspec.json.Decoder(Failed)


def obtain(kind: Kind, folder: Path, *, durable: bool = True, watch: int | None = None) -> Kept:
    """Return the server that is kept in a folder, after having it started where it is not; many may ask at once.

    With `watch` (a process id) it ends with that process, and its data with it. ServerMissing or ServerError where it
    cannot be had; under a watched process the answer to the first who asked is everybody's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "asking.lock"):
        kept = find(folder)
        if kept is not None:
            return kept
        if watch is None:
            (folder / FAILED).unlink(missing_ok=True)
        if not (folder / FAILED).exists():
            _start(kind, folder, durable, watch)
    kept = find(folder)
    if kept is not None:
        return kept
    failed = _FAILED.decode((folder / FAILED).read_bytes())
    raise (ServerMissing if failed.missing else ServerError)(failed.why)


def find(folder: Path) -> Kept | None:
    """Return the server that is kept in a folder now, None where none is."""
    if not is_held(folder / LOCK):
        return None
    try:
        return _KEPT.decode((folder / KEPT).read_bytes())
    except FileNotFoundError:
        return None


def release(folder: Path) -> bool:
    """Have a kept server ended, and wait for that; False where none was kept."""
    kept = find(folder)
    if kept is None:
        return False
    os.kill(kept.keeper, signal.SIGTERM)
    until = time.monotonic() + END_PATIENCE
    while is_held(folder / LOCK):
        if time.monotonic() > until:
            os.kill(kept.keeper, signal.SIGKILL)  # the kernel ends the server with it
        time.sleep(PAUSE)
    return True


def _start(kind: Kind, folder: Path, durable: bool, watch: int | None) -> None:
    """Start a keeper of its own session, and wait until it has its server or has ended."""
    command = [sys.executable, "-m", MODULE, "keep", kind, str(folder), *(() if durable else ("--quick",))]
    if watch is not None:
        command += ["--watch", str(watch)]
    (folder / KEPT).unlink(missing_ok=True)  # of a keeper that was killed
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        streams = [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        nothing = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        keeper = os.posix_spawn(sys.executable, command, os.environ, file_actions=nothing + streams, setsid=True)
    finally:
        os.close(log)
    while find(folder) is None:
        ended, status = os.waitpid(keeper, os.WNOHANG)
        if ended:
            if not (folder / FAILED).exists():
                why = f"the keeper of {kind} ended with code {os.waitstatus_to_exitcode(status)}: see {folder / LOG}"
                (folder / FAILED).write_bytes(msgspec.json.encode(Failed(False, why)))
            return
        time.sleep(PAUSE)


def keep(kind: Kind, folder: Path, *, durable: bool, watch: int | None) -> int:
    """Be a keeper: start the server, wait for the end, end the server; the exit code is 1 where it did not start."""
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, tell)
    with (folder / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = SERVERS[kind](folder, durable=durable)
        try:
            server.start()
        except (ServerError, ServerMissing) as error:
            failed = Failed(isinstance(error, ServerMissing), str(error))
            (folder / FAILED).write_bytes(msgspec.json.encode(failed))
            return 1
        made = folder / f"{KEPT}.part"
        made.write_bytes(msgspec.json.encode(Kept(server.url, os.getpid(), server.process_id)))
        made.rename(folder / KEPT)
        watched = None if watch is None else _watched(watch)
        while server.running and not told.wait(LOOK) and not _has_ended(watched):
            continue
        (folder / KEPT).unlink()
        if watch is None:
            server.stop()
        else:
            server.kill()
            server.wipe()
            with suppress(OSError):  # unless others are still kept beside it
                folder.parent.rmdir()
    return 0


def _watched(process: int) -> int:
    try:
        return os.pidfd_open(process)
    except ProcessLookupError:
        return os.open(os.devnull, os.O_RDONLY)  # which is readable, as the descriptor of an ended process is


def _has_ended(watched: int | None) -> bool:
    return watched is not None and bool(select.select([watched], [], [], 0)[0])
