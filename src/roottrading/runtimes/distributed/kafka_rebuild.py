"""Kafka's topics made again, and what nobody took of them published anew by its authors: their outboxes have it.

Nothing is published here: each author does it at its next load, as it does with whatever was not confirmed, signed as
ever. The bridge carries verdicts again that were not decided upon.
"""

from typing import Final

from msgspec import Struct

from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.topics import Bridged, Replaced, deployment_of, replace_topics
from roottrading.pipeline import BRIDGES, CHANNELS, DISPATCHER, ROLES
from roottrading.runtimes.distributed.installation import TOPICS
from roottrading.runtimes.distributed.sharding import partition_of
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED

_DESTINATIONS: Final = frozenset(bridge.destination for bridge in BRIDGES)
_CONSUMERS: Final = [
    (channel.name, role.name)
    for channel in CHANNELS
    if channel.carrier == "kafka" and channel not in _DESTINATIONS
    for role in ROLES
    if channel in role.consumes
]
_BRIDGED: Final = Bridged(
    DISPATCHER.name,
    tuple(bridge.origin.name for bridge in BRIDGES),
    tuple(role.name for role in ROLES if _DESTINATIONS.intersection(role.timed_by)),
    COMPLETED.name,
)


class Remade(Struct, frozen=True):
    """The topics, by name in Kafka, and what goes out again."""

    topics: tuple[str, ...]
    replaced: Replaced


async def rebuild_kafka(servers: str, url: str, settings: PostgresSettings) -> Remade:
    """Make topics that are not there, and have published what consumers have not taken. Raises BusError, StoreError."""
    log = KafkaLog(servers, TOPICS, partition_of, f"{await deployment_of(url, settings)}.")
    await log.open()
    try:
        ends = await log.ends(TOPICS)
    finally:
        await log.close()
    return Remade(tuple(sorted(log.ids)), await replace_topics(url, settings, log.ids, ends, _CONSUMERS, _BRIDGED))
