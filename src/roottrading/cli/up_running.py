"""All services at once: servers, database, exchange, seven processes; and the report at a stepped tape's end."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import typer
from msgspec import Struct
from rich.console import Console

from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.cli.errors import INTERRUPTED, CommandError
from roottrading.cli.instances import STEPPED, names_of
from roottrading.cli.live_options import RealOrders
from roottrading.cli.preparing import Prepared, prepare
from roottrading.cli.reporting import check_outputs, claim_outputs, finish, warn
from roottrading.cli.service_seal import own_secret
from roottrading.cli.up_live import check_kept, confirmed, keep_apart
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL, withheld
from roottrading.config.settings import Settings
from roottrading.domain.money import plain
from roottrading.domain.time import iso
from roottrading.operations.health.door_port import DoorPort
from roottrading.operations.local_servers.addresses import KINDS, VARIABLES
from roottrading.operations.local_servers.all_servers import all_servers
from roottrading.operations.precedence import take_precedence
from roottrading.operations.supervisor import Command, GaveUp, Supervisor, own_command
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.collecting import collect
from roottrading.runtimes.distributed.finishing import turn_of
from roottrading.runtimes.distributed.sharding import ROLE

_EXCHANGE: Final = re.compile(r"^exchange on (\S+) ")
_ADMIN: Final = re.compile(r"^admin door on (\S+)$")
_BESIDE: Final = frozenset({"dispatcher", "portfolio"})  # no order waits for them
_PATIENCE: Final = 60.0  # seconds for an exchange to open its doors


class Wanted(Struct, frozen=True):
    """How the services are to run: `instances` of each; `given` are options that every process is given as they are.

    With `realtime` those on an order's way, and local servers that they wait for, go before ordinary programs.
    """

    clock: str
    local_servers: bool
    given: tuple[str, ...]
    instances: Mapping[str, int]
    realtime: bool = False
    real: RealOrders | None = None  # how real orders are asked for, where they are


def run_up(settings: Settings, wanted: Wanted) -> None:
    """Run all services until they end by themselves or a person ends them.

    Raises CommandError for settings that cannot be, and what servers and database raise where they are not there; with
    real orders whatever keeps them from being sent.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # whatever was begun by then ends, too
        signal.signal(number, signal.default_int_handler)
    if wanted.real is not None:
        check_kept(settings, wanted.local_servers)
    check_outputs(settings.run)
    prepared = None if settings.run.exchange is not None else prepare(settings)
    if prepared is not None:
        warn(prepared.faults)
    elif settings.run.output is not None:
        raise CommandError("--output is written at a tape's end: leave --exchange out")
    claim_outputs(settings.run)
    with ExitStack() as stack:
        environment = stack.enter_context(_servers(settings, wanted))
        before, after = asyncio.run(upgrade(environment[POSTGRES_URL], settings.postgres))
        if before != after:
            typer.echo(f"database at revision {after}")
        if wanted.real is not None:
            settings = confirmed(settings, wanted.real, environment)
        else:
            keep_apart(settings, environment)
        doors = () if prepared is None else stack.enter_context(_exchange(prepared, wanted))
        finished = asyncio.run(_supervise(_commands(settings, prepared, wanted, doors), environment))
        if finished and prepared is not None and wanted.clock == STEPPED:
            store = asyncio.run(collect(environment[POSTGRES_URL], settings.postgres))
            finish(prepared, store, Console())
    if not finished:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _servers(settings: Settings, wanted: Wanted) -> Iterator[Mapping[str, str]]:
    """Give the environment of the services: with the addresses of the three servers."""
    if not wanted.local_servers:
        missing = [VARIABLES[kind] for kind in KINDS if not os.environ.get(VARIABLES[kind])]
        if missing:
            raise CommandError(f"{', '.join(missing)}: not set; name the servers, or have --local-servers start them")
        yield os.environ
        return
    with ExitStack() as stack:
        folder = settings.run.state
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="roottrading-up-"))
            Path(folder).chmod(0o711)  # PostgreSQL's own user must get to its files
        servers = stack.enter_context(
            all_servers(Path(folder), durable=settings.run.state is not None, realtime=wanted.realtime)
        )
        typer.echo("Redis, Kafka and PostgreSQL are up")
        yield os.environ | {
            REDIS_URL: servers.redis_url,
            KAFKA_URL: servers.kafka_url,
            POSTGRES_URL: servers.postgres_url,
            **own_secret(Path(folder), os.environ),
        }


@contextmanager
def _exchange(prepared: Prepared, wanted: Wanted) -> Iterator[tuple[str, ...]]:
    """Start an exchange server that plays the tape; give its address, and its admin door's where it is stepped."""
    run, market = prepared.settings.run, prepared.market
    asset = prepared.settings.account.quote_asset
    options = ["--clock", wanted.clock, "--port", "0", "--admin-port", "0", "--symbols", ",".join(sorted(market.tape))]
    options += ["--from", iso(market.start), "--to", iso(market.end)]
    options += ["--balance", f"{asset}={plain(prepared.settings.account.capital)}"]
    for path in run.tape:
        options += ["--tape", path]
    for path in run.instruments:
        options += ["--instruments", path]
    if wanted.clock == STEPPED:
        for service, count in wanted.instances.items():
            options += ["--expect", f"{service}={count}"]
    command = (sys.executable, "-m", "roottrading", "exchange", *options, *wanted.given)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as process:  # Ctrl-C is for us
        if wanted.realtime:
            take_precedence(process.pid)
        try:
            yield _doors(process, wanted)
        finally:
            process.terminate()


def _doors(process: "subprocess.Popen[str]", wanted: Wanted) -> tuple[str, ...]:
    assert process.stdout is not None
    url = ""
    for line in process.stdout:
        if found := _EXCHANGE.match(line):
            url = found[1]
        elif found := _ADMIN.match(line.rstrip()):
            typer.echo(f"exchange on {url}, admin door on {found[1]}")
            return (url, found[1]) if wanted.clock == STEPPED else (url,)
    raise CommandError("the exchange server did not open its doors: what it said stands above")


def _commands(settings: Settings, prepared: Prepared | None, wanted: Wanted, doors: tuple[str, ...]) -> list[Command]:
    run = settings.run
    symbols = run.symbols if prepared is None else prepared.market.symbols
    url, *admin = doors or (run.exchange or "",)
    options = ["--exchange", url, "--symbols", ",".join(symbols), "--timeframe", run.timeframe]
    options += ["--strategies", ",".join(run.strategies), "--capital", plain(settings.account.capital)]
    if admin:
        options += ["--admin", admin[0]]
    if wanted.real is not None:
        options += ["--live", "--confirm", settings.account.deployment, "--examined"]
    given = (*options, *wanted.given)
    ahead = frozenset(wanted.instances) - _BESIDE if wanted.realtime else frozenset()
    return [
        _command(ROLE[service], name, (*given, "--realtime") if service in ahead else given)
        for service, count in wanted.instances.items()
        for name in names_of(service, count)
    ]


def _command(role: Role, name: str, given: Sequence[str]) -> Command:
    """Return how an instance is started; it is given no secret but its own."""
    own = (*given, "--instance", name)
    hidden = withheld(role.keys, os.environ)
    shown = role.name.replace("_", "-")
    return own_command(name, shown, *own, turn=turn_of(role), withheld=hidden, options=DoorPort().options)


async def _supervise(commands: list[Command], environment: Mapping[str, str]) -> bool:
    """Return whether all services ended by themselves."""
    supervisor = Supervisor(commands, environment, typer.echo)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.stop.set)
    try:
        await supervisor.run()
    except GaveUp as error:
        raise CommandError(str(error)) from None
    return not supervisor.stop.is_set()
