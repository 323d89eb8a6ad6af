"""What a database needs from time to time: room for the months to come, and an end to what is kept no longer."""

from typing import Any, Final

import asyncpg
from msgspec import Struct

from roottrading.adapters.store.postgres import candle_months
from roottrading.adapters.store.postgres.candle_months import Month, month_of, shifted
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.domain.time import Time
from roottrading.messages.channels import PORTFOLIO_UPDATES, SIGNALS_AGGREGATED, SIGNALS_RAW

_AT_ONCE: Final = 10_000
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('roottrading maintenance'))"
# Only what the bus has confirmed: the rest is still to be published. Opinions go sooner, they are many; but none that a
# unit has yet to take, which would find a hole that nothing fills. What the portfolio said last stays: it is
# what still is.
_OPINIONS: Final = (SIGNALS_RAW, SIGNALS_AGGREGATED)
_FORGET: Final = """
DELETE FROM outbox WHERE ctid = ANY (ARRAY(
    SELECT outbox.ctid FROM outbox JOIN units USING (service, shard)
    WHERE number <= published AND NOT (channel = $5 AND number = outbox_number)
    AND (committed_at < $1 OR (committed_at < $2 AND channel = ANY ($3) AND NOT EXISTS (
        SELECT FROM unit_places place WHERE place.kind = 'seen' AND place.source = outbox.source
        AND place.stream = outbox.stream AND place.sequence < outbox.sequence)))
    LIMIT $4))"""


class Maintained(Struct, frozen=True):
    """What was done; `busy` where another process was at it already."""

    made: tuple[Month, ...] = ()
    dropped: tuple[Month, ...] = ()
    forgotten: int = 0
    busy: bool = False


async def maintain(url: str, settings: PostgresSettings, now: Time, market: Time | None = None) -> Maintained:
    """Make the months ahead, drop those and the sent messages that are older than is wanted; may be called any time.

    Candles go by the `market`'s time where it is another one than ours. Raises Unreachable or StoreError; what was done
    until then stays done.
    """
    connection = await connect(url, settings, statement_timeout="0")
    try:
        with asking(shown(url)):
            if not await connection.fetchval(_LOCK):
                return Maintained(busy=True)
            this = month_of(now if market is None else market)
            wanted = [shifted(this, by) for by in range(settings.months_ahead + 1)]
            there = await candle_months.made(connection)
            missing = tuple(month for month in wanted if month not in there)
            for month in missing:
                await candle_months.make(connection, month)
            old: tuple[Month, ...] = ()
            if settings.months_kept is not None:
                first_kept = shifted(this, -settings.months_kept)
                old = tuple(month for month in there if month < first_kept)
                for month in old:
                    await candle_months.drop(connection, month)
            return Maintained(missing, old, await _forget(connection, settings, now))
    finally:
        connection.terminate()


async def _forget(connection: "asyncpg.Connection[Any]", settings: PostgresSettings, now: Time) -> int:
    count = 0
    old, opinions_old = now - settings.outbox_kept, now - min(settings.opinions_kept, settings.outbox_kept)
    while True:
        done: str = await connection.execute(_FORGET, old, opinions_old, _OPINIONS, _AT_ONCE, PORTFOLIO_UPDATES)
        deleted = int(done.rpartition(" ")[2])
        count += deleted
        if deleted < _AT_ONCE:
            return count
