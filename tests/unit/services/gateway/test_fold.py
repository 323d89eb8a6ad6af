from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.tape import read_tape
from roottrading.domain.candle import Candle
from roottrading.domain.columns import Candles, candle_at
from roottrading.domain.time import duration, parse_time
from roottrading.services.gateway.fold import bucket_of, fold
from tests.recorded import SAMPLES, shared_data
from tests.unit.services.gateway.candles import START, candle, candle_lists, columns

LONGER = ("3m", "5m", "15m", "1h", "4h", "1d")
# In these hours Binance's own intervals disagree with each other: shorter ones miss some trades.
DISAGREEING_HOURS = {parse_time(f"2021-04-{hour}:00:00Z") for hour in ("22T02", "23T01", "23T02")}


def by_hand(candles: Sequence[Candle], timeframe: str) -> list[Candle]:
    """The definition, candle by candle: silent candles count only where there is nothing else."""
    span = duration(timeframe)
    folded = []
    for start, group in groupby(candles, key=lambda each: each.open_time - each.open_time % span):
        members = list(group)
        counting = [each for each in members if each.volume] or members
        folded.append(
            Candle(
                members[0].symbol,
                timeframe,
                start,
                counting[0].open,
                max(each.high for each in counting),
                min(each.low for each in counting),
                counting[-1].close,
                sum((each.volume for each in members), Decimal(0)),
            )
        )
    return folded


def rows(candles: Candles) -> list[Candle]:
    return [candle_at(candles, row) for row in range(len(candles))]


@given(candle_lists(), st.sampled_from(LONGER))
def test_columns_fold_as_the_definition_says(candles: list[Candle], timeframe: str) -> None:
    end = candles[-1].at
    closed = [each for each in by_hand(candles, timeframe) if each.at <= end]
    assert rows(fold(columns(candles), timeframe)) == closed


@given(candle_lists(), st.sampled_from(LONGER))
def test_candle_by_candle_gives_the_same_buckets(candles: list[Candle], timeframe: str) -> None:
    span = duration(timeframe)
    folded = []
    for start, group in groupby(candles, key=lambda each: each.open_time - each.open_time % span):
        first, *others = group
        bucket = bucket_of(first, start)
        for each in others:
            bucket.add(each)
        folded.append(bucket.candle("BTCUSDT", timeframe))
    assert folded == by_hand(candles, timeframe)


@given(candle_lists(), st.data())
def test_folding_in_two_steps_is_folding_in_one(candles: list[Candle], data: st.DataObject) -> None:
    known = (candles[-1].at // duration("4h") + 1) * duration("4h")
    middle = data.draw(st.sampled_from(("5m", "15m", "1h")))
    in_one = fold(columns(candles), "4h", until=known)
    in_two = fold(fold(columns(candles), middle, until=known), "4h", until=known)
    assert rows(in_one) == rows(in_two)


def test_a_bucket_that_is_not_over_is_left_out_until_its_end_is_known() -> None:
    candles = columns([candle(minute, 5, 6, 4, 5, 1) for minute in range(14)])
    assert len(fold(candles, "15m")) == 0
    assert len(fold(candles, "5m")) == 2
    assert len(fold(candles, "15m", until=START + duration("15m"))) == 1


def test_silent_candles_count_only_where_there_is_nothing_else() -> None:
    candles = [candle(0, 9, 9, 9, 9, 0), candle(1, 5, 7, 4, 6, 2), candle(2, 6, 6, 6, 6, 0)]
    assert rows(fold(columns(candles), "3m")) == [
        Candle("BTCUSDT", "3m", START, Decimal(5), Decimal(7), Decimal(4), Decimal(6), Decimal(2))
    ]
    silent = [candle(0, 9, 9, 9, 9, 0), candle(2, 8, 8, 8, 8, 0)]
    assert rows(fold(columns(silent), "3m")) == [
        Candle("BTCUSDT", "3m", START, Decimal(9), Decimal(9), Decimal(8), Decimal(8), Decimal(0))
    ]


def test_volumes_beyond_64_bits_stay_exact() -> None:
    largest = 92_000_000_000 * 10**8
    times = np.arange(60, dtype=np.int64) * duration("1m") + START
    ones = np.full(60, 1_000, dtype=np.int64)
    volume = np.full(60, largest, dtype=np.int64)
    folded = fold(Candles("SHIBUSDT", "1m", times, ones, ones, ones, ones, volume), "1h")
    assert candle_at(folded, 0).volume == 60 * Decimal(92_000_000_000)
    assert folded.volume_digits == 6


def test_volumes_that_would_lose_digits_are_refused() -> None:
    times = np.arange(3, dtype=np.int64) * duration("1m") + START
    ones = np.full(3, 1_000, dtype=np.int64)
    volume = np.full(3, 9_200_000_000_000_000_001, dtype=np.int64)
    with pytest.raises(ValueError, match="more than 7 digits"):
        fold(Candles("SHIBUSDT", "1m", times, ones, ones, ones, ones, volume), "3m")


@pytest.mark.parametrize(("timeframe", "longer"), [("3m", "5m"), ("1h", "5m"), ("4h", "6h")])
def test_what_is_no_multiple_cannot_be_folded(timeframe: str, longer: str) -> None:
    empty = np.array([], dtype=np.int64)
    candles = Candles("BTCUSDT", timeframe, empty, empty, empty, empty, empty, empty)
    with pytest.raises(ValueError, match=f"{longer} candles cannot be folded from {timeframe}"):
        fold(candles, longer)


def test_folding_nothing_gives_nothing() -> None:
    empty = np.array([], dtype=np.int64)
    folded = fold(Candles("BTCUSDT", "1m", empty, empty, empty, empty, empty, empty), "1h")
    assert (len(folded), folded.timeframe) == (0, "1h")


def differing(fine: Candles, coarse: Candles) -> tuple[int, set[int]]:
    """How many candles both have, and the open times at which they differ or only the published ones have one."""
    folded = fold(fine, coarse.timeframe)
    first, last = int(folded.open_time[0]), int(folded.open_time[-1])
    inside = (coarse.open_time >= first) & (coarse.open_time <= last)
    published = {int(time): row for row, time in enumerate(coarse.open_time) if inside[row]}
    mine = {int(time): row for row, time in enumerate(folded.open_time)}
    wrong = mine.keys() ^ published.keys()
    both = mine.keys() & published.keys()
    for time in both:
        if candle_at(folded, mine[time]) != candle_at(coarse, published[time]):
            wrong.add(time)
    return len(both), wrong


@pytest.mark.parametrize(
    ("finer", "timeframe", "day", "count"),
    [("1m", "15m", "2023-03-24", 91), ("1m", "1h", "2023-03-24", 23), ("5m", "1h", "2025-01-01", 24)],
)
def test_folded_candles_equal_the_exchanges_own(finer: str, timeframe: str, day: str, count: int) -> None:
    def published(each: str) -> Candles:
        path = next(SAMPLES.glob(f"BTCUSDT-{each}-{day}*"))
        return read_tape([path], timeframe=each)["BTCUSDT"]

    assert differing(published(finer), published(timeframe)) == (count, set())


@pytest.mark.shared_data
def test_folded_candles_equal_the_exchanges_own_over_months() -> None:
    hours = sorted(shared_data("klines", "1h").glob("*-2020-12_2021-07.parquet"))
    published = read_tape(hours, timeframe="1h")
    compared = 0
    for timeframe in ("1m", "5m"):
        for fine in read_tape([shared_data("klines", timeframe)], timeframe=timeframe).values():
            coarse = published.get(fine.symbol)
            if coarse is None or int(fine.open_time[0]) > int(coarse.open_time[-1]):
                continue
            both, wrong = differing(fine, coarse)
            compared += both
            assert wrong == DISAGREEING_HOURS, fine.symbol
    assert compared > 40_000


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("fine", "coarse", "days"),
    [
        ("klines/1m/ETHUSDT-1m-2022-01_2023-06.parquet", "klines/1d/ETHUSDT-1d-2022-01_2023-06.parquet", 546),
        ("klines_original/ETHUSDT-1m-2023-03-24.zip", "klines_original/ETHUSDT-1d-2023-03-24.zip", 1),
        ("klines_original/BTCUSDT-5m-2025-01.csv.gz", "klines_original/BTCUSDT-1h-2025-01.csv.gz", 31 * 24),
        ("klines_original/BTCUSDT-5m-2024-12.csv.gz", "klines_original/BTCUSDT-1h-2024-12.csv.gz", 31 * 24),
    ],
)
def test_folded_archives_equal_the_exchanges_own(fine: str, coarse: str, days: int) -> None:
    def read(path: Path) -> Candles:
        (candles,) = read_tape([path], timeframe=None).values()
        return candles

    assert differing(read(shared_data(fine)), read(shared_data(coarse))) == (days, set())
