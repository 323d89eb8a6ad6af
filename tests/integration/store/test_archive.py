import asyncio
from decimal import Decimal

from msgspec.structs import replace

from roottrading.adapters.store.port import Commit, UnitState
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.maintenance import Maintained, maintain
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.domain.candle import Candle
from roottrading.domain.time import DAY, HOUR, parse_time
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.services.gateway import TABLES as GATEWAY
from tests.integration.store.samples import SETTINGS, STREAM, TRADER, step

NEW_YEAR = parse_time("2024-01-01")
LATER = parse_time("2024-03-15")


def candle(open_time: int, close: str = "1.50", symbol: str = "BTCUSDT") -> Candle:
    low, high = Decimal("0.10"), Decimal("2.00")
    return Candle(symbol, "1h", open_time, Decimal(1), high, low, Decimal(close), Decimal("1E-7"))


def test_what_was_said_is_fetched_again_by_stream_and_sequence(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            await unit.load()
            for number in (1, 2, 3, 4):
                await unit.commit(step(number))
            await unit.commit(Commit(published=4))
            found = await PostgresArchive(database).said("trader", STREAM, 1, 3)
            assert list(found) == [step(2).outbox[0][1], step(3).outbox[0][1]]
            assert isinstance(found[0], Envelope)
            assert await PostgresArchive(database).said("coordinator", STREAM, 0, 9) == ()

    asyncio.run(main())


def test_candles_come_by_their_close_and_the_same_again_changes_nothing(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            archive = PostgresArchive(database)
            year = [candle(NEW_YEAR + hour * HOUR) for hour in range(-30, 2_000)]  # from December to March
            assert await archive.add_candles(year) == len(year)
            assert await archive.add_candles([*year, candle(NEW_YEAR, symbol="ETHUSDT")]) == 1
            corrected = candle(NEW_YEAR, "1.75")
            assert await archive.add_candles([corrected]) == 1
            found = await archive.candles("BTCUSDT", "1h", NEW_YEAR, NEW_YEAR + 3 * HOUR)
            assert list(found) == [corrected, *year[31:33]]
            assert await archive.candles("BTCUSDT", "1m", 0, LATER) == ()
            async with database.connection() as connection:
                close_time, digits = await connection.fetchrow(
                    "SELECT close_time, close::text FROM market_data WHERE open_time = $1 AND symbol = 'ETHUSDT'",
                    NEW_YEAR,
                )
            assert (close_time, digits) == (NEW_YEAR + HOUR - 1_000, "1.50")

    asyncio.run(main())


def test_many_units_at_once_begin_a_month(store_url: str) -> None:
    settings = replace(SETTINGS, connections=16)

    async def one(database: Database, month: int, shard: int) -> None:
        unit = PostgresUnits(database, GATEWAY).unit(f"gateway/{shard}")
        await unit.load()
        new = candle(NEW_YEAR + month * 40 * DAY, symbol=f"COIN{shard}USDT")
        await unit.commit(Commit([Row("market_data", (new.symbol, new.timeframe, new.open_time), new)]))

    async def main() -> None:
        async with await Database.open(store_url, settings) as database:
            for month in range(12):
                await asyncio.gather(*[one(database, month, shard) for shard in range(16)])
            archive = PostgresArchive(database)
            found = [await archive.candles(f"COIN{shard}USDT", "1h", 0, NEW_YEAR + 500 * DAY) for shard in range(16)]
            assert [len(each) for each in found] == [12] * 16

    asyncio.run(main())


def test_a_gateway_commits_candles_of_any_month(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, GATEWAY).unit("gateway/0")
            await unit.load()
            candles = [candle(NEW_YEAR - HOUR), candle(NEW_YEAR), candle(LATER)]
            await unit.commit(Commit([Row("market_data", (c.symbol, c.timeframe, c.open_time), c) for c in candles]))
            assert list(await PostgresArchive(database).candles("BTCUSDT", "1h", 0, LATER + DAY)) == candles

    asyncio.run(main())


def test_months_are_made_ahead_and_dropped_and_what_was_sent_long_ago_is_forgotten(store_url: str) -> None:
    async def main() -> None:
        settings = PostgresSettings(months_ahead=2, months_kept=1, outbox_kept=DAY)
        async with await Database.open(store_url, SETTINGS) as database:
            archive = PostgresArchive(database)
            await archive.add_candles([candle(NEW_YEAR - HOUR), candle(NEW_YEAR), candle(LATER)])
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            await unit.load()
            await unit.commit(step(1))
            await unit.commit(step(2))
            await unit.commit(Commit(published=1))
            async with database.connection() as connection:
                await connection.execute("UPDATE outbox SET committed_at = $1", LATER - 2 * DAY)
            done = await maintain(store_url, settings, LATER)
            assert done == Maintained(((2024, 4), (2024, 5)), ((2023, 12), (2024, 1)), 1)
            assert await maintain(store_url, settings, LATER) == Maintained()
            replayed = await maintain(store_url, settings, LATER + 90 * DAY, LATER)
            assert replayed == Maintained(), "a market of the past keeps its candles"
            assert list(await archive.candles("BTCUSDT", "1h", 0, LATER + DAY)) == [candle(LATER)]
            assert [each.number for each in (await unit.load()).outbox] == [2]
            assert await archive.add_candles([candle(NEW_YEAR)]) == 1  # wanted back: made again

    asyncio.run(main())


def test_verdicts_go_sooner_but_none_that_a_unit_has_yet_to_take(store_url: str) -> None:
    async def main() -> None:
        settings = PostgresSettings(outbox_kept=30 * DAY, opinions_kept=DAY)
        async with await Database.open(store_url, SETTINGS) as database:
            units = PostgresUnits(database, ())
            author, reader = units.unit("signal_aggregator/0"), units.unit("coordinator/0")
            await author.load()
            await reader.load()
            body = AlertRaised("info", "a", "b", "", 0)
            for name in ("BTCUSDT", "ETHUSDT"):
                stream = f"signals:aggregated/{name}"
                said = [Envelope("signal_aggregator", stream, n, n - 1, n, "", body) for n in (1, 2, 3)]
                await author.commit(Commit(outbox=[("signals:aggregated", each) for each in said]))
            await author.commit(Commit(published=6))
            taken = {("signal_aggregator", "signals:aggregated/BTCUSDT"): 2}
            await reader.commit(Commit(units={"coordinator/0": UnitState(taken)}))
            async with database.connection() as connection:
                await connection.execute("UPDATE outbox SET committed_at = $1", LATER - 2 * DAY)
            assert (await maintain(store_url, settings, LATER)).forgotten == 5  # nobody reads the other stream
            archive = PostgresArchive(database)
            left = await archive.said("signal_aggregator", "signals:aggregated/BTCUSDT", 0, 9)
            assert [each.sequence for each in left] == [3]
            assert (await maintain(store_url, settings, LATER + 29 * DAY)).forgotten == 1  # for ever is too long

    asyncio.run(main())


def test_maintenance_holds_nobody_up(store_url: str) -> None:
    """Candles go on being written while months are dropped; a second one at it leaves at once."""

    async def main() -> None:
        settings = PostgresSettings(months_kept=1)
        async with await Database.open(store_url, SETTINGS) as database:
            archive = PostgresArchive(database)
            await archive.add_candles([candle(NEW_YEAR), candle(LATER)])
            done = await asyncio.gather(
                *[maintain(store_url, settings, LATER) for _ in range(2)],
                *[archive.add_candles([candle(LATER + hour * HOUR)]) for hour in range(1, 40)],
            )
            assert (2024, 1) in {month for each in done[:2] if isinstance(each, Maintained) for month in each.dropped}
            assert len(await archive.candles("BTCUSDT", "1h", LATER, LATER + 40 * HOUR)) == 40

    asyncio.run(main())
