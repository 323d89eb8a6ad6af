"""Rows a second into `market_data`: in bulk by COPY, as a backfill writes them."""

from time import perf_counter

from benchmarks.distributed.figures import Used
from benchmarks.distributed.market import BEGIN, WideMarket
from benchmarks.distributed.stage import SETTINGS, staged
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE

_AT_ONCE = 50_000


async def measure(symbols: int, rows: int, realtime: bool) -> None:
    """Measure new candles, and the same ones again."""
    market = WideMarket(symbols)
    each = -(-rows // symbols)
    made = [candle for symbol in market.symbols for candle in market.candles(symbol, BEGIN - each * MINUTE, BEGIN)]
    async with staged(realtime=realtime) as stages:
        for stage in stages:
            async with await Database.open(stage.postgres, SETTINGS) as database:
                archive = PostgresArchive(database)
                for words in ("new", "there already"):
                    used = Used(stage, ())
                    await used.begin()
                    span = await _add(archive, made)
                    await used.end()
                    print(f"candles by COPY, {words}: {len(made) / span:,.0f} rows/s")
                    print(*used.lines(), sep="\n")


async def _add(archive: PostgresArchive, made: list[Candle]) -> float:
    begun = perf_counter()
    for first in range(0, len(made), _AT_ONCE):
        await archive.add_candles(made[first : first + _AT_ONCE])
    return perf_counter() - begun
