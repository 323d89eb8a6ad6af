"""The strategies' door: rounding, and what is refused."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.money import conviction_of
from roottrading.services.analyzer.door import Readout, admit, admit_one, micro_units, refusal
from roottrading.services.analyzer.evaluation import NOT_A_NUMBER, OK, OUT_OF_RANGE, WARMING_UP, RawOpinions

halves = st.integers(-128, 128).map(lambda n: n / 128)  # 1/128 is exactly 7812.5 millionths
near_halves = st.integers(-1_000_000, 999_999).map(lambda n: (n + 0.5) / 1e6)  # the nearest floats, above or below
nudged = st.tuples(near_halves, st.integers(-3, 3)).map(lambda t: float(np.float64(t[0]) + t[1] * np.spacing(t[0])))
convictions = st.one_of(st.floats(-1, 1), halves, near_halves, nudged, st.floats(-1e-5, 1e-5))


@settings(max_examples=400)
@given(st.lists(convictions, min_size=1, max_size=30))
def test_columns_are_rounded_as_single_convictions_are(values: list[float]) -> None:
    values = [min(1.0, max(-1.0, value)) for value in values]
    expected = [int(conviction_of(value).scaleb(6)) for value in values]
    assert micro_units(np.array(values)).tolist() == expected


@settings(max_examples=300)
@given(convictions)
def test_a_conviction_goes_to_the_nearest_millionth(value: float) -> None:
    rounded = Fraction(int(micro_units(np.array([value]))[0]), 10**6)
    assert abs(Fraction(value) - rounded) <= Fraction(1, 2 * 10**6)


def test_ties_go_to_even() -> None:
    assert micro_units(np.array([1 / 128, 3 / 128, -1 / 128, 1 / 64])).tolist() == [7812, 23438, -7812, 15625]


def opinions(conviction: list[float], **columns: list[float]) -> RawOpinions:
    plan = {name: np.array(values, dtype=np.float64) for name, values in columns.items() if name != "own"}
    own = {"own": np.array(columns["own"], dtype=np.float64)} if "own" in columns else {}
    return RawOpinions(np.array(conviction, dtype=np.float64), plan, own, None)


def judge(raw: RawOpinions, short: bool = False) -> tuple[list[int], list[int]]:
    marks = np.full(len(raw.conviction), OK, dtype=np.uint8)
    micros = admit(raw, marks, np.full(len(raw.conviction), short))
    return marks.tolist(), micros.tolist()


def test_nan_and_what_lies_outside_one_is_refused() -> None:
    raw = opinions([0.5, np.nan, 1.0000001, -np.inf, -1.0])
    assert judge(raw) == ([OK, NOT_A_NUMBER, OUT_OF_RANGE, OUT_OF_RANGE, OK], [500_000, 0, 0, 0, -1_000_000])
    assert [refusal(raw, row)[:16] for row in (1, 2)] == ["conviction is na", "conviction is 1."]
    assert judge(raw, short=True)[0] == [OK, WARMING_UP, WARMING_UP, WARMING_UP, OK]


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("stop_distance", [0.0, -1.0, np.inf], [1e-9, np.nan]),
        ("target_distance", [0.0, -np.inf], [5.0, np.nan]),
        ("entry_limit", [0.0, -2.0, np.inf], [30_000.0, np.nan]),
        ("size_factor", [0.0, 1.01, np.inf, -0.5], [1.0, 0.01, np.nan]),
        ("time_limit", [np.inf], [0.0, -1.0, np.nan, 12.0]),
    ],
)
def test_plans_out_of_range_are_refused_where_the_strategy_buys(name: str, bad: list[float], good: list[float]) -> None:
    for value in bad:
        buying = opinions([0.5], **{name: [value]})
        assert judge(buying) == ([OUT_OF_RANGE], [0])
        assert refusal(buying, 0).startswith(f"{name} is {value}")
        assert judge(opinions([-0.5], **{name: [value]})) == ([OK], [-500_000])
    for value in good:
        assert judge(opinions([0.5], **{name: [value]}))[0] == [OK]


anything = st.one_of(convictions, st.floats(), st.sampled_from([0.0, -0.0, 1.0, -1.0, 1.5, np.inf, -np.inf, np.nan]))


@settings(max_examples=300)
@given(st.lists(st.tuples(*[anything] * 7, st.booleans()), min_size=1, max_size=8))
def test_a_single_row_is_judged_as_a_column_is(rows: list[tuple[float, ...]]) -> None:
    names = ("stop_distance", "target_distance", "time_limit", "entry_limit", "size_factor")
    conviction, *plan, own, short = (list(column) for column in zip(*rows, strict=True))
    raw = opinions(conviction, own=own, **dict(zip(names, plan, strict=True)))
    marks = np.full(len(rows), OK, dtype=np.uint8)
    micros = admit(raw, marks, np.array(short, dtype=np.bool_))
    singles = [admit_one(raw, row, bool(short[row])) for row in range(len(rows))]
    assert singles == list(zip(marks.tolist(), micros.tolist(), strict=True))


def test_an_infinite_column_is_refused_whatever_the_conviction() -> None:
    raw = opinions([0.0, 0.0], own=[np.inf, np.nan])
    assert judge(raw)[0] == [OUT_OF_RANGE, OK]
    assert refusal(raw, 0) == "column own is infinite"


def readout(raw: RawOpinions) -> Readout:
    marks = np.full(len(raw.conviction), OK, dtype=np.uint8)
    micros = admit(raw, marks, np.zeros(len(marks), dtype=np.bool_))
    return Readout("s", raw, marks.data, micros.data)


def test_an_opinion_carries_its_plan_where_it_buys_and_its_columns_always() -> None:
    columns: dict[str, Any] = {
        "stop_distance": [123.4567890123456, 1, np.nan],
        "time_limit": [7, 7, 0],
        "size_factor": [0.25, 0.25, np.nan],
        "own": [4.2e-5 / 3, np.nan, 1],
    }
    raw = opinions([0.1234564, -1.0, 1.0], **columns)
    raw.tag = np.array(["dip", "peak", ""])
    read = readout(raw)
    buys, sells, bare = (read.opinion(row, 9) for row in range(3))
    assert (buys.conviction, buys.signal_id, buys.tag, buys.time_limit) == (Decimal("0.123456"), 9, "dip", 7)
    assert str(buys.stop_distance) == "123.456789012"
    assert buys.size_factor == Decimal("0.25")
    assert str(buys.row["own"]) == "0.0000140000000000"
    assert (sells.conviction, sells.tag) == (Decimal(-1), "")
    assert (sells.stop_distance, sells.time_limit, sells.size_factor) == (None, None, None)
    assert not sells.row
    assert (bare.stop_distance, bare.time_limit, bare.size_factor) == (None, None, None)
    assert bare.row == {"own": Decimal(1)}
