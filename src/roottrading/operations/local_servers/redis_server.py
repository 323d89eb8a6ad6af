"""redis-server (or Valkey's) as a local process."""

import socket
from pathlib import Path
from typing import ClassVar, Final

from roottrading.operations.local_servers import finding
from roottrading.operations.local_servers.addresses import Kind
from roottrading.operations.local_servers.ports import LOOPBACK
from roottrading.operations.local_servers.server import LocalServer

LONGEST_SOCKET: Final = 100  # bytes of path; the kernel takes 107
PUBSUB_BUFFER: Final = "pubsub 256mb 128mb 60"  # the usual 32 MB drops a subscriber that a burst outruns


class RedisServer(LocalServer):
    """Redis with an append-only file: what it acknowledged outlives kill -9.

    A power cut may take the last second, as Redis is usually run: all of it can be rebuilt from PostgreSQL.
    """

    kind: ClassVar[Kind] = "redis"
    name: ClassVar[str] = "redis-server"

    @property
    def url(self) -> str:
        """`redis://127.0.0.1:port/0`."""
        return f"redis://{self._address}/0"

    @property
    def socket_url(self) -> str | None:
        """`unix://path?db=0`, a quarter quicker than TCP; None where the folder's path is too long for a socket."""
        path = self._socket
        return None if path is None else f"unix://{path}?db=0"

    @property
    def _socket(self) -> Path | None:
        path = self.folder / "redis.sock"
        return path if len(str(path).encode()) <= LONGEST_SOCKET else None

    def _prepare(self) -> None:
        self._program = finding.redis()
        (self.folder / "data").mkdir(exist_ok=True)

    def _command(self) -> list[str | Path]:
        path = self._socket
        return [
            self._program,
            *("--bind", LOOPBACK, "--port", str(self.port)),
            *(("--unixsocket", path) if path else ()),
            *("--dir", self.folder / "data", "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "everysec" if self.durable else "no"),
            *("--client-output-buffer-limit", PUBSUB_BUFFER),
        ]

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), 1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
