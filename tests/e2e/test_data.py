"""`roottrading data`: downloads that are killed go on; imports, lists, checks, recordings, as a person types them."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from roottrading.adapters.tape import read_tape
from roottrading.domain.time import parse_time
from roottrading.history.looking import check_all
from tests.e2e.conftest import Runner
from tests.integration.exchange_server.market_place import FEED
from tests.integration.history.archive_place import HOURS, ArchivePlace, archive_place, hours, zipped
from tests.recorded import SAMPLES
from tests.unit.adapters.tape.files import rows

SYMBOLS = ("AAAUSDT", "BBBUSDT", "BTCUSDT", "CCCUSDT")
MONTHS = ("--from", "2024-11-01", "--to", "2025-02-01", "--timeframe", "1h")
KILLS = 5
NOBODY = "http://127.0.0.1:9"


def line(catalog: Path, place: ArchivePlace, symbols: str) -> list[str]:
    where = ["--set", f"binance.archive={place.url}", "--set", f"binance.public_rest={NOBODY}"]
    command = [sys.executable, "-m", "roottrading", "data", "download", "--symbols", symbols, *MONTHS]
    return [*command, *where, "--catalog", str(catalog)]


async def typed(arguments: list[str], doomed: Callable[[], bool] = lambda: False) -> tuple[int, str, str]:
    """Run a command; kill -9 as soon as it is doomed."""
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    ending = asyncio.create_task(process.communicate())
    async with asyncio.timeout(120):
        while not ending.done() and not doomed():
            await asyncio.wait([ending], timeout=0.003)
        if process.returncode is None and not ending.done():
            with suppress(ProcessLookupError):  # not by the process object: it would wait for it, and so does the loop
                os.kill(process.pid, signal.SIGKILL)
        out, errors = await ending
    return process.returncode or 0, out.decode(), errors.decode()


def test_a_download_killed_at_any_moment_goes_on(tmp_path: Path) -> None:
    chance = random.Random(20241122)
    now = parse_time("2026-11-22")

    async def run() -> ArchivePlace:
        async with archive_place() as place:
            place.delay = 0.02
            for symbol in SYMBOLS:
                for month in HOURS:
                    name = f"{symbol}-1h-{month}.zip"
                    place.files[name] = zipped(name, b"".join(hours(month)))
            command = line(tmp_path, place, ",".join(SYMBOLS))
            for _ in range(KILLS):
                last = place.asked.total() + chance.randint(1, 9)
                after = time.monotonic() + 3600

                def doomed(last: int = last, pause: float = chance.random() * 0.05) -> bool:
                    nonlocal after
                    if place.asked.total() >= last:
                        after = min(after, time.monotonic() + pause)
                    return time.monotonic() >= after

                code, _, errors = await typed(command, doomed)
                assert code in {0, -signal.SIGKILL}, errors
                if list(tmp_path.rglob("manifest.json")):
                    reports = check_all([tmp_path], now)
                    assert all(report.sound or "cut short" in report.error for report in reports)
            code, out, errors = await typed(command)
            assert (code, errors) == (0, "")
            assert out.count("1,488 in") == len(SYMBOLS)
            return place

    place = asyncio.run(run())
    original = rows(read_tape(list(HOURS.values()), timeframe="1h")["BTCUSDT"])
    tape = read_tape([tmp_path], None, None)
    assert list(tape) == list(SYMBOLS)
    for candles in tape.values():
        assert [each.close for each in rows(candles)] == [each.close for each in original]
    assert rows(tape["BTCUSDT"]) == original
    assert [report.sound for report in check_all([tmp_path], now)] == [True] * len(SYMBOLS)
    assert not list(tmp_path.rglob(".new-*"))
    # what was kept was not fetched again: each kill costs the four months at hand at most
    assert place.asked.total() < 2 * 3 * len(SYMBOLS) + 2 * 4 * (KILLS + 1)


def test_an_interrupted_download_says_that_it_goes_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with archive_place() as place:
            place.delay = 0.3
            process = await asyncio.create_subprocess_exec(
                *line(tmp_path, place, "BTCUSDT"),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                preexec_fn=lambda: signal.signal(
                    signal.SIGINT, signal.default_int_handler
                ),  # a suite in the background
            )
            async with asyncio.timeout(60):
                while not place.asked:
                    await asyncio.sleep(0.01)
                process.send_signal(signal.SIGINT)
                out, errors = await process.communicate()
            assert (process.returncode, out) == (130, b"")
            assert errors.startswith(b"interrupted: what was fetched is in ")

    asyncio.run(run())


def test_what_is_downloaded_is_what_a_run_is_played_on(roottrading: Runner, tmp_path: Path) -> None:
    async def run() -> tuple[int, str, str]:
        async with archive_place() as place:
            return await typed(line(tmp_path / "catalog", place, "BTCUSDT,NOSUCHCOIN"))

    code, out, errors = asyncio.run(run())
    assert code == 1
    assert "BTCUSDT 2024-12: 744 new candles" in out
    assert "the archive has no file for 1 months or days" in out
    assert errors == "error: no candles of NOSUCHCOIN: check the symbols and the dates\n"
    shown = roottrading("data", "list")
    assert [text.split() for text in shown.out.splitlines()] == [
        ["symbol", "timeframe", "from", "to", "candles", "gaps", "missing", "MB"],
        ["BTCUSDT", "1h", "2024-12-01T00:00:00Z", "2025-02-01T00:00:00Z", "1,488", "0", "0", "0.0"],
    ]
    checked = roottrading("data", "check", "catalog")
    assert (checked.code, checked.out.splitlines()[-1]) == (0, "1 files, all sound")
    arguments = ("--timeframe", "4h", "--strategies", "ema_cross", "--no-ledger", "--output")
    kept = roottrading("backtest", "--tape", "catalog", "--symbols", "BTCUSDT", *arguments, "kept")
    assert kept.code == 0, kept.err
    files = [text for path in HOURS.values() for text in ("--tape", str(path))]
    assert roottrading("backtest", *files, *arguments, "original").code == 0
    for name in ("orders.csv", "fills.csv", "cycles.csv"):
        if (Path("original") / name).exists():
            assert (Path("kept") / name).read_bytes() == (Path("original") / name).read_bytes()
    assert (Path("kept") / "fills.csv").exists()


def test_files_of_one_s_own(roottrading: Runner) -> None:
    path = SAMPLES / "BTCUSDT-1h-2023-03-24.zip"
    done = roottrading("data", "import", str(path), "--catalog", "mine")
    assert (done.code, done.out) == (0, f"{path}: BTCUSDT 1h, 23 candles, 23 of them new\n")
    wrong = Path("BTCUSDT-1h-x.csv")
    wrong.write_text("1704067200000,10,9,11,10,1\n")
    refused = roottrading("data", "import", str(wrong), "--catalog", "mine")
    assert refused.code == 1
    assert refused.err.startswith(
        "error: BTCUSDT-1h-x.csv, line 1, column high: candle of 2024-01-01T00:00:00Z has '9'"
    )
    assert roottrading("data", "check", "mine").code == 0
    (Path("mine") / "BTCUSDT" / "1h" / "BTCUSDT-1h-2023-03.parquet").unlink()
    lacking = roottrading("data", "check", "mine")
    assert lacking.code == 1
    assert "is not there: fetch or import it again" in lacking.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("list", "nowhere"), 1, "error: nowhere: no catalog here"),
        (
            ("download", "--symbols", "BTC-USDT", "--from", "2024-01-01"),
            2,
            "error: --symbols BTC-USDT: 'BTC-USDT' is no",
        ),
        (("download", "--symbols", ",", "--from", "2024-01-01"), 2, "error: --symbols: name at least one"),
        (("download", "--symbols", "BTCUSDT", "--from", "soon"), 2, "error: --from soon: write a date"),
        (("download", "--symbols", "BTCUSDT", "--from", "2010-01-01"), 1, "Binance began in July 2017"),
        (("download", "--symbols", "BTCUSDT", "--from", "2222-01-01"), 1, "error: nothing to download"),
        (
            ("download", "--symbols", "BTCUSDT", "--from", "2024-01-01", "--market", "here"),
            2,
            "error: --market here: write binance, or an address",
        ),
        (("record", "--symbols", "BTCUSDT", "--output", "x.gz", "--for", "long"), 2, "error: --for long: write a time"),
        (("record", "--symbols", "BTCUSDT", "--output", "."), 1, "error: .: cannot be written"),
        (("import", "absent.csv"), 1, "absent.csv: does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(roottrading: Runner, arguments: tuple[str, ...], code: int, said: str) -> None:
    printed = roottrading("data", *arguments)
    assert (printed.code, said in printed.err, printed.err.count("\n")) == (code, True, 1), printed.err
    assert not list(Path().rglob("*.json"))


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        (("download", "--symbols", "BTCUSDT", "--from", "2024-01-01"), "aiohttp", "binance"),
        (("download", "--symbols", "BTCUSDT", "--from", "2024-01-01"), "polars", "parquet"),
        (("record", "--symbols", "BTCUSDT", "--output", "x.gz"), "aiohttp", "binance"),
        (("import", "x.csv"), "polars", "parquet"),
    ],
)
def test_a_package_that_is_missing_is_named(
    roottrading: Runner, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as where it is not installed
    printed = roottrading("data", *command)
    assert printed.code == 2
    assert f"pip install 'roottrading[{extra}]'" in printed.err


@contextmanager
def exchange(*arguments: str) -> Iterator[str]:
    """Serve an exchange as its own process; yield its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "roottrading", "exchange", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[2]
    finally:
        process.kill()
        process.communicate()


def test_a_recording_is_a_tape_for_the_exchange(tmp_path: Path) -> None:
    """Ctrl-C ends it well; the file that it leaves is served like the one that it was recorded from."""
    path = tmp_path / "market.gz"
    begin = ["--symbols", "BTCUSDT", "--output", str(path), "--market"]
    with exchange("--tape", str(FEED), "--symbols", "BTCUSDT", "--clock", "5x") as address:
        recording = subprocess.Popen(
            [sys.executable, "-m", "roottrading", "data", "record", *begin, address], stdout=subprocess.PIPE, text=True
        )
        assert recording.stdout is not None
        assert recording.stdout.readline() == "recording\n"
        with pytest.raises(subprocess.TimeoutExpired):
            recording.wait(3)
        recording.send_signal(signal.SIGINT)
        out, _ = recording.communicate(timeout=20)
        assert recording.returncode == 0
        assert " depth@100ms" in out
    with exchange("--tape", str(path), "--symbols", "BTCUSDT", "--clock", "5x") as address:
        assert address.startswith("http://127.0.0.1:")
