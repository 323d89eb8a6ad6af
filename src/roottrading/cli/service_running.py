"""One service from its settings to its end: connect, serve, drain at SIGTERM."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from roottrading.adapters.store.postgres.leadership import Leadership
from roottrading.adapters.store.postgres.shard_locks import ShardLocks
from roottrading.cli.errors import CommandError
from roottrading.cli.event_loop import run_until_done
from roottrading.cli.live_options import RealOrders
from roottrading.cli.preparing import check_timeframes, known_strategies, strategy_uses
from roottrading.cli.reporting import begin_log, warn
from roottrading.cli.service import check_settings
from roottrading.cli.service_configuration import ServiceConfiguration
from roottrading.cli.service_seal import seal_for
from roottrading.cli.service_target import Gate, named_by, target_of
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.config.settings import Settings
from roottrading.operations.health.door import LOOPBACK, Door, open_door
from roottrading.operations.health.probes import probes_of
from roottrading.operations.health.readiness import Health
from roottrading.operations.local_servers.addresses import bootstrap_servers
from roottrading.operations.loose_threads import LooseThreads
from roottrading.runtimes.assembly import Cast, cast
from roottrading.runtimes.distributed.installation import Addresses, Market, installation
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.running import serve_on
from roottrading.runtimes.distributed.service import ServiceProcess
from roottrading.runtimes.distributed.sharding import ROLE, carriers_of
from roottrading.runtimes.distributed.surroundings import Surroundings
from roottrading.runtimes.linked.connecting import FINEST, LinkedMarket
from roottrading.runtimes.linked.pace import clock_at

_LOG: Final = logging.getLogger("roottrading.service")


def run_service(
    role: str, settings: Settings, health_port: int | None, instance: str, real: RealOrders | None = None
) -> None:
    """Serve until SIGTERM or Ctrl-C, or a stepped market's end; say how it goes on `health_port`, where one is given.

    `instance` is its name in the log. Orders are real where that is asked for, and was confirmed once.

    Raises CommandError for settings that a service cannot have, where a server's address is not named, and for real
    orders that were not confirmed; SecretError without a key for them.
    """
    check_settings(settings)
    if real is not None:
        settings = named_by(settings, real)
    addresses = addresses_of(os.environ)
    target = target_of(ROLE[role], settings, real, os.environ)
    gate = None if real is None else Gate(ROLE[role], settings, target, os.environ, real.examined)
    begin_log(settings.run)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format=f"%(asctime)s {instance} %(levelname)s %(message)s"
    )
    seal = seal_for(role, settings, addresses, os.environ)
    carriers = carriers_of(ROLE[role])
    acting = acting_cast(settings)
    configured = ServiceConfiguration(role, settings, acting, acting_cast)
    places, admin = target.places, settings.run.admin

    async def main() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        loop.set_default_executor(LooseThreads())  # what a server does not answer keeps nobody from ending
        observed = Observed()

        @asynccontextmanager
        async def connect() -> AsyncIterator[Surroundings]:
            rate = 1 if admin is not None else await target.rate()
            owner = {} if gate is None else await gate.passed(rate)
            market = Market(places, target.credentials, admin, rate, target.streams, owner)
            counts, playing, changing = settings, acting, None
            if admin is None:  # where time is stepped, nothing is changed on the way
                now = await clock_at(places.rest, rate)
                counts, playing, changing = await configured.next(addresses.postgres, now, places, rate)
            async with installation(counts, playing, market, addresses, observed, seal, carriers, changing) as around:
                yield around

        health = Health(role, observed, probes_of(ROLE[role], addresses, settings.postgres, places.rest))
        async with AsyncExitStack() as stack:
            if health_port is not None:
                port = await stack.enter_async_context(open_door(Door(role, observed, health), health_port))
                _LOG.info("health on http://%s:%d", LOOPBACK, port)
            watching = asyncio.create_task(health.watch())
            try:
                lead = _lead(role, settings, addresses)
                await serve_on(role, connect, lead, stop, _say(role), observed)
            finally:
                watching.cancel()
                await asyncio.wait([watching])

    run_until_done(main())


def acting_cast(settings: Settings) -> Cast:
    """Return the strategies of the settings, put to use; CommandError where they cannot be."""
    known = known_strategies(settings)
    uses = strategy_uses(settings, known)
    market = LinkedMarket(tuple(sorted(settings.run.symbols)), finest=FINEST)
    check_timeframes(uses, market)
    warn(tuple(map(str, (*known.broken, *known.warnings))))
    return cast(settings, uses, market)


def addresses_of(environment: Mapping[str, str]) -> Addresses:
    """Return where the environment says that the servers are; CommandError where it does not."""
    missing = [name for name in (REDIS_URL, KAFKA_URL, POSTGRES_URL) if not environment.get(name)]
    if missing:
        raise CommandError(
            f"{', '.join(missing)}: not set; `make services-up` starts the three servers and prints their addresses"
        )
    try:
        kafka = bootstrap_servers(environment[KAFKA_URL])
    except ValueError as error:
        raise CommandError(f"{KAFKA_URL}: {error}") from None
    return Addresses(environment[REDIS_URL], kafka, environment[POSTGRES_URL])


def _lead(role: str, settings: Settings, addresses: Addresses) -> Leadership | ShardLocks:
    """Have all instances serve, each its shards; or one, and others wait for its end."""
    name = f"{settings.account.deployment}/{role}"
    if ROLE[role].sharding == "by symbol":
        return ShardLocks(addresses.postgres, settings.postgres, name)
    return Leadership(addresses.postgres, settings.postgres, name)


def _say(role: str) -> Callable[[ServiceProcess], None]:
    def began(process: ServiceProcess) -> None:
        _LOG.info("serves")

    _LOG.info("begins")
    return began
