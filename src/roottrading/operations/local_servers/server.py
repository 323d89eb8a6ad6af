"""What the three servers have in common: a folder, a start, kill -9 and the same start again, an end."""

import atexit
import shutil
import signal
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from roottrading.operations.local_servers.accounts import Account
from roottrading.operations.local_servers.addresses import Kind
from roottrading.operations.local_servers.errors import ServerError
from roottrading.operations.local_servers.ports import LOOPBACK, kept_port, let_go
from roottrading.operations.local_servers.process import Process


class LocalServer(ABC):
    """A server in a folder of its own: settings, data and log; it keeps its port and data from one start to the next.

    It ends with this process: at its exit, or by the kernel when it is killed. One folder is for one server at a time.
    """

    kind: ClassVar[Kind]
    name: ClassVar[str]
    patience: ClassVar[float] = 60.0  # seconds that a start may take on a busy machine
    end_signal: ClassVar[int] = signal.SIGTERM
    end_patience: ClassVar[float] = 15.0
    last_signal: ClassVar[str] = "KILL"

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Take a folder; where not `durable`, it is quicker, and a power cut takes data (kill -9 never does)."""
        self.folder = folder.absolute()
        self.durable = durable
        self.port = 0
        self._process: Process | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address on loopback; only after `prepare`."""

    @property
    def socket_url(self) -> str | None:
        """The address by a unix socket; None where it has none."""
        return None

    @property
    def nearest_url(self) -> str:
        """The quickest address for programs of this machine and user."""
        return self.socket_url or self.url

    @property
    def log(self) -> Path:
        """The file with what the server says."""
        return self.folder / "server.log"

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.running

    @property
    def process_id(self) -> int:
        """The process id of the server; ServerError where it was not started."""
        if self._process is None:
            raise ServerError(f"{self.name} was not started")
        return self._process.id

    def start(self) -> None:
        """Start it and wait until it answers; ServerMissing or ServerError where that is not to be."""
        self.prepare()
        self.launch()
        self.wait()

    def prepare(self) -> None:
        """Find the program, choose the port, make settings and data: all that can be done in any thread."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.running:
            self.port = kept_port(self.folder / "port")
            self._prepare()

    def launch(self) -> None:
        """Start the process, from a thread that lives as long as the server should."""
        if self.running:
            return
        let_go(self.folder)
        self._process = Process(
            self.name, self._command(), self._working_folder(), self.log, self.last_signal, self._account()
        )
        atexit.register(self.stop)

    def wait(self) -> None:
        """Wait until it answers a real request."""
        if self._process is None:
            raise ServerError(f"{self.name} was not started")
        self._process.wait_until(self._answers, self.patience)

    def stop(self) -> None:
        """End it in order, with its data on the disk; nothing where it does not run."""
        if self._process is not None:
            self._process.end(self.end_signal, self.end_patience)
        self._forget()

    def kill(self) -> None:
        """End it as kill -9 does, children and all; `start` brings it back with its port and data."""
        if self._process is not None:
            self._process.kill()
        self._forget()

    def wipe(self) -> None:
        """Stop it and remove its folder with all data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _forget(self) -> None:
        let_go(self.folder)
        self._process = None
        atexit.unregister(self.stop)

    @property
    def _address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def _account(self) -> Account | None:
        return None

    def _working_folder(self) -> Path:
        return self.folder

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _command(self) -> list[str | Path]: ...

    @abstractmethod
    def _answers(self) -> bool: ...
