"""The searches against plain loops over the same columns: never a row too late."""

from decimal import Decimal as D

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.columns import UNITS, Candles
from roottrading.domain.time import MINUTE
from roottrading.messages.service import Watch
from roottrading.runtimes.replay import CandleReader
from roottrading.runtimes.search_columns import Grid
from roottrading.runtimes.search_equity import EquitySearch
from roottrading.runtimes.search_touches import TouchSearch
from roottrading.runtimes.search_verdicts import CloseSearch, VerdictSearch, units
from roottrading.runtimes.skipping_closes import Closes
from roottrading.services.coordinator.ledger import risk_equity
from roottrading.services.coordinator.watching import DAILY, DRAWDOWN
from roottrading.services.signal_aggregator.columns import VerdictColumns

START = 1_000_000 * MINUTE
SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 700), st.data())
def test_the_first_candle_that_touches_is_the_first(seed: int, count: int, data: st.DataObject) -> None:
    random = np.random.default_rng(seed)
    low = random.integers(500, 1_000, count)
    high = low + random.integers(0, 100, count)
    search = TouchSearch(low, high)
    row = data.draw(st.integers(0, count))
    stop = data.draw(st.integers(row, count))
    below = data.draw(st.none() | st.integers(490, 520))
    above = data.draw(st.none() | st.integers(1_050, 1_110))
    plain = (
        at
        for at in range(row, stop)
        if (below is not None and low[at] <= below) or (above is not None and high[at] >= above)
    )
    assert search.first(row, stop, below, above) == next(plain, stop)


@given(SEEDS, st.none() | st.sampled_from(["-0.5", "0.3", "0.499999", "1"]), st.none() | st.sampled_from(["0.5", "-1"]))
def test_the_next_verdict_watched_is_the_next(seed: int, below: str | None, above: str | None) -> None:
    random = np.random.default_rng(seed)
    value = random.integers(-10, 11, 80) * 100_000
    complete = random.random(80) > 0.3
    verdicts = VerdictColumns(np.arange(80), value, complete)
    watch = Watch("verdict/A", "verdict/A", None if below is None else D(below), None if above is None else D(above))
    places = VerdictSearch(verdicts, D("0.5")).next_places(watch)
    for place in range(81):
        plain = (
            at
            for at in range(place, 80)
            if (complete[at] and below is not None and value[at] <= D(below) * 10**6)
            or (complete[at] and above is not None and value[at] >= D(above) * 10**6)
            or (below is not None and value[at] <= -500_000)
        )
        assert places[place] == next(plain, 80)


@given(SEEDS, st.none() | st.integers(90, 130), st.none() | st.integers(70, 100), st.sampled_from(["", "5m"]))
def test_the_next_close_watched_is_the_next(seed: int, above: int | None, below: int | None, every: str) -> None:
    random = np.random.default_rng(seed)
    close = (100 + random.integers(-3, 4, 3_000).cumsum()) * (random.random(3_000) > 0.1)
    close = np.maximum(close, 0)
    search = CloseSearch(Grid(START, MINUTE, 3_000), close * UNITS)
    watch = Watch("close/A", "A", None if below is None else D(below), None if above is None else D(above), every)
    for place in random.integers(0, 3_000, 5).tolist():
        plain = (
            at
            for at in range(place, 3_000)
            if (above is not None and close[at] >= above)
            or (below is not None and 0 < close[at] <= below)
            or (every and (START + at * MINUTE) % (5 * MINUTE) == 0)
        )
        assert search.first(watch, place, 3_000) == next(plain, 3_000)


@given(SEEDS, st.sampled_from(["0", "0.01", "0.5"]), st.sampled_from(["0.02", "0.3"]))
def test_no_breach_is_passed_over_and_the_highest_equity_is_exact(seed: int, second: str, fall: str) -> None:
    random = np.random.default_rng(seed)
    count = 200
    worth = {name: (1_000 + random.integers(-9, 10, count).cumsum()) * UNITS // 7 for name in "AB"}
    held = {name: D(quantity) for name, quantity in (("A", "0.7"), ("B", second)) if D(quantity)}
    cash, floor, mark = D("40.00000001"), D("60"), D("100")
    search = EquitySearch(worth)
    search.watch(Watch(DAILY, "equity", floor))
    search.watch(Watch(DRAWDOWN, "equity", mark * (1 - D(fall)), fall=D(fall)))
    equity = [
        risk_equity(cash, held, {name: D(int(column[place])).scaleb(-8) for name, column in worth.items()})
        for place in range(count)
    ]
    place = 0
    while place < count:
        found = search.first(place, count, cash, held)
        highest = search.taken()
        for at in range(place, found):
            top = max(mark, *equity[place : at + 1])
            assert equity[at] > floor
            assert equity[at] > top * (1 - D(fall))
        passed = max(equity[place:found], default=D(0))
        assert (highest if highest is not None else mark) >= min(passed, mark)
        if passed > mark:
            assert highest == passed
        if found < count:  # judged there: the mark may rise
            mark = max(mark, passed, equity[found])
            search.watch(Watch(DRAWDOWN, "equity", mark * (1 - D(fall)), fall=D(fall)))
        place = found + 1


@given(st.decimals(-10, 10, places=9), st.booleans())
def test_bounds_are_rounded_to_the_side_that_misses_nothing(value: D, down: bool) -> None:
    whole = units(value, 8, down=down)
    assert (D(whole) <= value * 10**8) if down else (D(whole) >= value * 10**8)
    assert abs(D(whole) - value * 10**8) < 1


def test_closes_are_the_last_by_t_and_none_before_the_start() -> None:
    times = START + np.array([0, 1, 4], dtype=np.int64) * MINUTE
    prices = np.array([3, 5, 7], dtype=np.int64) * UNITS
    reader = CandleReader(Candles("A", "1m", times, prices, prices, prices, prices, prices))
    found = [dict(Closes({"A": reader}, START + minute * MINUTE, START + MINUTE)) for minute in range(7)]
    assert found == [{}, {}, {"A": D(5)}, {"A": D(5)}, {"A": D(5)}, {"A": D(7)}, {"A": D(7)}]
    assert Closes({"A": reader}, START, START).get("B", D(1)) == 1
