"""A place to measure in: servers, a database and topics of its own, and what runs there as processes."""

import asyncio
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

import aiohttp
from msgspec import Struct

from benchmarks.distributed.market import WideMarket
from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.latency.scratch import CannotMeasure, refuse_company, remove_topics, scratch_database
from roottrading.operations.local_servers.addresses import Servers, bootstrap_servers
from roottrading.operations.local_servers.all_servers import all_servers
from roottrading.operations.local_servers.ports import free_port
from roottrading.operations.precedence import take_precedence
from roottrading.runtimes.distributed.installation import TOPICS
from roottrading.runtimes.distributed.sharding import partition_of

SETTINGS: Final = PostgresSettings()
PATIENCE: Final = 600.0  # seconds for services to be ready
NO_LIMITS: Final = tuple(
    part
    for setting in (
        "coordinator.stake=200",
        "coordinator.risk_per_cycle=off",
        "coordinator.max_per_symbol=off",
        "coordinator.max_exposure=off",
        "coordinator.volume_share=off",
        "coordinator.max_cycles=off",
        "coordinator.max_entries_per_instant=off",
        "coordinator.daily_loss=off",
        "coordinator.max_drawdown=off",
    )
    for part in ("--set", setting)
)  # so that every verdict is traded
_DRAIN: Final = 30.0
_METRIC: Final = re.compile(r"^roottrading_(\w+)(?:\{[^}]*\})? ([0-9.e+-]+)$")
_OWN_SECRETS: Final = ("ROOTTRADING_BUS_SECRET", "ROOTTRADING_BUS_SECRET_FILE")


class Stage(Struct, frozen=True):
    """Where everything is; `environment` is what services are given."""

    folder: Path
    deployment: str
    redis: str
    kafka: str
    postgres: str
    environment: Mapping[str, str]
    realtime: bool = False  # services go before ordinary programs

    def log(self) -> KafkaLog:
        """Return a way to this deployment's topics."""
        return KafkaLog(self.kafka, TOPICS, partition_of, f"{self.deployment}.")


@asynccontextmanager
async def staged(count: int = 1, realtime: bool = False) -> AsyncIterator[list[Stage]]:
    """Use the servers that the environment names, start those that it does not; leave nothing behind.

    Gives so many deployments. With `realtime` the services, the servers that they wait for, and this process, which
    plays the other services, go before ordinary programs, as with `roottrading up --realtime`. Raises CannotMeasure
    where services run over these servers already, or nobody may go before others.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roottrading-bench-")))
        folder.chmod(0o711)  # PostgreSQL's own user must get to its files
        servers = stack.enter_context(all_servers(folder / "servers", realtime=realtime))
        await refuse_company(servers.redis_url)
        if realtime:
            take_precedence()
        yield [await _deployment(stack, servers, folder, realtime) for _ in range(count)]


async def _deployment(stack: AsyncExitStack, servers: Servers, folder: Path, realtime: bool) -> Stage:
    name = "b" + secrets.token_hex(3)
    kafka = bootstrap_servers(servers.kafka_url)
    stack.callback(remove_topics, kafka, f"{name}.")
    database = await stack.enter_async_context(scratch_database(servers.postgres_url, SETTINGS, f"roottrading_{name}"))
    await upgrade(database, SETTINGS)
    environment = {key: value for key, value in os.environ.items() if key not in _OWN_SECRETS}
    environment |= {
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: database,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    (folder / name).mkdir()
    return Stage(folder / name, name, servers.redis_url, kafka, database, environment, realtime)


@contextmanager
def exchange(stage: Stage, market: WideMarket, *options: str, module: str = "exchange") -> Iterator[str]:
    """Serve an exchange of these symbols; gives its address."""
    tape = stage.folder / "tape"
    if not tape.exists():
        market.write(tape)
    command = (sys.executable, "-m", f"benchmarks.distributed.{module}", str(tape), *options)
    with subprocess.Popen(command, env=stage.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if found := re.match(r"exchange on (\S+)", line):
                    yield found[1]
                    return
            raise CannotMeasure("the exchange did not begin: what it said stands above")
        finally:
            process.terminate()
            process.stdout.read()


class Service:
    """One of our services as a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", door: str, log: Path) -> None:
        self.process = process
        self._door = door
        self._log = log

    async def metrics(self) -> dict[str, float]:
        """Return its numbers; those with several labels added up."""
        async with aiohttp.ClientSession() as session, session.get(f"{self._door}/metrics") as answer:
            text = await answer.text()
        found: dict[str, float] = {}
        for line in text.splitlines():
            if match := _METRIC.match(line):
                found[match[1]] = found.get(match[1], 0.0) + float(match[2])
        return found

    async def number(self, name: str) -> float:
        """Return one of its numbers, 0 while it does not answer."""
        if self.process.poll() is not None:
            raise CannotMeasure("a service ended:\n" + "\n".join(self._log.read_text().splitlines()[-10:]))
        try:
            return (await self.metrics()).get(name, 0.0)
        except (aiohttp.ClientError, OSError):
            return 0.0

    async def quiet(self) -> None:
        """Wait until it did nothing for a second."""
        while True:
            steps = await self.number("step_seconds_count")
            await asyncio.sleep(1.0)
            if await self.number("step_seconds_count") == steps:
                return


@contextmanager
def services(
    stage: Stage, role: str, count: int, url: str, symbols: Sequence[str], *options: str
) -> Iterator[list[Service]]:
    """Run so many instances of a service."""
    with ExitStack() as stack:
        running = []
        for number in range(count):
            port = free_port()
            log = stage.folder / f"{role}-{number}-{port}.log"
            command = [sys.executable, "-m", "roottrading", role, "--exchange", url, "--symbols", ",".join(symbols)]
            command += ["--timeframe", "1m", "--set", f"account.deployment={stage.deployment}"]
            command += ["--health-port", str(port), *options, *(["--realtime"] if stage.realtime else [])]
            output = stack.enter_context(log.open("w"))
            process = subprocess.Popen(
                command, cwd=stage.folder, env=stage.environment, stdout=output, stderr=output, text=True
            )
            stack.callback(_end, process)
            running.append(Service(process, f"http://127.0.0.1:{port}", log))
        yield running


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_DRAIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def serving(running: Sequence[Service], units: int) -> float:
    """Wait until all units are served, every instance having some; return the seconds. Raises CannotMeasure."""
    began = monotonic()
    while monotonic() - began < PATIENCE:
        found = [await each.number("units") if await each.number("up") else 0.0 for each in running]
        if sum(found) == units and min(found) > 0:
            return monotonic() - began
        await asyncio.sleep(0.1)
    raise CannotMeasure(f"{len(running)} instances serve {found} of {units} units after {PATIENCE:g} s")
