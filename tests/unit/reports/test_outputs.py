"""Files are whole or not there, JSON is strict, and what cannot be written says so."""

import json
import math
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import MINUTE
from roottrading.messages.service import AccountAdjusted
from roottrading.reports import OutputError, RunResult, build_report, write_outputs
from roottrading.reports.json_text import json_text
from roottrading.reports.outputs import report_json
from tests.unit.reports.runs import D, large_run, small_run

amounts = st.builds(lambda digits, places: D(digits).scaleb(places), st.integers(), st.integers(-20, 5))
amounts |= st.sampled_from([D("NaN"), D("Infinity"), D("-0")])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | amounts | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refuse(text: str) -> Any:
    raise AssertionError(f"{text} is not JSON")


@given(values)
def test_any_value_becomes_strict_json_and_amounts_keep_every_digit(value: object) -> None:
    parsed = json.loads(json_text(value), parse_constant=refuse, parse_float=Decimal, parse_int=Decimal)
    assert matches(value, parsed)


def matches(value: object, parsed: object) -> bool:
    match value:
        case bool() | None | str():
            return value == parsed
        case Decimal():
            return value == parsed if value.is_finite() else parsed is None
        case float():
            return float(parsed) == value if math.isfinite(value) else parsed is None  # type: ignore[arg-type]
        case list():
            assert isinstance(parsed, list)
            return len(value) == len(parsed) and all(map(matches, value, parsed))
        case dict():
            assert isinstance(parsed, dict)
            return list(value) == list(parsed) and all(matches(value[key], parsed[key]) for key in value)
        case _:
            return value == parsed


def test_what_json_has_no_form_for_is_an_error() -> None:
    with pytest.raises(TypeError, match="a report cannot hold"):
        json_text({"settings": object()})


def test_report_json_is_strict_and_names_what_readers_look_for() -> None:
    report = json.loads(report_json(build_report(small_run())), parse_constant=refuse, parse_float=Decimal)
    metrics = report["metrics"]
    assert metrics["cycles"] == 1
    assert metrics["win_rate"] == 1
    assert metrics["profit_factor"] is None
    assert metrics["net_profit"] == D("19.56022")
    assert metrics["fees"] == D("0.53178")
    assert metrics["max_drawdown_from"] == "2024-01-01T00:01:00Z"
    assert report["header"]["started_at"] == "2023-12-31T23:58:00Z"
    assert report["open_cycles"][0]["profit"] == D("-1.111")
    assert "equity" not in report


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    run = small_run()
    with pytest.raises(OutputError, match=r"cannot write .*file/out: Not a directory; free space or choose another"):
        write_outputs(run, build_report(run), tmp_path / "file" / "out")


def test_a_file_that_cannot_be_written_leaves_no_half_of_it(tmp_path: Path) -> None:
    (tmp_path / "orders.csv" / "in the way").mkdir(parents=True)
    run = small_run()
    with pytest.raises(OutputError, match=r"orders\.csv"):
        write_outputs(run, build_report(run), tmp_path)
    assert not list(tmp_path.glob("*.partial"))
    assert (tmp_path / "cycles.csv").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    (tmp_path / "fills.csv.partial").symlink_to("/dev/full")
    run = small_run()
    with pytest.raises(OutputError, match=r"fills\.csv: No space left on device"):
        write_outputs(run, build_report(run), tmp_path)


def test_files_replace_those_of_an_earlier_run(tmp_path: Path) -> None:
    for run in (large_run(40, minutes=2_000), small_run()):
        write_outputs(run, build_report(run), tmp_path)
    assert (tmp_path / "cycles.csv").read_text().count("\n") == 4


def test_what_only_an_earlier_run_wrote_is_removed(tmp_path: Path) -> None:
    run = small_run()
    fields = {name: getattr(run, name) for name in run.__struct_fields__}
    adjusted = AccountAdjusted(1, "capital", "", D(100), None, run.started_at)
    richer = RunResult(**fields | {"adjustments": (adjusted,)})
    first = write_outputs(richer, build_report(richer), tmp_path, html=True, every_candle=True)
    (tmp_path / "notes.txt").write_text("mine")
    second = write_outputs(run, build_report(run), tmp_path)
    gone = {path.name for path in first} - {path.name for path in second}
    assert gone == {"adjustments.csv", "report.html", "equity.parquet"}
    assert set(tmp_path.iterdir()) == {*second, tmp_path / "notes.txt"}


def test_parquet_that_cannot_be_written_leaves_the_earlier_file(tmp_path: Path) -> None:
    run = small_run()
    (tmp_path / "equity.parquet").write_text("whole")
    (tmp_path / "equity.parquet.partial").mkdir()
    with pytest.raises(OutputError, match=r"equity\.parquet"):
        write_outputs(run, build_report(run), tmp_path, every_candle=True)
    assert (tmp_path / "equity.parquet").read_text() == "whole"


def test_equity_at_every_candle_is_exact_in_parquet(tmp_path: Path) -> None:
    run = small_run()
    write_outputs(run, build_report(run), tmp_path, every_candle=True)
    table = polars.read_parquet(tmp_path / "equity.parquet")
    assert table.columns == ["timestamp", "equity", "cash", "exposure", "drawdown"]
    # cash 1000, 800, 800, 1019.56022, 907.56022 and base 0, 1.998, 1.998, 0, 0.999 at each close, after its fills
    assert table["cash"].to_list() == [D(800), D(800), D("1019.56022"), D("907.56022"), D("907.56022")]
    assert table["exposure"].to_list() == [D("199.8"), D("207.792"), D(0), D("109.89"), D("110.889")]
    assert table["equity"].to_list()[-1] == D("1018.44922")
    stamps = table["timestamp"].dt.timestamp("us").to_list()
    assert stamps == [run.started_at + minute * MINUTE for minute in range(1, 6)]
