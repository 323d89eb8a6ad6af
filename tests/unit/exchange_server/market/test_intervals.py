"""Buckets of klines begin and end where Binance's do."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import DAY, HOUR, MINUTE, Time, duration, parse_time
from roottrading.exchange_server.market.intervals import INTERVALS, next_open, open_of, previous_open, zone_offset

TIMES = st.integers(parse_time("1972-01-01"), parse_time("2090-01-01"))


@pytest.mark.parametrize(
    ("interval", "opened"),
    [
        # klines that Binance publishes for BTCUSDT
        ("1m", "2024-08-08T23:55:00Z"),
        ("8h", "2024-08-08T16:00:00Z"),
        ("1d", "2024-08-08"),
        ("3d", "2017-08-16"),
        ("1w", "2017-08-14"),
        ("1w", "2024-08-05"),
        ("1M", "2024-08-01"),
    ],
)
def test_published_klines_open_where_a_bucket_does(interval: str, opened: str) -> None:
    assert open_of(interval, parse_time(opened)) == parse_time(opened)
    assert open_of(interval, next_open(interval, parse_time(opened)) - 1) == parse_time(opened)


@given(st.sampled_from(INTERVALS), TIMES, st.integers(-12 * 60, 14 * 60).map(lambda minutes: minutes * MINUTE))
def test_every_instant_is_in_one_bucket_and_buckets_touch(interval: str, time: Time, offset: int) -> None:
    opened = open_of(interval, time, offset)
    assert opened <= time < next_open(interval, opened, offset)
    assert open_of(interval, opened, offset) == opened
    assert previous_open(interval, next_open(interval, opened, offset), offset) == opened


@given(TIMES)
def test_months_are_those_of_the_calendar(time: Time) -> None:
    moment = datetime.fromtimestamp(time // 1_000_000, UTC)
    opened = datetime.fromtimestamp(open_of("1M", time) // 1_000_000, UTC)
    assert (opened.year, opened.month, opened.day, opened.hour) == (moment.year, moment.month, 1, 0)


@given(st.sampled_from(["1m", "15m", "4h", "1d"]), TIMES)
def test_plain_intervals_are_the_core_s_timeframes(interval: str, time: Time) -> None:
    assert open_of(interval, time) == time - time % duration(interval)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("0", 0),
        ("8", 8 * HOUR),
        ("+08:00", 8 * HOUR),
        ("-1:00", -HOUR),
        ("05:45", 5 * HOUR + 45 * MINUTE),
        ("14:00", 14 * HOUR),
        ("-12:00", -12 * HOUR),
        ("14:01", None),
        ("-13", None),
        ("Mars", None),
        ("", None),
    ],
)
def test_time_zones(text: str, offset: int | None) -> None:
    assert zone_offset(text) == offset


def test_a_day_in_another_zone_begins_at_its_midnight() -> None:
    assert open_of("1d", parse_time("2024-08-08T03:00:00Z"), 8 * HOUR) == parse_time("2024-08-07T16:00:00Z")
    assert next_open("1d", parse_time("2024-08-07T16:00:00Z"), 8 * HOUR) == parse_time("2024-08-07T16:00:00Z") + DAY
