"""Measure the PostgreSQL store: commits of one and of eight units, what a load takes, and candles in bulk.

    python -m benchmarks.store_postgres [--url URL] [--commits 2000] [--candles 500000]

Without --url a PostgreSQL of its own is started and removed again, durable as in earnest (fsync and synchronous_commit
on). A commit here is a trader's usual step: an order, its symbol's ledger and its execution's record, the places of two
streams, one message for the outbox, one offset and one deadline, all under the fence.
"""

import argparse
import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

import numpy as np

from roottrading.adapters.store.port import Commit, UnitState
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.domain.candle import Candle
from roottrading.domain.ids import order_id
from roottrading.domain.order import Order
from roottrading.domain.time import MINUTE
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import OrderChanged, TradeProgressed
from roottrading.messages.service import Row
from roottrading.operations.local_servers import PostgresServer
from roottrading.services.trader.state import TABLES, FreeBalance, SymbolLedger

SETTINGS: Final = PostgresSettings(connections=16)
OPEN_TIME: Final = 1_679_616_000_000_000
WARM: Final = 100
PACE: Final = 0.05  # seconds between two commits where each comes alone
BATCH: Final = 50_000
SYMBOLS: Final = 50


def step(shard: int, number: int) -> Commit:
    """Return a trader's step."""
    symbol, at = f"COIN{shard}USDT", OPEN_TIME + number
    client_id = f"bench-{shard}-{number // 3}"  # an order changes a few times
    order = Order(
        order_id("bench", client_id),
        order_id("bench", f"cycle {shard}"),
        client_id,
        symbol,
        "BUY",
        "LIMIT",
        Decimal("12.345"),
        Decimal("1.2340"),
        None,
        "NEW",
        at,
        at,
    )
    stream, commands = f"trade.events/{symbol}", f"trade.commands/{symbol}"
    said = Envelope("trader", stream, number, number - 1, at, "BTCUSDT/1", TradeProgressed((OrderChanged(order),)))
    return Commit(
        [
            Row("orders", (order.id,), order),
            Row("trader_symbols", (symbol,), SymbolLedger(symbol, Decimal(number))),
            Row("trader_balances", (symbol,), FreeBalance(symbol, Decimal(number), at)),
        ],
        {f"trader/{shard}": UnitState({("coordinator", commands): number}, {stream: number})},
        [("trader", f"{symbol}/query", at)],
        outbox=[("trade.events", said)],
        offsets={("trade.commands", shard): number},
        published=number - 1,
        heeds_control=True,
    )


async def commits(database: Database, shard: int, first: int, count: int, pause: float = 0.0) -> list[float]:
    """Load a unit, commit so many steps, and return the milliseconds of each."""
    unit = PostgresUnits(database, TABLES).unit(f"trader/{shard}")
    await unit.load()
    spans = []
    for number in range(first, first + count):
        commit = step(shard, number)
        begun = perf_counter()
        await unit.commit(commit)
        spans.append((perf_counter() - begun) * 1_000)
        if pause:
            await asyncio.sleep(pause)
    return spans


def told(spans: list[float]) -> str:
    p50, p95, p99 = (float(np.percentile(spans, share)) for share in (50, 95, 99))
    return f"p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms"


async def measure_commits(database: Database, count: int) -> None:
    shard = 0
    await commits(database, shard, 1, WARM)
    paced = await commits(database, shard, WARM + 1, max(count // 10, 50), PACE)
    print(f"1 unit, a commit each {PACE * 1_000:.0f} ms: {told(paced)}")
    begun, busy = perf_counter(), process_time()
    spans = await commits(database, shard, 1_000_000, count)
    span, cpu = perf_counter() - begun, process_time() - busy
    print(f"1 unit: {count / span:,.0f} commits/s, {cpu / count * 1e6:.0f} us of our CPU each, {told(spans)}")
    for units in (8, 16):
        each = count // 2
        await asyncio.gather(*[commits(database, 100 * units + unit, 1, WARM) for unit in range(units)])
        begun, busy = perf_counter(), process_time()
        found = await asyncio.gather(*[commits(database, 100 * units + u, WARM + 1, each) for u in range(units)])
        span, cpu = perf_counter() - begun, process_time() - busy
        together = [one for spans in found for one in spans]
        rate, own = units * each / span, cpu / units / each * 1e6
        print(f"{units} units at once: {rate:,.0f} commits/s, {own:.0f} us of our CPU each, {told(together)}")


async def measure_batches(database: Database) -> None:
    unit = PostgresUnits(database, TABLES).unit("trader/9000")
    await unit.load()
    for batch in (50, 500):
        spans = []
        for turn in range(10):
            steps = [step(9_000, 1 + turn * batch + number + batch * 1_000) for number in range(batch)]
            whole = Commit(
                [row for each in steps for row in each.rows],
                steps[-1].units,
                steps[-1].deadlines,
                outbox=[said for each in steps for said in each.outbox],
                offsets=steps[-1].offsets,
            )
            begun = perf_counter()
            await unit.commit(whole)
            spans.append((perf_counter() - begun) * 1_000)
        print(f"{batch} steps in one commit: {batch / np.median(spans) * 1_000:,.0f} steps/s, {told(spans)}")


async def measure_load(database: Database) -> None:
    unit = PostgresUnits(database, TABLES).unit("trader/0")
    spans = []
    for _ in range(50):
        begun = perf_counter()
        await unit.load()
        spans.append((perf_counter() - begun) * 1_000)
    print(f"load of a small unit: {told(spans)}")


async def measure_candles(database: Database, count: int) -> None:
    archive = PostgresArchive(database)
    price, volume = Decimal("1.2345"), Decimal("1234.5")
    made = [
        Candle(f"COIN{n % SYMBOLS}USDT", "1m", OPEN_TIME + n // SYMBOLS * MINUTE, price, price, price, price, volume)
        for n in range(count)
    ]
    for name in ("new", "there already"):
        begun = perf_counter()
        written = 0
        for first in range(0, count, BATCH):
            written += await archive.add_candles(made[first : first + BATCH])
        print(f"candles in bulk, {name}: {count / (perf_counter() - begun):,.0f} rows/s ({written:,} written)")
    begun = perf_counter()
    found = await archive.candles("COIN1USDT", "1m", OPEN_TIME, OPEN_TIME + 10_000 * MINUTE)
    print(f"candles read: {len(found) / (perf_counter() - begun):,.0f} rows/s")


async def measure(url: str, steps: int, candles: int) -> None:
    await upgrade(url, SETTINGS)
    async with await Database.open(url, SETTINGS) as database:
        async with database.connection() as connection:
            names = ("server_version", "fsync", "synchronous_commit")
            found = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]
        print(f"PostgreSQL {found[0]}, fsync {found[1]}, synchronous_commit {found[2]}")
        await measure_commits(database, steps)
        await measure_batches(database)
        await measure_load(database)
        await measure_candles(database, candles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="an empty database; else a server of its own is started")
    parser.add_argument("--commits", type=int, default=2_000)
    parser.add_argument("--candles", type=int, default=500_000)
    given = parser.parse_args()
    if given.url:
        asyncio.run(measure(given.url, given.commits, given.candles))
        return
    with tempfile.TemporaryDirectory(prefix="roottrading-bench-") as folder:
        Path(folder).chmod(0o711)  # the server's own user goes through it
        with PostgresServer(Path(folder) / "postgres") as server:
            try:
                asyncio.run(measure(server.url, given.commits, given.candles))
            finally:
                server.wipe()


if __name__ == "__main__":
    main()
