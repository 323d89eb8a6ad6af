"""Rows found by arithmetic are those that a search finds."""

from bisect import bisect_right

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.columns import Ints
from roottrading.domain.open_times import OpenTimes


def times_of(steps: list[int]) -> Ints:
    return np.cumsum(np.array([1_000, *steps], dtype=np.int64))


@given(st.lists(st.sampled_from([60, 60, 60, 120, 600]), max_size=40), st.integers(-100, 30_000))
def test_a_row_is_the_one_that_a_search_finds_whatever_is_missing(steps: list[int], after: int) -> None:
    times = times_of(steps)
    time = 1_000 + after
    assert OpenTimes(times, 60).last_by(time) == bisect_right(times.tolist(), time) - 1


@given(st.lists(st.integers(1, 90), max_size=40), st.integers(-100, 3_000))
def test_times_off_the_beat_are_searched_all_the_same(steps: list[int], after: int) -> None:
    times = times_of(steps)
    assert OpenTimes(times, 60).last_by(1_000 + after) == bisect_right(times.tolist(), 1_000 + after) - 1


@given(st.lists(st.sampled_from([60, 120]), max_size=20))
def test_every_time_has_its_row_and_no_other_has(steps: list[int]) -> None:
    times = times_of(steps)
    rows = OpenTimes(times, 60)
    assert [rows.row_of(time) for time in times.tolist()] == list(range(len(times))) == list(range(len(rows)))
    assert [rows[row] for row in range(len(rows))] == times.tolist()
    assert all(rows.row_of(time + 1) == -1 for time in times.tolist())


def test_without_candles_there_is_no_row() -> None:
    rows = OpenTimes(np.zeros(0, dtype=np.int64), 60)
    assert (len(rows), rows.last_by(-5), rows.last_by(0), rows.last_by(10**16)) == (0, -1, -1, -1)
    assert rows.rows_from(np.array([-5, 0, 10**16])).tolist() == [0, 0, 0]


@given(
    st.lists(st.sampled_from([60, 60, 120, 600]), max_size=40) | st.lists(st.integers(1, 90), max_size=40),
    st.lists(st.integers(-100, 9_000) | st.just(2**62), max_size=20),
)
def test_the_rows_of_many_times_are_those_that_a_search_finds(steps: list[int], after: list[int]) -> None:
    times, wanted = times_of(steps), np.array(after, dtype=np.int64)
    assert OpenTimes(times, 60).rows_from(wanted).tolist() == np.searchsorted(times, wanted).tolist()
