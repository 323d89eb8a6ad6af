"""Downloading from an archive on loopback that serves real files, and from our own exchange over REST."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from roottrading.adapters.tape import read_tape
from roottrading.adapters.tape.files import TapeFile, parse_packed
from roottrading.domain.columns import Candles
from roottrading.domain.time import DAY, HOUR, MILLISECOND, Time, iso, parse_time
from roottrading.exchange_server.faults.fault import Fault
from roottrading.history.catalog import Series, writing_into
from roottrading.history.download import Done, Download, Wanted
from roottrading.history.errors import HistoryError
from roottrading.history.fetching import Patience
from roottrading.history.importing import files_to_import, import_files
from roottrading.history.looking import check_all, held
from roottrading.history.months import Span
from tests.integration.exchange_server.market_place import market_place
from tests.integration.history.archive_place import (
    HOURS,
    ArchivePlace,
    another_checksum,
    archive_place,
    cut,
    dropped,
    hours,
    hours_of,
    silent,
    status,
    truncated,
)
from tests.recorded import SAMPLES
from tests.unit.adapters.tape.files import rows

QUICK = Patience(tries=4, first_pause=MILLISECOND, longest_pause=MILLISECOND)
HASTY = replace(QUICK, silence=400 * MILLISECOND)
NOW = parse_time("2026-11-22")
NOWHERE = "http://127.0.0.1:9"
MONTHS = (parse_time("2024-12-01"), parse_time("2025-02-01"))
BOTH = read_tape(list(HOURS.values()), timeframe="1h")["BTCUSDT"]


async def download(
    root: Path,
    place: ArchivePlace,
    span: Span = MONTHS,
    timeframe: str = "1h",
    *symbols: str,
    rest: str = NOWHERE,
    now: Time = NOW,
    patience: Patience = QUICK,
) -> list[Done]:
    done: list[Done] = []
    with writing_into(root):
        wanted = Wanted(symbols or ("BTCUSDT",), timeframe, span, place.url, rest)
        await Download(root, wanted, done.append, patience, lambda: now).run()
    return done


def kept(root: Path, symbol: str = "BTCUSDT", timeframe: str = "1h") -> Candles:
    return read_tape([root], [symbol], timeframe)[symbol]


def test_months_are_kept_to_the_digit_with_where_they_came_from(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            done = await download(tmp_path, place)
            assert [(each.month, each.rows, each.problem) for each in sorted(done, key=lambda each: each.month)] == [
                ("2024-12", 744, ""),
                ("2025-01", 744, ""),
            ]
            assert place.asked == {f"BTCUSDT-1h-{month}.zip{end}": 1 for month in HOURS for end in ("", ".CHECKSUM")}
            assert await download(tmp_path, place) == []
            assert place.asked.total() == 4

    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)
    series = Series(tmp_path, "BTCUSDT", "1h")
    month = series.manifest.months["2025-01"]
    (source,) = month.sources
    assert (source.kind, source.name, source.rows) == ("archive", "BTCUSDT-1h-2025-01.zip", 744)
    assert (source.start, source.end) == ("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z")
    assert (month.first, month.last, month.rows, month.holes) == (
        "2025-01-01T00:00:00Z",
        "2025-01-31T23:00:00Z",
        744,
        (),
    )
    assert sorted(path.name for path in series.folder.iterdir()) == [
        "BTCUSDT-1h-2024-12.parquet",
        "BTCUSDT-1h-2025-01.parquet",
        "manifest.json",
    ]
    (report,) = check_all([tmp_path], NOW)
    assert (report.sound, report.rows, report.gaps) == (True, 1488, ())
    (found,) = held(tmp_path)
    assert (found.symbol, found.timeframe, iso(found.first), iso(found.last), found.rows, found.gaps) == (
        "BTCUSDT",
        "1h",
        "2024-12-01T00:00:00Z",
        "2025-02-01T00:00:00Z",
        1488,
        (),
    )


def test_a_few_days_are_fetched_as_days_and_the_month_later_fills_the_rest(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            for day in ("2025-01-30", "2025-01-31"):
                place.files[f"BTCUSDT-1h-{day}.zip"] = hours_of(day)
            last_days = parse_time("2025-01-30"), MONTHS[1]
            await download(tmp_path, place, last_days)
            assert len(kept(tmp_path)) == 48
            assert "BTCUSDT-1h-2025-01.zip" not in place.asked
            await download(tmp_path, place)

    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)
    names = [source.name for source in Series(tmp_path, "BTCUSDT", "1h").manifest.months["2025-01"].sources]
    assert names == ["BTCUSDT-1h-2025-01-30.zip", "BTCUSDT-1h-2025-01-31.zip", "BTCUSDT-1h-2025-01.zip"]


def test_the_archive_s_own_file_of_a_day_with_a_halt(tmp_path: Path) -> None:
    day = parse_time("2023-03-24")

    async def run() -> None:
        async with archive_place() as place:
            await download(tmp_path, place, (day, day + DAY), "1m")

    asyncio.run(run())
    assert rows(kept(tmp_path, timeframe="1m")) == rows(read_tape([SAMPLES], ["BTCUSDT"])["BTCUSDT"])
    (found,) = held(tmp_path)
    assert [(iso(gap.start), gap.missing) for gap in found.gaps] == [("2023-03-24T12:40:00Z", 80)]
    (report,) = check_all([tmp_path], NOW)
    assert report.sound
    assert report.gaps == found.gaps


@pytest.mark.parametrize(
    ("of", "faults"),
    [
        ("", [cut, status(500), dropped]),
        ("", [truncated, truncated]),
        (".CHECKSUM", [status(503), cut, status(429, Retry_After="0")]),
        (".CHECKSUM", [another_checksum, another_checksum]),
    ],
)
def test_what_goes_wrong_on_the_way_is_tried_again(tmp_path: Path, of: str, faults: list[object]) -> None:
    async def run() -> None:
        async with archive_place() as place:
            place.faults[f"BTCUSDT-1h-2025-01.zip{of}"] = [*faults]  # type: ignore[list-item]
            done = await download(tmp_path, place)
            assert [each.problem for each in sorted(done, key=lambda each: each.month)] == ["", ""]

    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)


def test_a_server_that_says_nothing_is_asked_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            place.faults["BTCUSDT-1h-2025-01.zip"] = [silent]
            await download(tmp_path, place, patience=HASTY)
            assert place.asked["BTCUSDT-1h-2025-01.zip"] > 1

    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)


def test_a_file_that_stays_wrong_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            place.faults["BTCUSDT-1h-2024-12.zip.CHECKSUM"] = [another_checksum] * 3
            span = parse_time("2024-11-01"), MONTHS[1]
            done = {each.month: each for each in await download(tmp_path, place, span)}
            assert "BTCUSDT-1h-2024-12.zip: its SHA-256 is" in done["2024-12"].problem
            assert done["2025-01"].rows == 744
            assert len(kept(tmp_path)) == 744
            assert held(tmp_path)[0].absent == ()  # 2024-11 is not there, but who knows what 2024-12 holds
            (repaired,) = await download(tmp_path, place)
            assert (repaired.month, repaired.rows, repaired.problem) == ("2024-12", 744, "")

    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[: len(data) // 2], "cut or damaged"),
        (lambda data: hours_of("2025-01-02"), "holds candles from 2025-01-02T00:00:00Z"),
        (lambda data: b"", "cut or damaged"),
    ],
)
def test_a_file_that_the_archive_itself_has_wrong_is_refused(tmp_path: Path, damage: object, said: str) -> None:
    async def run() -> None:
        async with archive_place() as place:
            assert callable(damage)
            name = "BTCUSDT-1h-2024-12.zip"
            place.files[name] = damage(place.files[name])
            problems = {each.month: each.problem for each in await download(tmp_path, place)}
            assert said in problems["2024-12"]
            assert not problems["2025-01"]

    asyncio.run(run())


def test_a_server_that_does_not_come_back_ends_it_and_nothing_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            await download(tmp_path, place, (MONTHS[0], parse_time("2025-01-01")))
            place.faults["BTCUSDT-1h-2025-01.zip"] = [status(500)] * 4
            with pytest.raises(HistoryError, match=r"2025-01\.zip: not got in 4 tries \(HTTP 500\)"):
                await download(tmp_path, place)
            assert len(kept(tmp_path)) == 744
            await download(tmp_path, place)

    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)


@pytest.mark.parametrize(
    ("code", "headers", "said"),
    [
        (451, {}, "does not serve this address or country"),
        (403, {}, "data import"),
        (400, {}, "check the address"),
        (418, {"Retry_After": "90000"}, "lets nobody in for 90000 s"),
    ],
)
def test_a_refusal_that_trying_again_makes_no_better(
    tmp_path: Path, code: int, headers: dict[str, str], said: str
) -> None:
    async def run() -> None:
        async with archive_place() as place:
            place.faults["BTCUSDT-1h-2024-12.zip.CHECKSUM"] = [status(code, **headers)]
            with pytest.raises(HistoryError, match=said):
                await download(tmp_path, place)

    asyncio.run(run())


def test_months_before_the_listing_are_noted_and_not_asked_for_again(tmp_path: Path) -> None:
    span = parse_time("2024-09-01"), MONTHS[1]

    async def run() -> None:
        async with archive_place() as place:
            await download(tmp_path, place, span)
            before = place.asked.copy()
            assert before["BTCUSDT-1h-2024-10.zip.CHECKSUM"] == 1
            assert "BTCUSDT-1h-2024-10.zip" not in before
            assert await download(tmp_path, place, span) == []
            assert place.asked == before

    asyncio.run(run())
    (found,) = held(tmp_path)
    assert sorted(found.absent) == [f"BTCUSDT-1h-2024-{month}.zip" for month in ("09", "10", "11")]
    assert rows(kept(tmp_path)) == rows(BOTH)


def test_a_file_that_is_missing_after_the_listing_is_made_up_for_over_rest(tmp_path: Path) -> None:
    """The archive has 2024-12 and no 2025-01: that is no sign of a listing, so REST is asked."""

    async def run() -> None:
        async with archive_place() as place, market_place([HOURS["2025-01"]], start=None) as exchange:
            exchange.pass_time(40 * DAY)
            del place.files["BTCUSDT-1h-2025-01.zip"]
            span = parse_time("2024-11-01"), MONTHS[1]
            await download(tmp_path, place, span, rest=f"http://{exchange.host}")
            assert await download(tmp_path, place, span) == []

    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)
    months = Series(tmp_path, "BTCUSDT", "1h").manifest.months
    assert [(source.kind, source.absent) for name in sorted(months) for source in months[name].sources] == [
        ("archive", True),
        ("archive", False),
        ("rest", False),
    ]


def test_a_symbol_that_there_is_not_leaves_nothing_behind(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            await download(tmp_path, place, MONTHS, "1h", "NOSUCHCOIN")

    asyncio.run(run())
    assert held(tmp_path) == []
    assert not list(tmp_path.rglob("*.json"))


def test_the_newest_days_come_over_rest(tmp_path: Path) -> None:
    """It is 2025-01-20 05:30: the month has no file yet, the day before has none yet, today never has one."""
    tape = tmp_path / "tape"
    tape.mkdir()
    name = "BTCUSDT-1h-2025-01.csv.gz"
    (tape / name).write_bytes(HOURS["2025-01"].read_bytes())
    now = parse_time("2025-01-20T05:30:00Z")

    async def run() -> None:
        async with archive_place() as archive, market_place([tape], start=None) as exchange:
            exchange.pass_time(now - exchange.exchange.clock.now())
            rest = f"http://{exchange.host}"
            del archive.files["BTCUSDT-1h-2025-01.zip"]
            for day in range(1, 19):
                archive.files[f"BTCUSDT-1h-2025-01-{day:02}.zip"] = hours_of(f"2025-01-{day:02}")
            root = tmp_path / "catalog"
            await download(root, archive, (MONTHS[0], now - now % HOUR + HOUR), rest=rest, now=now)
            assert rows(kept(root)) == [each for each in rows(BOTH) if each.at <= now]
            # a day later: the 19th has its file now, and is not asked for again
            exchange.pass_time(DAY)
            later = now + DAY
            archive.files["BTCUSDT-1h-2025-01-19.zip"] = hours_of("2025-01-19")
            await download(root, archive, (MONTHS[0], later - later % HOUR + HOUR), rest=rest, now=later)
            assert "BTCUSDT-1h-2025-01-19.zip" not in archive.asked
            assert rows(kept(root)) == [each for each in rows(BOTH) if each.at <= later]

    asyncio.run(run())
    sources = Series(tmp_path / "catalog", "BTCUSDT", "1h").manifest.months["2025-01"].sources
    assert [source.kind for source in sources] == ["archive"] * 18 + ["rest", "rest"]
    assert [(source.start, source.end) for source in sources[-2:]] == [
        ("2025-01-19T00:00:00Z", "2025-01-20T05:00:00Z"),
        ("2025-01-20T05:00:00Z", "2025-01-21T05:00:00Z"),
    ]


def test_rest_alone_pages_through_all_and_bears_faults(tmp_path: Path) -> None:
    """1,440 minutes need two questions; a server's error and a limit stand in their way."""
    tape = SAMPLES / "BTCUSDT-1m-2023-03-24.zip"
    day = parse_time("2023-03-24")

    async def run() -> None:
        async with market_place([tape], start=None) as exchange:
            exchange.pass_time(DAY + HOUR)
            for fault in (
                Fault(kind="refusal", where="GET /api/v3/klines", status=503),
                Fault(kind="refusal", where="GET /api/v3/klines", nth=2, status=429, code=-1003, retry_after=1),
                Fault(kind="body", where="GET /api/v3/klines", nth=3),
                Fault(kind="cut", where="GET /api/v3/time", nth=5),
            ):
                exchange.exchange.agenda.add(fault)
            done: list[Done] = []
            with writing_into(tmp_path):
                wanted = Wanted(("BTCUSDT",), "1m", (day, day + DAY), "", f"http://{exchange.host}")
                await Download(tmp_path, wanted, done.append, QUICK).run()

    asyncio.run(run())
    assert rows(kept(tmp_path, timeframe="1m")) == rows(read_tape([tape])["BTCUSDT"])


def test_an_unknown_symbol_does_not_keep_the_others_back(tmp_path: Path) -> None:
    async def run() -> dict[str, Done]:
        async with market_place([HOURS["2025-01"]], start=None) as exchange:
            exchange.pass_time(2 * DAY)
            span = MONTHS[1] - 31 * DAY, MONTHS[1] - 30 * DAY
            done: list[Done] = []
            with writing_into(tmp_path):
                wanted = Wanted(("NOSUCHCOIN", "BTCUSDT"), "1h", span, "", f"http://{exchange.host}")
                await Download(tmp_path, wanted, done.append, QUICK).run()
            return {each.symbol: each for each in done}

    done = asyncio.run(run())
    assert "klines of NOSUCHCOIN: refused: Invalid symbol." in done["NOSUCHCOIN"].problem
    assert done["BTCUSDT"].rows == 24


def test_an_exchange_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            with pytest.raises(HistoryError, match=r"127\.0\.0\.1:9: the exchange does not tell its time"):
                await download(tmp_path, place, (NOW - DAY, NOW))

    asyncio.run(run())


def test_candles_that_contradict_the_catalog_are_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            await download(tmp_path, place)

    asyncio.run(run())
    path = tmp_path / "BTCUSDT" / "1h" / "BTCUSDT-1h-2025-01.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    (report,) = check_all([tmp_path], NOW)
    assert "is not the file that the manifest tells of" in report.error
    path.unlink()
    (report,) = check_all([tmp_path], NOW)
    assert "is not there" in report.error
    asyncio.run(run())
    assert rows(kept(tmp_path)) == rows(BOTH)


def test_a_gap_in_a_file_of_one_s_own_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1h-mine.csv"
    lines = hours("2024-12")
    path.write_bytes(b"".join(lines[:100] + lines[200:]))
    root = tmp_path / "catalog"
    with writing_into(root):
        assert [each.new for each in import_files(root, files_to_import([path], None, None), NOW)] == [644]

    async def run() -> None:
        async with archive_place() as place:
            done = {each.month: each for each in await download(root, place)}
            assert (done["2024-12"].rows, done["2024-12"].problem) == (100, "")
            # and where the file said something else, that is told, and nothing is changed
            path.write_bytes(lines[0].replace(b"96407.99", b"96407.98"))
            other = tmp_path / "other"
            with writing_into(other):
                list(import_files(other, files_to_import([path], None, None), NOW))
            done = {each.month: each for each in await download(other, place)}
            assert "the candle of 2024-12-01T00:00:00Z has another open than in" in done["2024-12"].problem
            assert len(kept(other)) == 1 + 744

    asyncio.run(run())
    assert rows(kept(root)) == rows(BOTH)


def test_a_zip_is_read_from_memory_like_from_a_file() -> None:
    path = SAMPLES / "BTCUSDT-1h-2023-03-24.zip"
    reading = parse_packed(path.read_bytes(), TapeFile(path, "BTCUSDT", "1h", "zip"))
    assert len(reading.candles) == len(read_tape([path], timeframe="1h")["BTCUSDT"])


def test_a_manifest_is_for_people(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            await download(tmp_path, place, (MONTHS[0], parse_time("2025-01-01")))

    asyncio.run(run())
    text = (tmp_path / "BTCUSDT" / "1h" / "manifest.json").read_bytes()
    told = msgspec.json.decode(text)
    assert list(told) == ["symbol", "timeframe", "catalog", "months"]
    assert text.count(b"\n") > 10
