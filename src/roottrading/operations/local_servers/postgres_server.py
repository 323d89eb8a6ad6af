"""PostgreSQL as a local process."""

import shutil
import signal
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from roottrading.operations.local_servers import finding
from roottrading.operations.local_servers.accounts import Account, own_folder, unprivileged
from roottrading.operations.local_servers.addresses import Kind
from roottrading.operations.local_servers.commands import CommandFailed, run
from roottrading.operations.local_servers.errors import ServerError
from roottrading.operations.local_servers.ports import LOOPBACK
from roottrading.operations.local_servers.postgres_asking import Refused, ask
from roottrading.operations.local_servers.server import LocalServer

USER: Final = "roottrading"
DATABASE: Final = "roottrading"
FIRST_DATABASE: Final = "postgres"
LONGEST_SOCKET: Final = 80  # bytes of the socket's folder; its name takes up to 15 of the kernel's 107
INITDB_PATIENCE: Final = 120.0
QUICK: Final = ("fsync=off", "full_page_writes=off")  # commits stay synchronous: else kill -9 would take some


class PostgresServer(LocalServer):
    """PostgreSQL with one database and one user, whom it believes without a password: for one's own machine only.

    Durable unless told otherwise: a commit is on the disk when it returns. Root's server runs as `postgres` or
    `nobody`, with its data elsewhere where that user may not enter the folder.
    """

    kind: ClassVar[Kind] = "postgres"
    name: ClassVar[str] = "PostgreSQL"
    end_signal: ClassVar[int] = signal.SIGINT  # "fast": ends sessions, writes all down
    last_signal: ClassVar[str] = "INT"

    @property
    def url(self) -> str:
        """`postgresql://roottrading@127.0.0.1:port/roottrading`."""
        return f"postgresql://{USER}@{self._address}/{DATABASE}"

    @property
    def socket_url(self) -> str | None:
        """The address by its unix socket; None where the folder's path is too long for one."""
        if not self._has_socket:
            return None
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.data.parent))}&port={self.port}"

    @property
    def data(self) -> Path:
        """The data folder; only after `prepare`."""
        return self._home / "data"

    def wipe(self) -> None:
        """Stop it and remove its folder with all data, also where they are elsewhere."""
        self.stop()
        shutil.rmtree(own_folder(self.folder / "home", unprivileged()), ignore_errors=True)
        super().wipe()

    def _account(self) -> Account | None:
        return self._runs_as

    def _working_folder(self) -> Path:
        return self._home

    @property
    def _has_socket(self) -> bool:
        return len(str(self._home).encode()) <= LONGEST_SOCKET

    def _prepare(self) -> None:
        self._programs = finding.postgres()
        self._runs_as = unprivileged()
        self._home = own_folder(self.folder / "home", self._runs_as)
        if not (self.data / "PG_VERSION").exists():
            self._initialize()

    def _initialize(self) -> None:
        made = self._home / "made"  # moved when whole: a killed start leaves no half of it
        if made.exists():
            shutil.rmtree(made)
        options = ("--pgdata", made, "--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-locale")
        sync = () if self.durable else ("--no-sync",)
        try:
            run(
                [self._programs / "initdb", *options, *sync],
                INITDB_PATIENCE,
                folder=self._home,
                account=self._runs_as,
                last_lines=15,
            )
        except CommandFailed as error:
            raise ServerError(f"no data folder of PostgreSQL in {self._home}: {error}") from None
        made.rename(self.data)

    def _command(self) -> list[str | Path]:
        settings = [
            f"listen_addresses={LOOPBACK}",
            f"port={self.port}",
            f"unix_socket_directories={self._home if self._has_socket else ''}",
            "max_connections=200",
            "timezone=UTC",
            *(() if self.durable else QUICK),
        ]
        return [self._programs / "postgres", "-D", self.data, *(part for each in settings for part in ("-c", each))]

    def _answers(self) -> bool:
        try:
            return ask(self.port, USER, FIRST_DATABASE, "SELECT 1") == "SELECT 1"
        except (OSError, Refused):  # not there yet, or still starting
            return False

    def wait(self) -> None:
        """Wait until it answers a real request, and make the database where there is none yet."""
        super().wait()
        known = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
        if ask(self.port, USER, FIRST_DATABASE, known) == "SELECT 0":
            ask(self.port, USER, FIRST_DATABASE, f"CREATE DATABASE {DATABASE}")
