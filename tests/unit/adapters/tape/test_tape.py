import gzip
from decimal import Decimal
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.tape import Tape, TapeError, read_tape, write_candles
from roottrading.adapters.tape.csv_text import parse_csv
from roottrading.domain.time import MINUTE, parse_time
from tests.recorded import SAMPLES, shared_data
from tests.unit.adapters.tape.files import HEADER, START, by_hand, line, rows, write, zipped

SAMPLE_FILES = sorted(SAMPLES.iterdir())


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=[path.name for path in SAMPLE_FILES])
def test_archive_files_are_read_to_the_digit(path: Path) -> None:
    (candles,) = read_tape([path], timeframe=None).values()
    assert rows(candles) == by_hand(path)


def test_all_forms_say_the_same(tmp_path: Path) -> None:
    sample = SAMPLES / "BTCUSDT-1m-2023-03-24.zip"
    tape = read_tape([sample])
    for name in ("csv", "csv.gz", "parquet"):
        path = tmp_path / name / f"BTCUSDT-1m-copy.{name}"
        write_candles(tape["BTCUSDT"], path)
        assert read_tape([path]).digest == tape.digest
    assert read_tape([tmp_path, sample]).digest == tape.digest


def test_written_files_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    tape = read_tape([SAMPLES], ["BTCUSDT"])
    for name in ("one.csv.gz", "two.csv.gz"):
        write_candles(tape["BTCUSDT"], tmp_path / name)
    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.csv.gz").read_bytes()).startswith(
        b"open_time,open,high,low,close,volume\n1679616000000,28295.42,28305.41,28292.24,28302.33,90.28077\n"
    )


@pytest.mark.parametrize("decimals", ["10.50000000,12.00000000,9.00000000,11.00000000,5.00000000", "10.5,12,9,11.0,5."])
def test_decimals_may_be_as_many_as_they_like(tmp_path: Path, decimals: str) -> None:
    tape = read_tape([write(tmp_path, line(0, decimals) + line(1))])
    candle = rows(tape["BTCUSDT"])[0]
    assert list(map(str, (candle.open, candle.high, candle.volume))) == ["10.50000000", "12.00000000", "5.00000000"]


def test_a_header_says_where_the_columns_are(tmp_path: Path) -> None:
    text = 'volume,Close,low,high,"open",open_time,more\r\n5,11,9,12,10,1704067200000,x\r\n'
    (candle,) = rows(read_tape([write(tmp_path, "\ufeff" + text)])["BTCUSDT"])
    assert candle == by_hand(write(tmp_path, line(0), "BTCUSDT-1m-plain.csv"))[0]


def test_odd_numbers_are_read_carefully_and_in_their_place(tmp_path: Path) -> None:
    text = "".join(line(minute) for minute in range(3)) + line(3, "1e1,1.2E1,9,11,5") + line(4, "10, 12 ,9,11,5")
    tape = read_tape([write(tmp_path, text)])
    assert {(c.open, c.high) for c in rows(tape["BTCUSDT"])} == {(Decimal(10), Decimal(12))}
    assert len(tape["BTCUSDT"]) == 5


def test_volumes_beyond_64_bits_stay_exact(tmp_path: Path) -> None:
    big = write(tmp_path, line(0, "1,1,1,1,435668784134.0") + line(1, "1,1,1,1,7.25"), "SHIBUSDT-1m-a.csv")
    small = write(tmp_path, line(2, "1,1,1,1,0.5"), "SHIBUSDT-1m-b.csv")
    tape = read_tape([big, small])
    assert [str(candle.volume.normalize()) for candle in rows(tape["SHIBUSDT"])] == ["435668784134", "7.25", "0.5"]
    write_candles(tape["SHIBUSDT"], tmp_path / "copy" / "SHIBUSDT-1m.parquet")
    assert read_tape([tmp_path / "copy"]).digest == tape.digest


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40, unique=True), st.data())
def test_a_tape_does_not_depend_on_how_its_files_are_cut(minutes: list[int], data: st.DataObject) -> None:
    ordered = sorted(minutes)

    def parsed(chosen: list[int]) -> Tape:
        text = "".join(line(minute, f"{minute + 2},{minute + 3},1,2,{minute}") for minute in chosen)
        return Tape({"X": parse_csv(text.encode(), Path("X"), "X", "1m").candles}, "1m")

    cut = data.draw(st.integers(1, len(ordered)))
    whole, part = parsed(ordered), parsed(ordered[:cut])
    assert (whole.digest == part.digest) == (cut == len(ordered))
    end = (START + (ordered[cut - 1] + 1) * 60_000) * 1000
    assert whole.between(None, end).digest == part.digest


def test_files_of_one_symbol_are_joined_and_repeated_rows_count_once(tmp_path: Path) -> None:
    write(tmp_path, line(3) + line(4), "BTCUSDT-1m-b.csv")
    folder = tmp_path / "deeper"
    folder.mkdir()
    write(folder, HEADER + line(0) + line(3) + line(3), "BTCUSDT-1m-a.csv")
    write(folder, "nothing of ours", "notes.txt")
    zipped(folder / "ETHUSDT-1m-x.zip", "ETHUSDT-1m-x.csv", text=line(9))
    tape = read_tape([tmp_path])
    assert list(tape) == ["BTCUSDT", "ETHUSDT"]
    assert [candle.open_time // MINUTE - START // 60_000 for candle in rows(tape["BTCUSDT"])] == [0, 3, 4]
    assert tape.span == (START * 1000, START * 1000 + 10 * MINUTE)
    assert [len(candles) for candles in tape.values()] == [3, 1]
    assert list(read_tape([tmp_path], ["ETHUSDT"])) == ["ETHUSDT"]


def test_the_finest_timeframe_is_taken_where_none_is_named(tmp_path: Path) -> None:
    write(tmp_path, line(0), "BTCUSDT-1h.csv")
    write(tmp_path, line(0), "BTCUSDT-15m.csv")
    assert read_tape([tmp_path], timeframe=None).timeframe == "15m"
    with pytest.raises(TapeError, match=r"no candles of 1m; there are 15m, 1h$"):
        read_tape([tmp_path])


def test_the_finest_timeframe_is_one_that_all_wanted_symbols_have(tmp_path: Path) -> None:
    write(tmp_path, HEADER + line(0) + line(1), "BTCUSDT-1m-a.csv")
    write(tmp_path, HEADER + line(0), "BTCUSDT-1h-a.csv")
    write(tmp_path, HEADER + line(0), "ETHUSDT-1h-a.csv")
    assert read_tape([tmp_path], ["BTCUSDT"], None).timeframe == "1m"
    assert list(read_tape([tmp_path], ["BTCUSDT", "ETHUSDT"], None)) == ["BTCUSDT", "ETHUSDT"]
    with pytest.raises(TapeError, match="no 1m candles of 'LTCUSDT'"):
        read_tape([tmp_path], ["LTCUSDT"], None)


def test_between_keeps_whole_candles_only() -> None:
    tape = read_tape([SAMPLES], ["BTCUSDT"])
    start, end = parse_time("2023-03-24T12:30:00Z"), parse_time("2023-03-24T14:02:30Z")
    times = [candle.open_time for candle in rows(tape.between(start, end)["BTCUSDT"])]
    assert times == [start + minute * MINUTE for minute in (*range(10), 90, 91)]
    with pytest.raises(TapeError, match=r"no candles from 2024-01-01T00:00:00Z .* the tape goes from 2023-03-24"):
        tape.between(parse_time("2024-01-01"), None)


@pytest.mark.parametrize("kind", ["decimal", "float", "microseconds", "datetime", "integer"])
def test_parquet_is_read_to_the_digit_whatever_its_types(tmp_path: Path, kind: str) -> None:
    expected = by_hand(SAMPLES / "BTCUSDT-1m-2023-03-24.zip")
    times = [candle.open_time // 1000 for candle in expected]
    table = {"open_time": polars.Series(times, dtype=polars.Int64)}
    for name in ("open", "high", "low", "close", "volume"):
        values = [getattr(candle, name) for candle in expected]
        table[name] = polars.Series([str(value) for value in values]).cast(polars.Decimal(20, 8))
        if kind == "float":
            table[name] = polars.Series([float(value) for value in values])
        elif kind == "integer" and name == "volume":
            table[name] = polars.Series([int(value) for value in values])
    if kind == "microseconds":
        table["open_time"] = table["open_time"] * 1000
    elif kind == "datetime":
        table["open_time"] = table["open_time"].cast(polars.Datetime("ms", "UTC"))
    path = tmp_path / "BTCUSDT-1m.parquet"
    polars.DataFrame(table).write_parquet(path)
    found = rows(read_tape([path])["BTCUSDT"])
    if kind == "integer":
        assert [candle.volume for candle in found] == [int(candle.volume) for candle in expected]
    else:
        assert found == expected


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["SHIBUSDT-1m-2021-11-06_2021-12-06", "BTTUSDT-1m-2021-04-02_2021-05-14"])
def test_recorded_parquet_is_read_to_the_digit(name: str) -> None:
    path = shared_data("klines", "1m", f"{name}.parquet")
    (candles,) = read_tape([path]).values()
    table = polars.read_parquet(path)
    found = rows(candles)
    assert [candle.open_time for candle in found] == [time * 1000 for time in table["open_time"].to_list()]
    for column in ("open", "high", "low", "close", "volume"):
        assert [getattr(candle, column) for candle in found] == table[column].to_list()
