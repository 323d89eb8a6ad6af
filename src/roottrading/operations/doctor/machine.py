"""The machine: room on the disk, and a port that nobody else uses."""

import errno
import shutil
import socket
from pathlib import Path
from typing import Final

from roottrading.operations.doctor.finding import Finding, ok, problem, warning

LITTLE: Final = 1_000_000_000  # bytes
TOO_LITTLE: Final = 100_000_000
FREE_IT: Final = "make room: a full disk stops the run"


def disk(folder: Path) -> Finding:
    """Judge the room on the disk of a folder, which need not be there yet."""
    there = _there(folder)
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return problem("disk", f"{there} cannot be looked at: {error.strerror}", "check the disk")
    return room(free, there)


def room(free: int, there: Path) -> Finding:
    """Judge so many free bytes."""
    text = f"{free / 1e9:.1f} GB free at {there}"
    if free < TOO_LITTLE:
        return problem("disk", text, FREE_IT)
    return warning("disk", text, FREE_IT) if free < LITTLE else ok("disk", text)


def port(number: int, host: str = "127.0.0.1") -> Finding:
    """Say whether a server of ours could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, number))
        except OSError as error:
            why = "in use" if error.errno == errno.EADDRINUSE else error.strerror or "not to be had"
            return warning("ports", f"{host}:{number} is {why}", "name another with --port where a server is started")
    return ok("ports", f"{host}:{number} is free")


def _there(folder: Path) -> Path:
    """Return the nearest folder above that exists."""
    for each in (folder, *folder.absolute().parents):
        if each.exists():
            return each
    return Path("/")
