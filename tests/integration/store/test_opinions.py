import asyncio
from decimal import Decimal

from roottrading.adapters.store.port import Commit, tables_by_name
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.opinions import PostgresOpinions
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.domain.time import HOUR, parse_time
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.messages.signals import SignalType
from roottrading.runtimes.distributed.unit.quarantined import QUARANTINE, Quarantined
from roottrading.services.analyzer.state import HISTORIES, SIGNALS, TABLES, History, SignalRow
from tests.integration.store.samples import SETTINGS

SINCE = parse_time("2024-01-01")


def signal(number: int, strategy: str, symbol: str, hours: int, kind: SignalType = "BUY") -> SignalRow:
    said = {"stop_distance": "1.25e-2"}
    at = SINCE + hours * HOUR
    return SignalRow(number, symbol, "5m", strategy, kind, Decimal("0.900000"), Decimal("1.50"), at, said)


def opinions(database: Database) -> PostgresOpinions:
    tables = tables_by_name(TABLES)
    return PostgresOpinions(database, "analyzer", tables[SIGNALS], tables[HISTORIES])


def test_changes_are_those_of_a_span_and_the_one_that_stood_before_it(store_url: str) -> None:
    earlier = [
        signal(1, "dip", "LTCUSDT", -9),
        signal(2, "dip", "LTCUSDT", -2, "SELL"),
        signal(3, "climb", "XRPUSDT", 0),
    ]
    within = [
        signal(4, "climb", "XRPUSDT", 1, "NEUTRAL"),
        signal(5, "dip", "LTCUSDT", 2),
        signal(6, "dip", "XRPUSDT", 3),
    ]
    others = [signal(7, "dip", "LTCUSDT", 4), signal(8, "climb", "LTCUSDT", 1), signal(9, "dip", "BTCUSDT", 1)]

    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, TABLES).unit("analyzer/3")
            await unit.load()
            rows = [Row(SIGNALS, (each.id,), each) for each in (*others, *within, *earlier)]
            await unit.commit(Commit(rows))
            said = [("dip", "LTCUSDT"), ("climb", "XRPUSDT"), ("dip", "XRPUSDT"), ("climb", "ADAUSDT")]
            found = await opinions(database).changes(said, SINCE, SINCE + 3 * HOUR)
            assert list(found) == [*earlier[1:], *within]

    asyncio.run(main())


def test_histories_are_those_of_all_the_services_units(store_url: str) -> None:
    histories = [History("LTCUSDT", "5m", SINCE), History("LTCUSDT", "1m", SINCE - HOUR), History("XRPUSDT", "5m", 7)]

    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            for shard, kept in (("analyzer/3", histories[:2]), ("analyzer/40", histories[2:])):
                unit = PostgresUnits(database, TABLES).unit(shard)
                await unit.load()
                await unit.commit(Commit([Row(HISTORIES, (each.symbol, each.timeframe), each) for each in kept]))
            assert list(await opinions(database).histories()) == histories

    asyncio.run(main())


def test_the_first_word_is_the_first_of_its_stream(store_url: str) -> None:
    def said(stream: str, sequence: int) -> tuple[str, Envelope]:
        body = AlertRaised("info", "said", "", "LTCUSDT", sequence)
        return "trade.events", Envelope("gateway", stream, sequence, 0, sequence, "cause", body)

    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            assert await opinions(database).first_said("gateway", "market/LTCUSDT/1m") is None
            unit = PostgresUnits(database, TABLES).unit("gateway/3")
            await unit.load()
            words = [said("market/LTCUSDT/1m", 70), said("market/LTCUSDT/1m", 60), said("market/LTCUSDT/5m", 50)]
            await unit.commit(Commit(outbox=words))
            assert await opinions(database).first_said("gateway", "market/LTCUSDT/1m") == 60

    asyncio.run(main())


def test_what_was_not_said_up_to_a_moment_is_named(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, TABLES).unit("analyzer/3")
            await unit.load()
            body = AlertRaised("info", "said", "", "A", 1)
            said = [("a", 60), ("a", 70), ("b", 60), ("c", 80)]
            envelopes = [Envelope("analyzer", stream, at, 0, at, "cause", body) for stream, at in said]
            envelopes.append(Envelope("gateway", "d", 90, 0, 90, "cause", body))
            await unit.commit(Commit(outbox=[("signals:raw", each) for each in envelopes]))
            last = dict.fromkeys(("d", "c", "b", "a"), 70)
            assert await opinions(database).unsaid("analyzer", last) == ["b", "d"]
            assert await opinions(database).unsaid("analyzer", {}) == []

    asyncio.run(main())


def test_symbols_in_the_quarantine_of_who_forms_opinions_are_named(store_url: str) -> None:
    def kept(symbol: str, number: int, error: str) -> Row:
        record = Quarantined(symbol, "message", "gateway", f"market/{symbol}/1m", number, "", error, 5)
        return Row(QUARANTINE.name, record.key, record)

    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            tables = tables_by_name(TABLES)
            asked = PostgresOpinions(database, "analyzer", tables[SIGNALS], tables[HISTORIES], ("gateway",))
            assert await asked.set_aside() == []
            for name, symbol in (("analyzer/3", "BBB"), ("gateway/5", "AAA"), ("trader/3", "CCC")):
                unit = PostgresUnits(database, (QUARANTINE,)).unit(name)
                await unit.load()
                await unit.commit(Commit(rows=[kept(symbol, 1, "ValueError"), kept(symbol, 2, ""), kept("DDD", 3, "")]))
            assert await asked.set_aside() == ["AAA", "BBB"]

    asyncio.run(main())
