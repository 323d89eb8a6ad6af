"""Redis made from PostgreSQL at a person's wish, and compared with it; services do their own keys by themselves.

What is written takes the sequence that stands there: a service that writes meanwhile is newer, and stays.
"""

from msgspec import Struct

from roottrading.adapters.bus.redis_state import RECENT, STRATEGIES, SYMBOLS, RedisState, texts
from roottrading.adapters.store.postgres.configuration import configuration
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.shown import PostgresShown
from roottrading.domain.time import Time
from roottrading.runtimes.distributed.configuring.configuration import replayed
from roottrading.runtimes.distributed.installation import active_cycles
from roottrading.runtimes.distributed.redis_view.live_view import CYCLES, Value, shown


class KeySeen(Struct, frozen=True):
    """A key with a whole value: how many members Redis and PostgreSQL have, and whether they are the same."""

    key: str
    shown: int
    kept: int
    same: bool


class CandlesSeen(Struct, frozen=True):
    """A symbol's and timeframe's last candle (its open time; None: there is none), in Redis and in PostgreSQL."""

    symbol: str
    timeframe: str
    shown: Time | None
    kept: Time | None


class Rebuilt(Struct, frozen=True):
    """What was written: members by key, candles by symbol and timeframe; `newer` were left as a service wrote them."""

    values: dict[str, int]
    newer: tuple[str, ...]
    candles: dict[tuple[str, str], int]


async def rebuild_redis(database: Database, state: RedisState) -> Rebuilt:
    """Write every key anew. Raises StoreError or BusError; what was written until then is right."""
    there = PostgresShown(database)
    sequences = await state.sequences()  # before the database is read: what is written after is newer
    values = await kept_values(there)
    written = await state.rebuild({key: (value, sequences.get(key, 0)) for key, value in values.items()})
    counts = {key: len(values[key]) for key in values if key in written}
    changes = await configuration(database)
    if (configured := replayed(changes)) is not None:
        await state.show_configuration(configured.traded, configured.strategies, changes[-1].number)
        counts |= {SYMBOLS: len(configured.traded), STRATEGIES: len(configured.strategies)}
    candles = {}
    for stream in await there.candle_streams():
        found = await there.newest_candles(*stream, 0, RECENT)
        if found:
            await state.replace_candles(*stream, found)
        candles[stream] = len(found)
    newer = tuple(key for key in values if key not in written)
    return Rebuilt(counts, newer, candles)


async def compare_redis(database: Database, state: RedisState) -> tuple[list[KeySeen], list[CandlesSeen]]:
    """Return what Redis shows, beside what PostgreSQL has. Raises StoreError or BusError."""
    there = PostgresShown(database)
    keys = []
    for key, kept in (await kept_values(there)).items():
        found: Value = await state.set(key) if key == CYCLES else await state.hash(key)
        keys.append(KeySeen(key, len(found), len(kept), found == kept))
    if (configured := replayed(await configuration(database))) is not None:
        symbols = await state.set(SYMBOLS)
        keys.append(KeySeen(SYMBOLS, len(symbols), len(configured.traded), symbols == configured.traded))
        found = await state.hash(STRATEGIES)
        same = found == texts(configured.strategies)
        keys.append(KeySeen(STRATEGIES, len(found), len(configured.strategies), same))
    streams = await there.candle_streams()
    newest = await state.newest_candles(streams)
    candles = []
    for stream in streams:
        last = await there.newest_candles(*stream, 0, 1)
        candles.append(CandlesSeen(*stream, newest.get(stream), last[0].open_time if last else None))
    return keys, candles


async def kept_values(there: PostgresShown) -> dict[str, Value]:
    """Return the whole values as the database has them, by key."""
    return shown(await active_cycles(there), await there.account())
