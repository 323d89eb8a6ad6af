"""Workload A trades what a plain loop over the same candles trades, one by one; only where it may begin differs."""

from collections import Counter

import pytest

from benchmarks import tapes
from benchmarks.same_trades import differences, expected, first_full, made
from benchmarks.workloads import Paths, workload
from roottrading.adapters.tape.write import write_candles
from roottrading.cli.preparing import prepare
from roottrading.domain.columns import Candles
from roottrading.domain.time import MINUTE
from roottrading.reports import RunResult
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.result import gather

SEED = 8  # of the few in which a hundred thousand candles meet the stop as well


@pytest.fixture(scope="module")
def candles() -> Candles:
    return tapes.candles(tapes.SINGLE, 100_000, SEED, 40_000.0)


@pytest.fixture(scope="module")
def result(candles: Candles, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("tape")
    write_candles(candles, folder / f"{tapes.SINGLE}-1m-benchmark.csv.gz")
    settings = workload("A", Paths(folder, folder, folder, tapes.instruments(folder)))
    prepared = prepare(settings)
    market = prepared.market
    return gather(settings, market, run_backtest(settings, prepared.cast, market), market.end)


def test_every_trade_is_the_loops(candles: Candles, result: RunResult) -> None:
    trips = made(result)
    assert differences(trips, expected(candles, first_full(candles))) == []
    reasons = Counter(trip.reason for trip in trips)
    assert (reasons["stop"], reasons["target"]) == (2, 10)
    assert reasons["verdict"] > 1_700


def test_what_the_loop_does_more_is_before_the_first_opinion(candles: Candles, result: RunResult) -> None:
    first = first_full(candles)
    begins = int(candles.open_time[first]) + MINUTE  # the close of the first candle with an opinion
    trips, whole = made(result), expected(candles, 0)
    later = [trip for trip in whole if trip.entered_at > begins]
    assert trips[-len(later) :] == later
    # the level that stands there is an opinion, too: the loop is in since its cross
    assert [trip.entered_at for trip in trips[: -len(later)]] == [begins]
    assert len(whole) - len(later) == 13
