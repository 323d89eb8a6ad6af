"""The measurement of latency: `roottrading up` with a strategy that orders at every close, and its services' traces."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import typer
from msgspec import Struct

from roottrading.cli.errors import CommandError
from roottrading.cli.service_running import addresses_of
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.config.settings import Settings
from roottrading.operations.health.door import Trace
from roottrading.operations.latency.figures import report
from roottrading.operations.latency.hops import Batch, Way, batches, ways
from roottrading.operations.latency.scratch import refuse_company, remove_topics, scratch_database
from roottrading.operations.latency.warming import warm_kafka
from roottrading.operations.local_servers.all_servers import all_servers
from roottrading.pipeline import ROLES

SYMBOL: Final = "LTCUSDT"
FINEST: Final = "1m"
_FROM: Final = "2021-04-17T00:00:00Z"  # a day of the shipped tape is known by then, which entries want
_DOOR: Final = re.compile(r" (\w+) INFO health on (\S+)$")
_BEGUN: Final = 90.0  # seconds until all services must be ready
_ENOUGH: Final = 1.0  # seconds for the last order to be answered
_DRAIN: Final = 40.0
_SETTINGS: Final = (
    "aggregator.weighting=equal",
    "aggregator.quorum=0",
    "coordinator.cooldown_candles=off",
    "coordinator.stops_in_a_row=off",
    "coordinator.daily_loss=off",
    "coordinator.max_drawdown=off",
    *(
        f"coordinator.abnormal.{bound}=off"
        for bound in ("orders_per_minute", "reject_share", "slippage", "losses_in_a_row", "unprotected_ms")
    ),
)
_STRATEGY: Final = '''"""Buys at one close and sells at the next: every frame leads to an order."""

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Strategy


class Turns(Strategy, frozen=True):
    """A minute in, a minute out."""

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Floats:
        return np.where(columns.open_time // 60_000_000 % 2 == 0, 1.0, -1.0)
'''


class Measure(Struct, frozen=True):
    """What is measured: `frames` after `warm_up` others, at `rate` times the market's pace."""

    frames: int
    warm_up: int
    rate: int
    local_servers: bool
    realtime: bool = False


def run_latency(settings: Settings, measure: Measure) -> None:
    """Measure, and print the figures.

    Raises CommandError where services do not become ready or no order can be followed, CannotMeasure where servers are
    missing or others listen to them.
    """
    found = asyncio.run(_measure(settings, measure))
    if not found:
        raise CommandError("no order could be followed from its frame: run it with more --frames, or a lower --rate")
    typer.echo(f"{len(found)} of {measure.frames} frames led to an order that could be followed")
    for line in report(found):
        typer.echo(line)


async def _measure(settings: Settings, measure: Measure) -> list[Way]:
    deployment = "b" + secrets.token_hex(3)
    with ExitStack() as stack:
        environment = dict(os.environ)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roottrading-bench-")))
        folder.chmod(0o711)  # PostgreSQL's own user must get to its files
        if measure.local_servers:
            servers = stack.enter_context(all_servers(folder / "servers", realtime=measure.realtime, environment={}))
            environment |= {
                REDIS_URL: servers.redis_url,
                KAFKA_URL: servers.kafka_url,
                POSTGRES_URL: servers.postgres_url,
            }
        addresses = addresses_of(environment)
        await refuse_company(addresses.redis)
        remove_topics(addresses.kafka, f"{deployment}.")  # none: but Kafka is there
        stack.callback(remove_topics, addresses.kafka, f"{deployment}.")
        await asyncio.to_thread(warm_kafka, addresses.kafka, f"{deployment}.")
        async with scratch_database(addresses.postgres, settings.postgres, f"roottrading_{deployment}") as database:
            return await _play(folder, environment | {POSTGRES_URL: database}, measure, deployment)


async def _play(folder: Path, environment: Mapping[str, str], measure: Measure, deployment: str) -> list[Way]:
    (folder / "strategies").mkdir()
    (folder / "strategies" / "turns.py").write_text(_STRATEGY, encoding="utf-8")
    command = [sys.executable, "-m", "roottrading", "up", "--clock", f"{measure.rate}x", "--symbols", SYMBOL]
    command += ["--timeframe", FINEST, "--strategies", "turns", "--from", _FROM]
    if measure.realtime:
        command.append("--realtime")
    for assignment in (f"account.deployment={deployment}", *_SETTINGS):
        command += ["--set", assignment]
    with _running(command, folder, environment) as said:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            doors = await _ready(said, session)
            seconds = (measure.warm_up + measure.frames) * 60 / measure.rate
            typer.echo(f"seven services are ready; {seconds:.0f} s of frames follow")
            await asyncio.sleep(measure.warm_up * 60 / measure.rate)
            begins = time.time_ns()
            await asyncio.sleep(measure.frames * 60 / measure.rate + _ENOUGH)
            traces = {name: await _trace(session, url) for name, url in doors.items()}
    late = [batch for batch in traces["gateway"] if batch.began >= begins]
    return ways({**traces, "gateway": late[: measure.frames]}, FINEST)


class _Said:
    """What a process says, read as it comes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def doors(self) -> dict[str, str]:
        """Return where each service's door is, as far as it was said."""
        return {match[1]: match[2] for line in self.lines if (match := _DOOR.search(line))}


@contextmanager
def _running(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[_Said]:
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield _Said(process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_DRAIN)
            except subprocess.TimeoutExpired:
                process.kill()


async def _ready(said: _Said, session: aiohttp.ClientSession) -> dict[str, str]:
    """Return the services' doors once all are ready; CommandError where that takes too long."""
    until = time.monotonic() + _BEGUN
    while time.monotonic() < until and said.process.poll() is None:
        doors = said.doors()
        if len(doors) == len(ROLES) and all([await _is_ready(session, url) for url in doors.values()]):
            return doors
        await asyncio.sleep(0.5)
    last = "\n".join(said.lines[-10:])
    raise CommandError(f"the services did not become ready; `roottrading up` said at last:\n{last}")


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/health/ready") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


async def _trace(session: aiohttp.ClientSession, url: str) -> list[Batch]:
    async with session.get(f"{url}/trace") as answer:
        trace = msgspec.json.decode(await answer.read(), type=Trace)
    return batches(trace.wall_ns, trace.batches)
