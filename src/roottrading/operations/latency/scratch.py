"""A database, and names of topics, for a measurement alone: nothing is left of them after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from redis.asyncio import Redis
from redis.exceptions import RedisError

from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.messages.channels import MARKET, SIGNALS_AGGREGATED, SIGNALS_RAW

_PATIENCE: Final = 15.0
_LIVE: Final = (f"{MARKET}:*", SIGNALS_RAW, SIGNALS_AGGREGATED)


class CannotMeasure(Exception):
    """A server does not answer, or services run over it whose channels a measurement would talk into."""


async def refuse_company(redis_url: str) -> None:
    """Raise CannotMeasure where somebody listens to our channels: they have no name of a deployment in them."""
    client = Redis.from_url(redis_url, socket_connect_timeout=5, socket_timeout=5)
    try:
        for pattern in _LIVE:
            if heard := await client.pubsub_channels(pattern):
                raise CannotMeasure(
                    f"services listen on this Redis ({heard[0]!r}): end them first, or measure with --local-servers"
                )
    except (RedisError, OSError, TimeoutError) as error:
        raise CannotMeasure(f"Redis at {redis_url.rpartition('@')[2]} does not answer: {error}") from None
    finally:
        await client.aclose()


@asynccontextmanager
async def scratch_database(url: str, settings: PostgresSettings, name: str) -> AsyncIterator[str]:
    """Make an empty database beside the one that `url` names; give its address, and drop it after."""
    base, mark, options = url.partition("?")
    await _execute(url, settings, f"CREATE DATABASE {name}")
    try:
        yield f"{base.rpartition('/')[0]}/{name}{mark}{options}"
    finally:
        await _execute(url, settings, f"DROP DATABASE {name} WITH (FORCE)")


def remove_topics(servers: str, prefix: str) -> None:
    """Remove the topics whose names begin with `prefix`. Raises CannotMeasure where Kafka does not answer."""
    client = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    try:
        made = [topic for topic in client.list_topics(timeout=_PATIENCE).topics if topic.startswith(prefix)]
        removing = client.delete_topics(made) if made else {}
        for removed in removing.values():
            removed.result(_PATIENCE)
    except KafkaException as error:
        raise CannotMeasure(f"Kafka at {servers} does not answer: {error.args[0].str()}") from None


async def _execute(url: str, settings: PostgresSettings, statement: str) -> None:
    connection = await connect(url, settings)
    try:
        with asking(url.partition("?")[0].rpartition("@")[2]):
            await connection.execute(statement)
    finally:
        await connection.close()
