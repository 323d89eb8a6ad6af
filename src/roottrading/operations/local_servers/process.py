"""A program of another maker as a process of ours: its log, its end with ours, and kill -9 with all its children."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from roottrading.operations.local_servers.accounts import Account
from roottrading.operations.local_servers.errors import ServerError

LAST_LINES: Final = 15
PAUSE: Final = 0.02  # seconds between two looks
PROC: Final = Path("/proc")


class Process:
    """One start of a program, in a session of its own.

    On Linux the kernel sends it `last_signal` when the thread that started it ends: start it in a thread that stays.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        log: Path,
        last_signal: str,
        account: Account | None,
    ) -> None:
        self._name = name
        self._log = log
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", last_signal] if setpriv else []
        with log.open("ab") as output:
            self._started_at = output.tell()
            self._popen = subprocess.Popen(
                [*prefix, *map(str, command)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=None if account is None else account.user,
                group=None if account is None else account.group,
                extra_groups=None if account is None else [],
            )

    @property
    def id(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def wait_until(self, ready: Callable[[], bool], patience: float) -> None:
        """Wait until `ready` says so; ServerError with the log's last lines if it ends before, or takes too long."""
        until = time.monotonic() + patience
        while not ready():
            if not self.running:
                raise ServerError(f"{self._name} ended with code {self._popen.returncode} at its start{self._told()}")
            if time.monotonic() > until:
                self.kill()
                raise ServerError(f"{self._name} did not answer within {patience:g} s{self._told()}")
            time.sleep(PAUSE)

    def end(self, signal_number: int, patience: float) -> bool:
        """Ask it to end, and make it end where it has not in time; return whether it ended by itself."""
        if self.running:
            self._popen.send_signal(signal_number)
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience)
        in_time = not self.running
        self.kill()
        return in_time

    def kill(self) -> None:
        """End it and all its children at once, as a kill -9 or a power cut would, and wait until they are gone."""
        family = [self._popen.pid, *_descendants(self._popen.pid)] if self.running else []
        for member in family:
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._popen.wait()
        while any(_is_there(member) for member in family[1:]):
            time.sleep(PAUSE)

    def _told(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._started_at)
            lines = log.read().decode("utf-8", "replace").splitlines()
        if not lines:
            return f"; its log {self._log} is empty"
        return f"; the last lines of {self._log}:\n" + "\n".join(lines[-LAST_LINES:])


def _descendants(parent: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it ended meanwhile
            continue
        children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(folder.name))
    found = [parent]
    for each in found:  # grows while it is gone through
        found += children.get(each, [])
    return found[1:]


def _is_there(process: int) -> bool:
    try:
        stat = (PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
