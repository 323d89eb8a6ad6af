"""Where windows begin, and what is in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.columns import Columns
from roottrading.domain.time import DAY, HOUR, MINUTE, TIMEFRAMES, parse_time
from roottrading.services.analyzer.anchored_windows import Anchor, Feed, anchor_for, first_input_open, is_full, window


def hours(*which: int) -> Columns:
    values = np.array(which, dtype=np.float64)
    return Columns(np.array(which, dtype=np.int64) * HOUR, values, values, values, values, values)


@pytest.mark.parametrize(
    ("lookback", "timeframe", "block"),
    [(0, "1d", 1), (1, "1d", 1), (3, "1d", 4), (260, "1h", 512), (5, "1h", 32), (14, "1m", 2048), (2049, "1m", 4096)],
)
def test_a_block_holds_the_lookback_and_a_day(lookback: int, timeframe: str, block: int) -> None:
    assert anchor_for(lookback, timeframe) == Anchor(lookback, block, TIMEFRAMES[timeframe])


@given(st.integers(0, 2_000), st.sampled_from(sorted(TIMEFRAMES)), st.integers(0, 10**7))
def test_a_window_begins_a_lookback_before_a_block_and_holds_its_candle(lookback: int, timeframe: str, n: int) -> None:
    anchor = anchor_for(lookback, timeframe)
    open_time = n * anchor.span
    start = anchor.window_start(open_time)
    assert (start + lookback * anchor.span) % (anchor.block * anchor.span) == 0
    assert lookback <= (open_time - start) // anchor.span < lookback + anchor.block
    assert anchor.block >= lookback


def test_the_geometry_by_hand() -> None:
    # blocks of 32 hours from the epoch: 2022-01-01 00:00 is hour 455,832 = 14,244 x 32 + 24
    anchor = anchor_for(20, "1h")
    assert anchor.window_start(parse_time("2022-01-01")) == parse_time("2022-01-01") - 44 * HOUR
    assert anchor.window_start(parse_time("2022-01-01T08:00:00Z")) == parse_time("2022-01-01T08:00:00Z") - 20 * HOUR


def test_missing_candles_are_left_out() -> None:
    feed = Feed(hours(1, 2, 5, 6, 9), HOUR, 0)
    assert window(feed, {}, 3 * HOUR, 4).close.tolist() == [5, 6]


def test_a_window_is_full_when_history_begins_at_its_start() -> None:
    assert is_full(Feed(hours(5), HOUR, 5 * HOUR), {}, 5 * HOUR)
    assert not is_full(Feed(hours(5), HOUR, 5 * HOUR), {}, 5 * HOUR - 1)
    assert not is_full(Feed(hours(), HOUR, None), {}, 5 * HOUR)


def test_a_window_is_full_when_its_inputs_reach_as_far() -> None:
    own = Feed(hours(5), HOUR, 0)
    # the candle of 9:00 closes at 10:00: of four hours, that of 4:00-8:00 is the last one closed by then
    for begins, full in ((4 * HOUR, True), (4 * HOUR + 1, False), (None, False)):
        assert is_full(own, {"*/4h": Feed(hours(), 4 * HOUR, begins)}, 9 * HOUR) is full


def test_inputs_are_joined_as_of_t_inclusive() -> None:
    own = Feed(hours(*range(8, 17)), HOUR, 0)
    four = np.array([0, 4, 8, 12], dtype=np.float64)
    slow = Columns((four * HOUR).astype(np.int64), four, four, four, four, four)
    joined = window(own, {"*/4h": Feed(slow, 4 * HOUR, 0)}, 10 * HOUR, 9).inputs["*/4h"]
    # the candle of hour 11 closes at 12:00, with that of 08:00-12:00
    assert joined.close.tolist() == [4, 8, 8, 8, 8, 12, 12]


def test_rows_before_the_first_input_candle_of_the_window_are_left_out() -> None:
    own = Feed(hours(*range(8, 17)), HOUR, 0)
    other = Feed(hours(2, 12, 14), HOUR, 0)
    seen = window(own, {"X/1h": other}, 8 * HOUR, 9)
    assert seen.close.tolist() == [12, 13, 14, 15, 16]  # that of hour 2 is older than the window
    assert seen.inputs["X/1h"].close.tolist() == [12, 12, 14, 14, 14]
    assert len(window(own, {"X/1h": other}, 8 * HOUR, 3)) == 0


@given(st.integers(0, 10_000), st.sampled_from([MINUTE, 5 * MINUTE, HOUR]), st.sampled_from([MINUTE, HOUR, DAY]))
def test_the_first_input_candle_is_the_last_one_closed_at_the_first_t(n: int, span: int, input_span: int) -> None:
    start = n * span
    opened = first_input_open(start, span, input_span)
    assert opened % input_span == 0
    assert opened + input_span <= start + span < opened + 2 * input_span
