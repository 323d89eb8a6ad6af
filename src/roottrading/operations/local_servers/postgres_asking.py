"""One statement to a local PostgreSQL, by the few messages of its protocol that this takes.

A start needs a first request and a first database, and nobody should have to install a client for that.
"""

import socket
import struct
from collections.abc import Callable
from typing import Final

from roottrading.operations.local_servers.ports import LOOPBACK

PROTOCOL: Final = 196_608  # 3.0
PATIENCE: Final = 30.0


class Refused(Exception):
    """What PostgreSQL said instead of an answer."""


def ask(port: int, user: str, database: str, statement: str) -> str:
    """Run a statement and return its tag, such as `SELECT 1` for one row; Refused or OSError else."""
    with socket.create_connection((LOOPBACK, port), PATIENCE) as connection, connection.makefile("rb") as answers:
        pairs = "".join(f"{part}\0" for part in ("user", user, "database", database)).encode() + b"\0"
        connection.sendall(struct.pack("!ii", len(pairs) + 8, PROTOCOL) + pairs)
        _read(answers.read)
        text = statement.encode() + b"\0"
        connection.sendall(b"Q" + struct.pack("!i", len(text) + 4) + text)
        return _read(answers.read)


def _read(read: Callable[[int], bytes]) -> str:
    """Read until PostgreSQL is ready for more and return the last tag it gave."""
    tag = ""
    while True:
        head = read(5)
        if len(head) < 5:
            raise ConnectionResetError("PostgreSQL closed the connection")
        kind, length = struct.unpack("!ci", head)
        body = read(length - 4)
        if kind == b"E":
            told = [field[1:].decode("utf-8", "replace") for field in body.split(b"\0") if field[:1] == b"M"]
            raise Refused(" ".join(told))
        if kind == b"C":
            tag = body.rstrip(b"\0").decode()
        if kind == b"Z":
            return tag
