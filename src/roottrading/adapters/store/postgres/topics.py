"""Which topics the places in this database are of; and those places set anew where Kafka lost what it kept (3.4, 3.5).

A topic that was made again has another id: then a place in it means nothing, though its number may be there.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import asyncpg
from msgspec import Struct

from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings

TOPIC: Final = "topic "  # names in `identity` that begin so are topics, and their values topic ids

_CLAIM: Final = "INSERT INTO identity (name, value) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING"
_READ: Final = "SELECT name, value FROM identity WHERE name = ANY ($1::text[])"
_DEPLOYMENT: Final = "SELECT value FROM identity WHERE name = 'deployment'"
# First: it waits for commits that are under way, and whoever had a unit is refused from then on.
_FENCE: Final = "UPDATE units SET fence = fence + 1 WHERE service = ANY ($1::text[])"
_PLACES_GONE: Final = "DELETE FROM unit_places WHERE kind = 'read'"
_PLACES: Final = """
INSERT INTO unit_places (service, shard, kind, source, stream, sequence)
SELECT service, shard, 'read', topic, partition::text, following
FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::bigint[])
    AS place (service, shard, topic, partition, following)"""
_HAD: Final = "SELECT service, shard, source, stream::integer FROM unit_places WHERE kind = 'read'"
# What a consumer has not seen goes out again, and with it all that its author said after.
_UNTAKEN: Final = """
WITH consumer (channel, service) AS (SELECT * FROM unnest($1::text[], $2::text[]))
SELECT outbox.service, outbox.shard, min(number), count(DISTINCT number) FROM outbox
JOIN consumer ON consumer.channel = outbox.channel AND consumer.service <> outbox.source
WHERE sequence > coalesce((SELECT max(place.sequence) FROM unit_places place WHERE place.service = consumer.service
    AND place.kind = 'seen' AND place.source = outbox.source AND place.stream = outbox.stream), 0)
GROUP BY outbox.service, outbox.shard ORDER BY outbox.service, outbox.shard"""
_UNPUBLISHED: Final = "UPDATE units SET published = least(published, $3) WHERE service = $1 AND shard = $2"
_COMPLETED: Final = """
SELECT min(coalesce((SELECT (value ->> 'at')::bigint FROM unit_rows WHERE unit_rows.service = waiting.service
    AND table_name = $2), 0)) FROM unnest($1::text[]) AS waiting (service)"""
# A bridge has seen what it is to carry again up to the message before it.
_CARRY_AGAIN: Final = """
UPDATE unit_places place SET sequence = wanted.follows FROM (
    SELECT DISTINCT ON (source, stream) source, stream, follows FROM outbox
    WHERE channel = ANY ($2::text[]) AND sequence > $3 ORDER BY source, stream, sequence) wanted
WHERE place.service = $1 AND place.kind = 'seen' AND place.source = wanted.source AND place.stream = wanted.stream
AND place.sequence > wanted.follows"""


class TopicsLost(StoreError):
    """Kafka has other topics than those that were read up to now; the text says what to do."""


class Bridged(Struct, frozen=True):
    """What a service carries from `origins` for those `waiting`: `completed` has the T up to which they are."""

    service: str
    origins: Collection[str]
    waiting: Collection[str]
    completed: str


class Replaced(Struct, frozen=True):
    """What goes out again: messages by unit, and streams that are carried over a bridge again."""

    messages: Mapping[str, int]
    carried: int


async def claim_topics(database: Database, ids: Mapping[str, str]) -> None:
    """Note the ids of topics where that was not done yet. Raises TopicsLost where other ones were noted."""
    names = {TOPIC + name: value for name, value in ids.items()}
    async with database.connection() as connection:
        with asking(database.where):
            await connection.execute(_CLAIM, list(names), list(names.values()))
            found = dict(await connection.fetch(_READ, list(names)))
    others = [name.removeprefix(TOPIC) for name, value in names.items() if found[name] != value]
    if others:
        raise TopicsLost(
            f"Kafka's topic {others[0]} is not the one that was read up to now: Kafka lost its disk, or is another; "
            "`roottrading kafka rebuild` publishes anew what was not taken"
        )


async def deployment_of(url: str, settings: PostgresSettings) -> str:
    """Return whose database it is. Raises StoreError where no service has begun on it yet."""
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            found: str | None = await connection.fetchval(_DEPLOYMENT)
    finally:
        connection.terminate()
    if found is None:
        raise StoreError(f"{shown(url)} is nobody's yet: start the services")
    return found


async def replace_topics(
    url: str,
    settings: PostgresSettings,
    ids: Mapping[str, str],
    ends: Mapping[tuple[str, int], int],
    consumers: Collection[tuple[str, str]],
    bridged: Bridged,
) -> Replaced:
    """Have units read these topics from their `ends` on, and what consumers have not taken be published behind them.

    `consumers` are channels and the services that hear them. All in one transaction; the units' authors publish when
    they load next, which all of them do, since they are fenced. Raises Unreachable or StoreError.
    """
    connection = await connect(url, settings, statement_timeout="0")
    try:
        with asking(shown(url)):
            async with connection.transaction():
                services = {service for _, service in consumers} | {bridged.service}
                await connection.execute(_FENCE, sorted(services))
                await _move_places(connection, ends)
                names = [TOPIC + name for name in ids]
                await connection.execute("DELETE FROM identity WHERE name = ANY ($1::text[])", names)
                await connection.execute(_CLAIM, names, list(ids.values()))
                channels, heard_by = zip(*sorted(consumers), strict=True)
                messages = {}
                for service, shard, first, count in await connection.fetch(_UNTAKEN, channels, heard_by):
                    await connection.execute(_UNPUBLISHED, service, shard, first - 1)
                    messages[f"{service}/{shard}"] = count
                until = await connection.fetchval(_COMPLETED, sorted(bridged.waiting), bridged.completed)
                done = await connection.execute(_CARRY_AGAIN, bridged.service, sorted(bridged.origins), until)
    finally:
        connection.terminate()
    return Replaced(messages, int(done.rpartition(" ")[2]))


async def _move_places(connection: "asyncpg.Connection[Any]", ends: Mapping[tuple[str, int], int]) -> None:
    """Set every place that was read up to to the end of its partition; whoever had none begins with its beginning."""
    had = await connection.fetch(_HAD)
    moved = [(*place, ends[place[2], place[3]]) for place in map(tuple, had) if ends.get((place[2], place[3]))]
    await connection.execute(_PLACES_GONE)
    if moved:
        await connection.execute(_PLACES, *zip(*moved, strict=True))
