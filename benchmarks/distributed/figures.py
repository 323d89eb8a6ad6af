"""What is used meanwhile: processors' time of services and servers, commits, memory."""

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from benchmarks.distributed.stage import SETTINGS, Service, Stage
from roottrading.adapters.store.postgres.connecting import connect

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SETTLING: Final = 1.1  # seconds until PostgreSQL has counted what its sessions did


class Used:
    """What services and local servers use between `begin` and `end`."""

    def __init__(self, stage: Stage, running: Sequence[Service]) -> None:
        self._stage = stage
        self._processes = {
            "service": [each.process.pid for each in running],
            "Redis": listening(urlsplit(stage.redis).port or 6379),
            "Kafka": listening(int(stage.kafka.partition(",")[0].rpartition(":")[2])),
            "PostgreSQL": listening(urlsplit(stage.postgres).port or 5432),
        }
        self._before: dict[str, float] = {}
        self._commits = 0
        self._began = 0.0
        self.seconds = 0.0
        self.cpu: dict[str, float] = {}
        self.commits = 0
        self.resident: list[float] = []

    async def begin(self) -> None:
        """Begin."""
        self._commits = await self._committed()
        self._before = self._now()
        self._began = perf_counter()

    async def end(self) -> None:
        """End."""
        self.seconds = perf_counter() - self._began
        now = self._now()
        self.cpu = {name: now[name] - self._before[name] for name in now}
        self.resident = [_resident(number) for number in self._processes["service"]]
        await asyncio.sleep(_SETTLING)
        self.commits = await self._committed() - self._commits

    def lines(self) -> Iterator[str]:
        """Yield what was used, for a person."""
        shares = ", ".join(f"{name} {100 * used / self.seconds:.0f} %" for name, used in self.cpu.items() if used)
        yield f"  processors' time in {self.seconds:.2f} s (one core is 100 %): {shares}"
        memory = ", ".join(f"{each:.0f}" for each in self.resident)
        yield f"  {self.commits / self.seconds:,.0f} transactions/s in PostgreSQL; memory of the service: {memory} MB"

    def _now(self) -> dict[str, float]:
        found = {name: sum(map(_cpu, numbers)) for name, numbers in self._processes.items()}
        return found | {"measurement": process_time()}

    async def _committed(self) -> int:
        connection = await connect(self._stage.postgres, SETTINGS)
        try:
            sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            return int(await connection.fetchval(sql))
        finally:
            await connection.close()


def told(seconds: Sequence[float]) -> str:
    """Return percentiles in milliseconds."""
    p50, p95, p99 = (1e3 * float(np.percentile(seconds, share)) for share in (50, 95, 99))
    return f"p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f} ms"


def listening(port: int) -> list[int]:
    """Return the processes of this machine that listen on a port, none where we may not see them."""
    wanted = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    }
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(each.readlink()) in wanted for each in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:
            continue
    return sorted(found)[:1]


def _cpu(process: int) -> float:
    """Return the processors' seconds of a process and its children, those that ended among them."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = re.sub(r".*\) ", "", stat.read_text(), flags=re.DOTALL).split()
        except OSError:
            continue
        own = int(stat.parent.name) == process
        if own or int(fields[1]) == process:
            total += sum(map(int, fields[11:15] if own else fields[11:13])) / _TICKS
    return total


def _resident(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
