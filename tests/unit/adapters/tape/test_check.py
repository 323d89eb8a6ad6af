from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roottrading.adapters.tape import TapeError, check_candles, check_files, fold_files, read_tape, shipped_tape
from roottrading.domain.columns import Candles
from roottrading.domain.time import DAY, HOUR, MINUTE, iso, parse_time
from tests.recorded import SAMPLES
from tests.unit.adapters.tape.files import HEADER, line, rows, write


def every_fifteenth(candles: Candles, timeframe: str) -> Candles:
    """Stands in for the gateway's fold, which adapters do not know: the last row of every quarter of an hour."""
    assert timeframe == "15m"
    kept = np.flatnonzero(candles.open_time % (15 * MINUTE) == 14 * MINUTE)
    columns = (getattr(candles, name)[kept] for name in ("open", "high", "low", "close", "volume"))
    opened, high, low, close, volume = columns
    times = candles.open_time[kept] - 14 * MINUTE
    return Candles(candles.symbol, timeframe, times, opened, high, low, close, volume, candles.volume_digits)


def test_the_halt_and_the_silent_minutes_of_march_2023_are_found() -> None:
    (report,) = check_files([SAMPLES / "BTCUSDT-1m-2023-03-24.zip"])
    assert report.sound
    assert (report.rows, report.duplicates, report.conflicts) == (1360, 0, 0)
    assert [(iso(gap.start), iso(gap.end), gap.missing) for gap in report.gaps] == [
        ("2023-03-24T12:40:00Z", "2023-03-24T14:00:00Z", 80)
    ]
    assert report.silent == sum(not c.volume for c in rows(read_tape([SAMPLES], ["BTCUSDT"])["BTCUSDT"]))
    text = report.describe()
    assert "BTCUSDT-1m-2023-03-24.zip: sound" in text
    assert "gap: 80 candles from 2023-03-24T12:40:00Z until 2023-03-24T14:00:00Z" in text


def test_what_is_wrong_is_counted_by_kind_and_the_first_named(tmp_path: Path) -> None:
    rows_ = [
        line(0),
        line(0),
        line(3),
        line(2),
        line(3, "10,12,9,11,6"),
        line(5, "10,8,9,8,-5"),
        line(6, "10,8,9,8,-6"),
    ]
    write(tmp_path, HEADER + "".join(rows_), "BTCUSDT-1m-a.csv")
    write(tmp_path, "nonsense", "ETHUSDT-1m-b.csv")
    wrong, unreadable = check_files([tmp_path])
    assert not wrong.sound
    assert (wrong.rows, wrong.duplicates, wrong.conflicts, wrong.silent) == (7, 1, 1, 0)
    assert [gap.missing for gap in wrong.gaps] == [1, 1]
    assert [(problem.column, problem.row, problem.count) for problem in wrong.problems] == [
        ("open_time", 3, 1),
        ("high", 5, 2),
        ("volume", 5, 2),
    ]
    assert "2 wrong, the first in row 6: volume: candle of 2024-01-01T00:05:00Z has -5 (allowed: 0 or more)" in (
        wrong.describe()
    )
    assert not unreadable.sound
    assert "ETHUSDT-1m-b.csv, line 1: neither a candle nor a header" in unreadable.describe()


def test_candles_of_the_future_are_a_problem() -> None:
    candles = read_tape([SAMPLES], ["BTCUSDT"])["BTCUSDT"]
    assert check_candles(candles, now=int(candles.open_time[-1])).sound
    late = check_candles(candles, now=int(candles.open_time[-1]) - MINUTE)
    assert [(problem.column, problem.count) for problem in late.problems] == [("open_time", 1)]


def test_no_candles_are_not_sound() -> None:
    empty = read_tape([SAMPLES], ["BTCUSDT"])["BTCUSDT"].slice(0, 0)
    assert not check_candles(empty).sound


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_folded_files_are_named_by_their_span_and_read_again(tmp_path: Path, form: str) -> None:
    (path,) = fold_files([SAMPLES], "15m", tmp_path, every_fifteenth, form)
    assert path.name == f"BTCUSDT-15m-2023-03-24_2023-03-24.{form}"
    expected = every_fifteenth(read_tape([SAMPLES])["BTCUSDT"], "15m")
    assert rows(read_tape([tmp_path], timeframe="15m")["BTCUSDT"]) == rows(expected)


def refused(candles: Candles, timeframe: str) -> Candles:
    raise ValueError(f"{timeframe} is no multiple")


def nothing(candles: Candles, timeframe: str) -> Candles:
    return candles.slice(0, 0)


@pytest.mark.parametrize(
    ("fold", "said"),
    [(refused, "BTCUSDT: 7m is no multiple"), (nothing, "BTCUSDT: no whole 7m candle from 2023-03-24")],
)
def test_what_cannot_be_folded_is_named(tmp_path: Path, fold: Callable[[Candles, str], Candles], said: str) -> None:
    with pytest.raises(TapeError, match=said):
        fold_files([SAMPLES], "7m", tmp_path, fold)
    assert not list(tmp_path.iterdir())


def test_the_shipped_tape_is_sound_and_holds_the_crash_and_the_halts() -> None:
    paths = shipped_tape()
    assert sum(path.stat().st_size for path in paths) < 3_000_000
    tape = read_tape(paths)
    assert list(tape) == ["BNBUSDT", "DOGEUSDT", "LINKUSDT", "LTCUSDT", "XRPUSDT"]
    start = parse_time("2021-04-10")
    assert tape.span == (start, start + 17 * DAY)
    crash = parse_time("2021-04-18T02:39:00Z")
    for report, candles in zip(check_files(paths), tape.values(), strict=True):
        assert report.sound
        assert [iso(gap.end) for gap in report.gaps] == ["2021-04-20T04:30:00Z", "2021-04-25T08:45:00Z"]
        assert [gap.missing for gap in report.gaps] in ([150, 284], [150, 283])
        assert report.rows == 17 * 1440 - sum(gap.missing for gap in report.gaps)
        first, last = np.searchsorted(candles.open_time, [crash, crash + HOUR])
        assert candles.low[first:last].min() < candles.open[first] * 0.85
