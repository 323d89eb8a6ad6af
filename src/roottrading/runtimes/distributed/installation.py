"""A process's connections to the three servers, and what a service is given of them."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from msgspec import Struct

from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.packing_ahead import PackingAhead
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.adapters.bus.redis_state import RedisState
from roottrading.adapters.bus.signing import Seal, Unsigned
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.store.port import Control, tables_by_name
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.control import control_woken, poll_control, post_control, unanswered
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.identity import claim
from roottrading.adapters.store.postgres.maintenance import maintain
from roottrading.adapters.store.postgres.opinions import PostgresOpinions
from roottrading.adapters.store.postgres.progress import Progress, progress_of
from roottrading.adapters.store.postgres.shown import PostgresShown
from roottrading.adapters.store.postgres.topics import claim_topics
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.config.settings import Settings
from roottrading.messages.service import AccountAdjusted, Table
from roottrading.pipeline import CHANNELS
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.configuring.changing import Changing, adoption, ends
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.redis_view.recent_candles import RecentCandles
from roottrading.runtimes.distributed.sharding import partition_of, partitions
from roottrading.runtimes.distributed.surroundings import Live, Surroundings
from roottrading.runtimes.distributed.unit.journaling import TABLES as JOURNALED
from roottrading.runtimes.distributed.unit.quarantined import QUARANTINE
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED
from roottrading.runtimes.distributed.weighing.weigher import LEARNING
from roottrading.services.analyzer.state import HISTORIES, SIGNALS
from roottrading.services.coordinator.state import OPEN_CYCLES, OpenCycle
from roottrading.services.coordinator.state import TABLES as COORDINATOR_TABLES

TABLES: Final[tuple[Table, ...]] = (*JOURNALED, COMPLETED, LEARNING, QUARANTINE)
TOPICS: Final[Mapping[str, int]] = {
    channel.name: partitions(channel.name) for channel in CHANNELS if channel.carrier == "kafka"
}


class PostedCommands:
    """A person's commands as they stand in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def poll(self, after: int) -> Sequence[Control]:
        """Return those above a number, in order."""
        return await poll_control(self._database, after)

    async def post(self, control: Control) -> int:
        """Leave one, in whatever trading state there is; returns its number."""
        return await post_control(self._database, control, keep_state=True)

    async def unanswered(self) -> Sequence[AccountAdjusted]:
        """Return the requests for capital and coins that nobody has answered, in order."""
        return await unanswered(self._database)

    async def progress_of(self, service: str, shards: Collection[int]) -> Progress:
        """Return how far these units have come."""
        return await progress_of(self._database, service, shards)

    def woken(self) -> AsyncGenerator[None, None]:
        """Yield at once, and whenever there may be another."""
        return control_woken(self._database)


class Addresses(Struct, frozen=True):
    """Where the three servers are: `kafka` as host:port[,host:port...], the others as URLs."""

    redis: str
    kafka: str
    postgres: str


class Market(Struct, frozen=True):
    """The exchange that is traded on, and how its time goes: `admin` is a stepped one's door.

    `streams` is how its market is listened to (None: as its pace wants it), `owner` what else a database of its orders
    says of whose it is.
    """

    places: Places
    credentials: Credentials | None
    admin: str | None = None
    rate: int = 1
    streams: StreamSettings | None = None
    owner: Mapping[str, str] = {}


@asynccontextmanager
async def installation(
    settings: Settings,
    cast: Cast,
    market: Market,
    addresses: Addresses,
    observed: Observed | None = None,
    seal: Seal | None = None,
    carriers: Collection[str] = ("redis", "kafka"),
    changing: Changing | None = None,
) -> AsyncIterator[Surroundings]:
    """Connect to the servers; `observed` is told what to measure there, `seal` signs what is said.

    With `changing` the configuration may be changed while it runs.

    Only the `carriers` named are connected to: a service that needs no Redis starts without one.
    Raises BusUnavailable or StoreError, naming which is not there.
    """
    tables = tables_by_name(TABLES)
    async with await Database.open(addresses.postgres, settings.postgres) as database:
        account = settings.account
        whose = {"deployment": account.deployment, "quote_asset": account.quote_asset}
        await claim(database, {**whose, **market.owner})
        packing = PackingAhead(seal or Unsigned())
        log = KafkaLog(addresses.kafka, TOPICS, partition_of, f"{settings.account.deployment}.", packing)
        pubsub, state = RedisPubSub(addresses.redis, packing), RedisState(addresses.redis)
        there = PostgresShown(database)
        observed = observed or Observed()
        commands = PostedCommands(database)
        observed.measures = {
            "postgres_connections_used": lambda: database.in_use,
            "postgres_connections_most": lambda: settings.postgres.connections,
            "redis_reconnects": lambda: pubsub.reconnects,
            "redis_unreadable": lambda: pubsub.unreadable,
        }
        try:
            if "kafka" in carriers:
                await log.open()
                await claim_topics(database, log.ids)
            if "redis" in carriers:
                await pubsub.open()
            yield Surroundings(
                settings,
                cast,
                market.places,
                market.credentials,
                PostgresUnits(database, TABLES).unit,
                PostgresArchive(database),
                PostgresOpinions(database, "analyzer", tables[SIGNALS], tables[HISTORIES], ("gateway",)),
                Carriers(pubsub, log, packing.prepare),
                market.admin,
                market.rate,
                commands,
                _live(state, there),
                lambda streams: RecentCandles(state, there.newest_candles, streams),
                observed,
                commands,
                lambda market: maintain(addresses.postgres, settings.postgres, time.time_ns() // 1_000, market),
                None if changing is None else adoption(changing, database, state, commands.post),
                None if changing is None else partial(ends, changing, database),
                market.streams,
                database.rouse,
            )
        finally:
            await state.close()
            await pubsub.close()
            await log.close()


def _live(state: RedisState, there: PostgresShown) -> Callable[[], Awaitable[Live]]:
    """Return how to come to Redis' keys, and to what is now."""

    async def live() -> Live:
        account = await there.account()
        return Live(state, await active_cycles(there), account)

    return live


async def active_cycles(there: PostgresShown) -> tuple[str, ...]:
    """Return the ids of the cycles that the coordinator holds for active."""
    (table,) = (table for table in COORDINATOR_TABLES if table.name == OPEN_CYCLES)
    return tuple(cycle.id for cycle in await there.records("coordinator", table) if isinstance(cycle, OpenCycle))
