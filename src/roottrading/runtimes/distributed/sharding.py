"""Who does which symbols: a shard is crc32(symbol) % 48 on every topic, for ever (consistency-rules 3.1)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from zlib import crc32

from roottrading.messages.channels import BRIDGES
from roottrading.messages.envelope import Envelope
from roottrading.pipeline import CHANNELS, ROLES, SHARDS, Role

ROLE: Final[Mapping[str, Role]] = {role.name: role for role in ROLES}
_PARTITIONED: Final = frozenset(channel.name for channel in CHANNELS if channel.per != "account")


def shard_of(symbol: str) -> int:
    """Return the shard of a symbol."""
    return crc32(symbol.encode()) % SHARDS


def home_among(symbols: Iterable[str]) -> Callable[[str], int]:
    """Return which of the shards of these symbols hears of a symbol: its own, the first of one that is in none."""
    shards = frozenset(map(shard_of, symbols))
    first = min(shards, default=0)

    def home(symbol: str) -> int:
        shard = shard_of(symbol)
        return shard if shard in shards else first

    return home


def symbol_of(stream: str) -> str:
    """Return whom a stream is about: channel/symbol[/timeframe]."""
    return stream.split("/", 2)[1]


def partition_of(channel: str, envelope: Envelope) -> int:
    """Return the partition of a message on its topic: its symbol's shard; topics of the account have one only."""
    return shard_of(symbol_of(envelope.stream)) if channel in _PARTITIONED else 0


def partitions(channel: str) -> int:
    """Return how many partitions a topic has."""
    return SHARDS if channel in _PARTITIONED else 1


def place_of(stream: str) -> tuple[str, int]:
    """Return the topic and partition of a stream that goes over Kafka."""
    channel = stream.partition("/")[0]
    topic = BRIDGES.get(channel, channel)
    return topic, shard_of(symbol_of(stream)) if topic in _PARTITIONED else 0


def places_of(role: Role, topics: Iterable[str], shard: int) -> list[tuple[str, int]]:
    """Return the partitions of these topics that a shard's unit reads: its own, or all where there is one unit."""
    if role.sharding == "one active":
        return [(topic, number) for topic in topics for number in range(partitions(topic))]
    return [(topic, shard) for topic in topics]


def shards_of(role: Role, symbols: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """Return the shards of a service that have something to do, each with its symbols, in order."""
    if role.sharding == "one active":
        return {0: tuple(sorted(symbols))}
    found: dict[int, list[str]] = defaultdict(list)
    for symbol in sorted(symbols):
        found[shard_of(symbol)].append(symbol)
    return {shard: tuple(found[shard]) for shard in sorted(found)}


def carriers_of(role: Role) -> frozenset[str]:
    """Return the carriers that a service hears or speaks over: what it does not need may be away."""
    return frozenset(channel.carrier for channel in (*role.consumes, *role.produces, *role.timed_by))


def unit_name(role: str, shard: int) -> str:
    """Return what a unit is called in the store."""
    return f"{role}/{shard}"
