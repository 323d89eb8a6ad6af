import gzip
import sys
from pathlib import Path

import polars
import pytest

from roottrading.adapters.tape import TapeError, read_tape, write_candles
from roottrading.domain.time import parse_time
from tests.recorded import SAMPLES
from tests.unit.adapters.tape.files import HEADER, START, line, write, zipped

GOOD = line(0) + line(1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + line(2, "10,abc,9,11,5"), r"line 3, column high: not a number: 'abc' \(allowed: decimals"),
        (HEADER + GOOD + line(2, "10,12,9,NaN,5"), r"line 4, column close: not a number: 'NaN'"),
        (GOOD + line(2, "10,12,9,11,inf"), "line 3, column volume: not a number: 'inf'"),
        (GOOD + line(2, "10,12,9,,5"), "line 3, column close: not a number: ''"),
        (GOOD + line(2, "10,12,9,11.123456789,5"), "line 3, column close: more than 8 digits after the point"),
        (GOOD + line(2, "10,12,9,11,-5"), r"line 3, column volume: .* '-5' \(allowed: 0 or more\)"),
        (GOOD + line(2, "10,8,9,8.5,5"), r"line 3, column high: .* '8' \(allowed: at least the low\)"),
        (GOOD + line(2, "13,12,9,11,5"), r"line 3, column open: .* '13' \(allowed: between low and high\)"),
        (GOOD + line(2, "10,12,9,8,5"), r"line 3, column close: .* '8' \(allowed: between low and high\)"),
        (GOOD + line(2, "10,12,0,11,5"), r"line 3, column low: .* '0' \(allowed: above 0\)"),
        (
            GOOD + line(0, "10,12,9,11,4") + line(2),
            r"line 3, column open_time: time runs backwards at '2024-01-01T00:00",
        ),
        (
            GOOD + line(1, "10,12,9,11,4"),
            "line 3: the candle of 2024-01-01T00:01:00Z has another volume than in .*line 2",
        ),
        (GOOD + f"{START + 61_000},10,12,9,11,5\n", r"line 3, column open_time: not aligned: '2024-01-01T00:01:01Z'"),
        (GOOD + "1704067,10,12,9,11,5\n", "line 3, column open_time: no time: '1704067'"),
        (GOOD + f"{START}.5,10,12,9,11,5\n", "line 3, column open_time: has a fraction"),
        (GOOD + f"{START},10,12", "line 3: 3 columns instead of 6"),
        (GOOD + "\n" + line(2), "line 3: 1 columns instead of 6"),
        (GOOD + line(2, "10,12,9,11,5,6"), "line 3: 7 columns instead of 6"),
        (GOOD + line(2, "92233720369,92233720369,9,11,5"), "line 3, column open: price too large"),
        (GOOD + line(2, "10,12,9,11,1e18"), "line 3, column volume: too large"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER, "has a header and no candle"),
        ("time,open,high\n" + GOOD, "line 1: neither a candle nor a header with open_time, low, close, volume"),
        (f"{START},10,12\n", "line 1: 3 columns"),
    ],
)
def test_bad_text_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(TapeError, match=said) as error:
        read_tape([path])
    assert str(path) in str(error.value)


def test_a_bad_row_is_named_by_its_line_however_far_down(tmp_path: Path) -> None:
    lines = [line(minute) for minute in range(90_000)]
    lines[77_777] = line(77_777, "10,12,9,x,5")
    with pytest.raises(TapeError, match="line 77778, column close: not a number: 'x'"):
        read_tape([write(tmp_path, "".join(lines))])


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = (SAMPLES / "BTCUSDT-1m-2023-03-24.zip").read_bytes()
    flipped = bytearray(whole)
    flipped[2000] ^= 255
    for name, data in {
        "BTCUSDT-1m-cut.zip": whole[:3000],
        "BTCUSDT-1m-flipped.zip": bytes(flipped),
        "BTCUSDT-1m-empty.zip": b"",
        "BTCUSDT-1m-cut.csv.gz": gzip.compress(GOOD.encode())[:-12],
        "BTCUSDT-1m-no.csv.gz": GOOD.encode(),
        "BTCUSDT-1m-no.parquet": b"PAR1 and then nothing",
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(TapeError, match=f"{name}: cut or "):
            read_tape([path])


def test_a_cut_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.parquet"
    write_candles(read_tape([SAMPLES])["BTCUSDT"], path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TapeError, match=r"BTCUSDT-1m\.parquet: cut or no Parquet file"):
        read_tape([path])


def test_an_archive_holds_exactly_one_csv(tmp_path: Path) -> None:
    two = zipped(tmp_path / "BTCUSDT-1m-two.zip", "a.csv", "b.csv", text=GOOD)
    with pytest.raises(TapeError, match=r"holds 'a\.csv, b\.csv' \(allowed: exactly one \.csv file\)"):
        read_tape([two])


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("close", polars.Series([11.0, float("nan")]), "row 2, column close: no exact number: 'nan'"),
        ("close", polars.Series([11.0, float("inf")]), "row 2, column close: no exact number: 'inf'"),
        ("close", polars.Series([11.0, 1 / 3 + 10]), "row 2, column close: no exact number: '10.33"),
        ("close", polars.Series([11.0, None]), "row 2, column close: no value"),
        ("close", polars.Series(["11", "11"]), "column close: has the type 'String'"),
        ("volume", polars.Series([5.0, -5.0]), r"row 2, column volume: .* '-5'"),
        ("open_time", polars.Series([START, START - 60_000]), "row 2, column open_time: time runs backwards"),
        ("open_time", polars.Series([START, 5]), "row 2, column open_time: no time: '5'"),
        ("open_time", polars.Series([1.0, 2.0]), "column open_time: has the type 'Float64'"),
    ],
)
def test_bad_parquet_is_named(tmp_path: Path, column: str, values: polars.Series, said: str) -> None:
    good = {"open_time": [START, START + 60_000]} | {name: [11.0, 11.0] for name in ("open", "high", "low", "close")}
    table = polars.DataFrame(good | {"volume": [5.0, 5.0]}, strict=False).with_columns(values.alias(column))
    path = tmp_path / "BTCUSDT-1m.parquet"
    table.write_parquet(path)
    with pytest.raises(TapeError, match=said):
        read_tape([path])


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.parquet"
    polars.DataFrame({"open_time": [START], "open": [1.0]}).write_parquet(path)
    with pytest.raises(TapeError, match="lacks the column high"):
        read_tape([path])


def test_without_polars_parquet_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "BTCUSDT-1m.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(TapeError, match=r"needs the package polars: pip install 'roottrading\[parquet\]'"):
        read_tape([path])


def test_unknown_symbols_and_paths_are_named(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"no 1m candles of 'DOGEUSDT'; there are BTCUSDT$"):
        read_tape([SAMPLES], ["BTCUSDT", "DOGEUSDT"])
    with pytest.raises(TapeError, match="nowhere: does not exist"):
        read_tape([tmp_path / "nowhere"])
    with pytest.raises(TapeError, match="holds no tape"):
        read_tape([tmp_path])
    with pytest.raises(TapeError, match=r"prices\.csv: is not named as a tape is \(allowed: SYMBOL-timeframe"):
        read_tape([write(tmp_path, GOOD, "prices.csv")])
    (tmp_path / "BTCUSDT-1m.csv").mkdir()
    with pytest.raises(TapeError, match="holds no tape"):
        read_tape([tmp_path])


def test_a_candle_of_the_future_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (candles,) = read_tape([path], now=parse_time("2024-01-01T00:01:00Z")).values()
    assert len(candles) == 2
    with pytest.raises(TapeError, match="line 2, column open_time: from the future: '2024-01-01T00:01:00Z'"):
        read_tape([path], now=parse_time("2024-01-01T00:00:59Z"))


def test_files_that_disagree_are_both_named(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "BTCUSDT-1m-a.csv")
    write(tmp_path, HEADER + line(1, "10,12,9,11.5,5"), "BTCUSDT-1m-b.csv")
    with pytest.raises(
        TapeError, match=r"-b\.csv, line 2: the candle of .* has another close than in .*-a\.csv, line 2;"
    ):
        read_tape([tmp_path])


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    candles = read_tape([SAMPLES])["BTCUSDT"]
    with pytest.raises(TapeError, match=r"is no form to write \(allowed: \.csv, \.csv\.gz or \.parquet\)"):
        write_candles(candles, tmp_path / "BTCUSDT-1m.txt")
    write(tmp_path, "", "file")
    with pytest.raises(TapeError, match="cannot be written"):
        write_candles(candles, tmp_path / "file" / "BTCUSDT-1m.csv")
