"""`roottrading up` as a process, and what it says."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 90.0  # seconds for a new cycle after a death, on a machine however busy
FAULT = f"(signal {int(signal.SIGSEGV)})"
STARTED = re.compile(r"^([\w-]+) is process (\d+)$")


class Up:
    """`roottrading up`, and what it says."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: list[str] = []
        self.ids: dict[str, int] = {}
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if found := STARTED.match(line.rstrip()):
                self.ids[found[1]] = int(found[2])


@contextmanager
def going_up(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    by: signal.Signals = signal.SIGINT,
    patience: float = 40,
) -> Iterator[Up]:
    """Run it, and end it as Ctrl-C does, or by another signal; killed where it has not ended in `patience` seconds."""
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        up = Up(process)
        try:
            yield up
        finally:
            process.send_signal(by)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
            up.reading.join(5)
    crashed = [line for line in up.said if FAULT in line]  # it was begun again, so nothing else would tell
    assert not crashed, crashed


def awaited(what: str, up: Up, is_there: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_there():
        assert time.monotonic() < until, f"{what}: nothing came; last said:\n" + "\n".join(up.said[-40:])
        assert up.process.poll() is None, "\n".join(up.said[-40:])
        time.sleep(0.2)
