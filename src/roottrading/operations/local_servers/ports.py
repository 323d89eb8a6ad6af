"""Free ports on loopback, and the same one again after a restart."""

import secrets
import socket
import time
from pathlib import Path
from typing import Final

from roottrading.operations.local_servers.errors import ServerError

LOOPBACK: Final = "127.0.0.1"
LOWEST: Final = 10_000
RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_EPHEMERAL: Final = 32_768
TRIES: Final = 200
ENDING_PATIENCE: Final = 5.0  # seconds that a server which is just ending may take
PAUSE: Final = 0.02

_held: dict[Path, socket.socket] = {}  # ports that were chosen for servers that do not run yet, by their files


def kept_port(file: Path, patience: float = ENDING_PATIENCE) -> int:
    """Return the port that a file names, which a free one is written to the first time; ServerError if it is taken.

    A new one is held until `let_go` of the file's folder: making a server's data takes seconds, in which another one
    would be given the same.
    """
    if file in _held:
        return int(_held[file].getsockname()[1])
    if file.exists():
        port = int(file.read_text(encoding="ascii"))
        until = time.monotonic() + patience
        while not is_free(port):
            if time.monotonic() < until:
                time.sleep(PAUSE)
                continue
            raise ServerError(f"port {port} is taken by another program: end that, or remove {file} to have another")
        return port
    _held[file] = holder = _hold_one()
    port = int(holder.getsockname()[1])
    made = file.with_name(f"{file.name}.part")  # moved when whole, as a start can be killed
    made.write_text(f"{port}\n", encoding="ascii")
    made.rename(file)
    return port


def let_go(folder: Path) -> None:
    """Hold the ports of a folder's files no longer: their server is to listen on them now."""
    for file in [file for file in _held if file.parent == folder]:
        _held.pop(file).close()


def free_port() -> int:
    """Return a port that nobody listens on, below those that the system lends to outgoing connections.

    A client that tries again and again to reach a server which is down can be lent that very port for its own end, and
    then connects to itself: the server could never come back.
    """
    with _hold_one() as holder:
        return int(holder.getsockname()[1])


def _hold_one() -> socket.socket:
    """Return a socket on a port that is nobody's; while it is open, nobody else is given it."""
    ephemeral = int(RANGE_FILE.read_text(encoding="ascii").split()[0]) if RANGE_FILE.exists() else USUAL_EPHEMERAL
    span = max(ephemeral - LOWEST, 1_000)
    for _ in range(TRIES):
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)  # without SO_REUSEADDR: two would share it
        try:
            holder.bind((LOOPBACK, LOWEST + secrets.randbelow(span)))
        except OSError:
            holder.close()
        else:
            return holder
    raise ServerError(f"no free port on {LOOPBACK} from {LOWEST} to {LOWEST + span} in {TRIES} tries")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
