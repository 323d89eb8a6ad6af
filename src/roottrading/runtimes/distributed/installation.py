"""A process's connections to the three servers, and what a service is given of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct

from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.config.settings import Settings
from roottrading.messages.service import Table
from roottrading.pipeline import CHANNELS
from roottrading.runtimes.assembly import ALL_TABLES, Cast
from roottrading.runtimes.distributed.service import Surroundings
from roottrading.runtimes.distributed.serving import Carriers
from roottrading.runtimes.distributed.sharding import partition_of, partitions
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED

TABLES: Final[tuple[Table, ...]] = (*ALL_TABLES, COMPLETED)
TOPICS: Final[Mapping[str, int]] = {
    channel.name: partitions(channel.name) for channel in CHANNELS if channel.carrier == "kafka"
}


class Addresses(Struct, frozen=True):
    """Where the three servers are: `kafka` as host:port[,host:port...], the others as URLs."""

    redis: str
    kafka: str
    postgres: str


class Market(Struct, frozen=True):
    """The exchange that is traded on, and how its time goes: `admin` is a stepped one's door."""

    places: Places
    credentials: Credentials | None
    admin: str | None = None
    rate: int = 1


@asynccontextmanager
async def installation(
    settings: Settings, cast: Cast, market: Market, addresses: Addresses
) -> AsyncIterator[Surroundings]:
    """Connect to the servers. Raises BusUnavailable or StoreError, naming which is not there."""
    async with await Database.open(addresses.postgres, settings.postgres) as database:
        log = KafkaLog(addresses.kafka, TOPICS, partition_of, f"{settings.account.deployment}.")
        pubsub = RedisPubSub(addresses.redis)
        await log.open()
        try:
            await pubsub.open()
            yield Surroundings(
                settings,
                cast,
                market.places,
                market.credentials,
                PostgresUnits(database, TABLES).unit,
                PostgresArchive(database),
                Carriers(pubsub, log),
                market.admin,
                market.rate,
            )
        finally:
            await pubsub.close()
            await log.close()
