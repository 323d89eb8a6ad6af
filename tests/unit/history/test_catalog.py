"""A catalog is whole at any moment: one writer, files that a killed one left, files that somebody changed."""

from pathlib import Path

import pytest

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape import TapeError, read_tape, shipped_instruments
from roottrading.domain.time import DAY, iso, parse_time
from roottrading.exchange_server.market.opening import open_market
from roottrading.history.catalog import Series, writing_into
from roottrading.history.errors import HistoryError
from roottrading.history.importing import Imported, files_to_import, import_files
from roottrading.history.looking import check_all, held
from roottrading.history.months import days_in, month_of, month_span, months_in, without
from tests.recorded import SAMPLES
from tests.unit.adapters.tape.files import HEADER, line, rows, write

NOW = parse_time("2026-11-22")
MONTH = "BTCUSDT-1m-2024-01.parquet"


def take_in(root: Path, *paths: Path, symbol: str | None = None, timeframe: str | None = None) -> list[Imported]:
    with writing_into(root):
        return list(import_files(root, files_to_import(paths, symbol, timeframe), NOW))


def minutes(folder: Path, first: int, last: int, name: str = "BTCUSDT-1m-test.csv") -> Path:
    return write(folder, HEADER + "".join(line(minute) for minute in range(first, last)), name)


def test_own_files_are_kept_by_month_to_the_digit(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    done = take_in(root, SAMPLES)
    assert {(each.timeframe, each.rows, each.new) for each in done} == {
        ("15m", 91, 91),
        ("1h", 23, 23),
        ("1h", 24, 24),
        ("1m", 1360, 1360),
        ("5m", 48, 48),
        ("5m", 288, 288),
    }
    for timeframe in ("1m", "5m", "15m", "1h"):
        assert rows(read_tape([root], None, timeframe)["BTCUSDT"]) == rows(
            read_tape([SAMPLES], None, timeframe)["BTCUSDT"]
        )
    assert all(each.new == 0 for each in take_in(root, SAMPLES))
    sources = Series(root, "BTCUSDT", "1m").manifest.months["2023-03"].sources
    assert [(source.kind, Path(source.name).name) for source in sources] == [("import", "BTCUSDT-1m-2023-03-24.zip")]
    assert [each.timeframe for each in held(root)] == ["1m", "5m", "15m", "1h"]
    assert all(report.sound for report in check_all([root], NOW))


def test_a_month_s_end_cuts_a_file_and_gaps_are_told_across_it(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    take_in(root, minutes(tmp_path, 31 * 1440 - 3, 31 * 1440 + 2))
    take_in(root, minutes(tmp_path, 31 * 1440 + 4, 31 * 1440 + 6))
    series = Series(root, "BTCUSDT", "1m")
    assert {name: month.rows for name, month in series.manifest.months.items()} == {"2024-01": 3, "2024-02": 4}
    (found,) = held(root)
    (report,) = check_all([root], NOW)
    expected = [("2024-02-01T00:02:00Z", "2024-02-01T00:04:00Z", 2)]
    for gaps in (found.gaps, report.gaps):
        assert [(iso(gap.start), iso(gap.end), gap.missing) for gap in gaps] == expected
    take_in(root, minutes(tmp_path, 33 * 1440, 33 * 1440 + 1))
    take_in(root, minutes(tmp_path, 62 * 1440, 62 * 1440 + 1))
    (found,) = held(root)
    (report,) = check_all([root], NOW)
    assert found.gaps == report.gaps
    assert len(found.gaps) == 3


def test_files_of_any_name_are_taken_in_as_what_they_are_said_to_be(tmp_path: Path) -> None:
    path = minutes(tmp_path, 0, 5, "my candles.csv")
    (done,) = take_in(tmp_path / "catalog", path, symbol="SOLUSDT", timeframe="1m")
    assert (done.symbol, done.new) == ("SOLUSDT", 5)


@pytest.mark.parametrize(
    ("symbol", "timeframe", "name", "said"),
    [
        ("SOLUSDT", None, "a.csv", "give both --symbol and --timeframe"),
        ("sol/usdt", "1m", "a.csv", "write it as the exchange does"),
        ("SOLUSDT", "1m", "a.xlsx", r"a file that ends with \.csv\.gz"),
        ("SOLUSDT", "1m", "absent.csv", "absent.csv"),
    ],
)
def test_what_cannot_be_taken_in_is_told(
    tmp_path: Path, symbol: str, timeframe: str | None, name: str, said: str
) -> None:
    minutes(tmp_path, 0, 5, "a.csv")
    minutes(tmp_path, 0, 5, "a.xlsx")
    with pytest.raises(HistoryError, match=said):
        files_to_import([tmp_path / name], symbol, timeframe)


def test_candles_that_contradict_those_in_the_catalog_are_refused_and_change_nothing(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    take_in(root, minutes(tmp_path, 0, 5))
    before = (root / "BTCUSDT" / "1m" / MONTH).read_bytes()
    write(tmp_path, HEADER + line(3, "10,12,9,11,6"), "BTCUSDT-1m-other.csv")
    with pytest.raises(TapeError, match="has another volume than in"):
        take_in(root, tmp_path / "BTCUSDT-1m-other.csv")
    write(tmp_path, HEADER + line(7, "10,8,9,11,6"), "BTCUSDT-1m-other.csv")
    with pytest.raises(TapeError, match="high"):
        take_in(root, tmp_path / "BTCUSDT-1m-other.csv")
    take_in(root, minutes(tmp_path, 31 * 1440, 31 * 1440 + 1))
    wrong = [line(7), line(31 * 1440, "10,12,9,11,6")]  # the month before has nothing against it
    write(tmp_path, HEADER + "".join(wrong), "BTCUSDT-1m-other.csv")
    with pytest.raises(TapeError, match="has another volume than in"):
        take_in(root, tmp_path / "BTCUSDT-1m-other.csv")
    assert (root / "BTCUSDT" / "1m" / MONTH).read_bytes() == before
    assert check_all([root], NOW)[0].sound


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    with writing_into(tmp_path), pytest.raises(HistoryError, match="another process writes"), writing_into(tmp_path):
        pass
    with writing_into(tmp_path):
        pass
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(HistoryError, match="no catalog can be written here"), writing_into(file):
        pass


def test_what_a_killed_process_left_is_finished_or_thrown_away(tmp_path: Path) -> None:
    """A month is written beside the old one, told by the manifest, then put in its place: killed after each step."""
    root = tmp_path / "catalog"
    take_in(root, minutes(tmp_path, 0, 5))
    folder = root / "BTCUSDT" / "1m"
    manifest, old = (folder / "manifest.json").read_bytes(), (folder / MONTH).read_bytes()
    take_in(root, minutes(tmp_path, 0, 9))
    new, told = (folder / MONTH).read_bytes(), (folder / "manifest.json").read_bytes()

    (folder / MONTH).write_bytes(old)
    (folder / "manifest.json").write_bytes(manifest)
    (folder / f".new-{MONTH}").write_bytes(new[:100])  # killed while writing
    assert check_all([root], NOW)[0].sound
    assert len(read_tape([root])["BTCUSDT"]) == 5

    (folder / f".new-{MONTH}").write_bytes(new)
    (folder / "manifest.json").write_bytes(told)  # killed before it took its place
    assert "its writing was cut short" in check_all([root], NOW)[0].error
    assert len(read_tape([root])["BTCUSDT"]) == 5
    take_in(root, minutes(tmp_path, 9, 10))
    assert check_all([root], NOW)[0].sound
    assert len(read_tape([root])["BTCUSDT"]) == 10
    assert sorted(path.name for path in folder.iterdir()) == [MONTH, "manifest.json"]


def test_a_file_that_somebody_changed_is_never_built_upon(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    take_in(root, minutes(tmp_path, 0, 5))
    path = root / "BTCUSDT" / "1m" / MONTH
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(HistoryError, match="is not the file that the manifest tells of"):
        take_in(root, minutes(tmp_path, 5, 6))
    path.unlink()
    take_in(root, minutes(tmp_path, 0, 6))
    assert len(read_tape([root])["BTCUSDT"]) == 6
    (path.parent / "BTCUSDT-1m-2024-02.parquet").write_bytes(path.read_bytes())
    assert "the manifest knows nothing of it" in check_all([root], NOW)[0].error


def test_a_damaged_manifest_is_told(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    take_in(root, minutes(tmp_path, 0, 5))
    path = root / "BTCUSDT" / "1m" / "manifest.json"
    text = path.read_bytes()
    for damage in (b"", text[:50], text.replace(b'"2024-01"', b'"someday"'), text.replace(b"2024-01-01T", b"nonsense")):
        path.write_bytes(damage)
        with pytest.raises(HistoryError, match="no manifest of a catalog"):
            held(root)
        assert "no manifest of a catalog" in check_all([root], NOW)[0].error
    path.write_bytes(text.replace(b'"catalog": 1', b'"catalog": 2'))
    with pytest.raises(HistoryError, match="another form"):
        held(root)
    path.write_bytes(text.replace(b'"BTCUSDT"', b'"ETHUSDT"'))
    with pytest.raises(HistoryError, match="it was moved here"):
        Series(root, "BTCUSDT", "1m")


def test_the_exchange_serves_the_wanted_symbols_of_a_catalog(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    take_in(root, minutes(tmp_path, 0, 10), minutes(tmp_path, 0, 10, "ETHUSDT-1m-a.csv"))
    take_in(root, minutes(tmp_path, 0, 1, "LTCUSDT-1h-a.csv"))
    opened = open_market([root], shipped_instruments(), FillModel(), symbols=["LTCUSDT"])
    assert list(opened.market.symbols) == ["LTCUSDT"]
    opened = open_market([root], shipped_instruments(), FillModel(), symbols=["BTCUSDT"])
    assert opened.finest == 60_000_000
    with pytest.raises(TapeError, match="no market of 'BNBUSDT': there are BTCUSDT, ETHUSDT"):
        open_market([root], shipped_instruments(), FillModel(), symbols=["BNBUSDT"])


def test_months_and_spans() -> None:
    start, end = month_span("2024-02")
    assert (iso(start), iso(end)) == ("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z")
    assert month_of(end - 1) == "2024-02"
    assert [month for month, _ in months_in((start - 1, end + 1))] == ["2024-01", "2024-02", "2024-03"]
    assert without((0, 10), [(2, 3), (5, 20), (-4, 1)]) == [(1, 2), (3, 5)]
    assert without((0, 10), [(0, 10)]) == []
    assert without((0, 10), []) == [(0, 10)]
    assert days_in([(1, DAY + 1), (DAY, 2 * DAY)]) == [0, DAY]
