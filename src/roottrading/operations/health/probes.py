"""Probes of what a service talks to: PostgreSQL, Redis, Kafka and the exchange, each asked the least it can answer."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import aiohttp
import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from redis.asyncio import Redis
from redis.exceptions import RedisError

from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import shown
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.health.dependency import Dependency, Probe
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.installation import Addresses
from roottrading.runtimes.distributed.sharding import carriers_of

PATIENCE: Final = 2.0  # seconds for an answer


class PostgresProbe:
    """Asks for a 1."""

    name = "postgresql"

    def __init__(self, url: str, settings: PostgresSettings) -> None:
        self._url = url
        self._settings = settings
        self._connection: asyncpg.Connection[Any] | None = None

    async def look(self) -> Dependency:
        """Ask now."""
        where = shown(self._url)
        try:
            async with asyncio.timeout(PATIENCE):
                if self._connection is None:
                    self._connection = await connect(self._url, self._settings)
                await self._connection.execute("SELECT 1")
        except (StoreError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            await self.close()
            why = str(error) if where in str(error) else f"{where} does not answer: {str(error) or 'too late'}"
            return Dependency(False, why, f"start PostgreSQL there, or name another in {POSTGRES_URL}")
        return Dependency(True, f"{where} answers")

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class RedisProbe:
    """Says ping."""

    name = "redis"

    def __init__(self, url: str) -> None:
        self._where = "Redis at " + url.rpartition("@")[2].removeprefix("redis://")
        self._client = Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)

    async def look(self) -> Dependency:
        """Ask now."""
        try:
            await self._client.ping()
        except (RedisError, OSError, TimeoutError) as error:
            return Dependency(
                False,
                f"{self._where} does not answer: {str(error).rstrip('.')}",
                f"start it, or name another in {REDIS_URL}",
            )
        return Dependency(True, f"{self._where} answers")

    async def close(self) -> None:
        """End the connection."""
        with suppress(RedisError, OSError, TimeoutError):
            await self._client.aclose()


class KafkaProbe:
    """Asks which brokers there are."""

    name = "kafka"

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._client: AdminClient | None = None

    async def look(self) -> Dependency:
        """Ask now."""
        try:
            brokers = await asyncio.to_thread(self._brokers)
        except KafkaException as error:
            why = f"Kafka at {self._servers} does not answer: {error.args[0].str()}"
            return Dependency(False, why, f"start it, or name another in {KAFKA_URL}")
        return Dependency(True, f"Kafka at {self._servers} answers, {brokers} broker{'s' * (brokers != 1)}")

    async def close(self) -> None:
        """End the connection."""
        self._client = None

    def _brokers(self) -> int:
        if self._client is None:
            self._client = AdminClient(
                {"bootstrap.servers": self._servers, "log_level": 0, "reconnect.backoff.max.ms": 1_000}
            )
        return len(self._client.list_topics(timeout=PATIENCE).brokers)


class ExchangeProbe:
    """Asks for a sign of life at the exchange's REST door."""

    name = "exchange"

    def __init__(self, rest: str) -> None:
        self._rest = rest
        self._session: aiohttp.ClientSession | None = None

    async def look(self) -> Dependency:
        """Ask now."""
        try:
            if self._session is None:
                self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
            async with self._session.get(f"{self._rest}/api/v3/ping") as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = f"the exchange at {self._rest} does not answer: {str(error) or 'too late'}"
            return Dependency(False, why, "start the exchange server, or look whether the network and the address hold")
        return Dependency(True, f"the exchange at {self._rest} answers")

    async def close(self) -> None:
        """End the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def probes_of(role: Role, addresses: Addresses, settings: PostgresSettings, rest: str) -> list[Probe]:
    """Return a probe for everything that a service uses."""
    carriers = carriers_of(role) | ({"redis"} if role.early else set())
    found: list[Probe] = [PostgresProbe(addresses.postgres, settings)]
    if "redis" in carriers:
        found.append(RedisProbe(addresses.redis))
    if "kafka" in carriers:
        found.append(KafkaProbe(addresses.kafka))
    return [*found, ExchangeProbe(rest.rstrip("/"))]
