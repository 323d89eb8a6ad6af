"""Walk-forward: windows, the choice by the past alone, and curves held against plain runs."""

import numpy as np
import pytest
from msgspec.structs import replace

from roottrading.config.settings import RunSettings, Settings
from roottrading.domain.columns import Ints
from roottrading.domain.time import DAY, HOUR, Time, parse_time
from roottrading.reports import build_report
from roottrading.research.walk_forward import (
    BEST,
    EQUAL,
    HOLDING,
    LEARNED,
    Contender,
    Ran,
    WalkForward,
    best_of_the_past,
    walk_forward,
    windows,
)
from roottrading.research.walk_forward_text import lines
from roottrading.runtimes.assembly import cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.market import Market, open_market
from roottrading.runtimes.result import gather
from roottrading.services.analyzer import StrategyUse
from tests.parity.learning_runs import Climb, Dip

FIRST: Time = parse_time("2021-04-13")
USES = (
    StrategyUse("climb", Climb(), "15m"),
    StrategyUse("dip", Dip(), "15m"),
    StrategyUse("dive", Climb(sign=-1.0), "15m"),
)


def market(end: str = "2021-04-20T09:00:00Z", start: str = "2021-04-12T15:00:00Z") -> Market:
    run = RunSettings(symbols=("LTCUSDT", "XRPUSDT"), start=parse_time(start), end=parse_time(end))
    return open_market(run, "USDT")


def compared(uses: tuple[StrategyUse, ...] = USES, end: str = "2021-04-20T09:00:00Z") -> WalkForward:
    return walk_forward(Settings(), uses, market(end), 2)


@pytest.fixture(scope="module")
def found() -> WalkForward:
    return compared()


def contender(found: WalkForward, name: str) -> Contender:
    return next(each for each in found.contenders if each.name == name)


def test_windows_are_whole_days_and_the_last_one_is_what_is_left() -> None:
    assert windows(market(), 2) == tuple(FIRST + day * DAY for day in (0, 2, 4, 6, 7))
    assert windows(market(), 7 - 1) == (FIRST, FIRST + 6 * DAY, FIRST + 7 * DAY)


@pytest.mark.parametrize(("end", "days"), [("2021-04-20T09:00:00Z", 7), ("2021-04-13T01:00:00Z", 0)])
def test_one_window_is_nothing_to_compare_on(end: str, days: int) -> None:
    with pytest.raises(ValueError, match=f"has {days} whole days: take windows of less than 7 days"):
        windows(market(end), 7)


def test_the_best_of_a_window_trades_the_next() -> None:
    days: Ints = np.arange(5, dtype=np.int64) * DAY
    singles = {
        "a": Ran(np.array([100.0, 120, 60, 90, 90]), np.array([0, DAY, 2 * DAY + HOUR, 4 * DAY])),
        "b": Ran(np.array([10.0, 11, 12, 6, 30]), np.array([HOUR, DAY + HOUR, 3 * DAY, 3 * DAY + HOUR])),
    }
    best, chosen = best_of_the_past(singles, days, [0, DAY, 2 * DAY, 3 * DAY, 4 * DAY])
    assert chosen == ("a", "b", "a")  # a gained 20 % and b 10 %; then b 9 % while a lost; then a 50 %
    assert best.equity.tolist() == [1, 1, 0.5, 0.25, 0.25]
    assert best.began.tolist() == [DAY]


def test_names_break_ties() -> None:
    days: Ints = np.arange(3, dtype=np.int64) * DAY
    flat = Ran(np.ones(3), days[:0])
    assert best_of_the_past({"b": flat, "a": flat}, days, days.tolist())[1] == ("a",)


def test_equity_is_that_of_a_plain_run(found: WalkForward) -> None:
    whole = replace(market(), start=FIRST, end=FIRST + 7 * DAY)
    coordinator = replace(Settings().coordinator, max_drawdown=None)
    for name, uses, weighting in (
        (EQUAL, USES, "equal"),
        (LEARNED, USES, "learned"),
        ("climb", USES[:1], "equal"),
    ):
        settings = replace(
            Settings(), coordinator=coordinator, aggregator=replace(Settings().aggregator, weighting=weighting)
        )
        result = gather(settings, whole, run_backtest(settings, cast(settings, uses, whole), whole), whole.end)
        report = build_report(result)
        at = {row.timestamp: float(row.equity) for row in report.equity}
        mine = next(each for each in (*found.contenders, *found.singles) if each.name == name)
        assert len(set(mine.equity)) > 3
        assert mine.equity.tolist() == [at[day] / at[FIRST + 2 * DAY] for day in found.days.tolist()]
        began = [cycle.created_at for cycle in result.cycles if cycle.status != "expired"]
        assert mine.cycles == sum(time >= FIRST + 2 * DAY for time in began)


def test_the_chosen_strategy_is_followed(found: WalkForward) -> None:
    singles = {each.name: found.returns(each) for each in found.singles}
    followed = [singles[name][window] for window, name in enumerate(found.chosen)]
    assert found.returns(contender(found, BEST)) == pytest.approx(followed)
    for window, name in enumerate(found.chosen[1:]):
        assert singles[name][window] == max(returns[window] for returns in singles.values())


def test_holding_is_what_the_prices_did(found: WalkForward) -> None:
    held = contender(found, HOLDING)
    shares, begin, end = 0.0, 0.0, 0.0
    for candles in market().tape.values():
        opened, first, last = (
            candles.open[np.searchsorted(candles.open_time, FIRST)],
            candles.close[np.searchsorted(candles.open_time, FIRST + 2 * DAY) - 1],
            candles.close[np.searchsorted(candles.open_time, FIRST + 7 * DAY) - 1],
        )
        shares += 1
        begin += first / opened
        end += last / opened
    assert shares == 2
    assert held.equity[-1] == pytest.approx(end / begin, rel=1e-6)


def test_what_comes_later_changes_nothing_before(found: WalkForward) -> None:
    sooner = compared(end="2021-04-17T09:00:00Z")
    assert sooner.bounds == found.bounds[:3]
    assert sooner.chosen == found.chosen[:1]
    for before, after in zip((*sooner.contenders, *sooner.singles), (*found.contenders, *found.singles), strict=True):
        assert before.name == after.name
        assert before.equity.tolist() == after.equity[: len(before.equity)].tolist()


def test_one_strategy_alone_is_all_there_is_to_choose() -> None:
    alone = compared(USES[:1])
    curves = [each.equity.tolist() for each in (contender(alone, EQUAL), alone.singles[0])]
    assert curves[0] == curves[1]
    assert contender(alone, BEST).equity.tolist() == pytest.approx(curves[0])


def test_the_table_says_what_was_compared() -> None:
    days: Ints = FIRST + np.arange(3, dtype=np.int64) * DAY
    equity = {LEARNED: [1, 1.1, 1.2], EQUAL: [1, 1.2, 1.08], BEST: [1, 0.9, 0.99], HOLDING: [1, 1, 1]}
    several = [Contender(name, np.array(curve), 7) for name, curve in equity.items()]
    singles = (Contender("a", np.array([1, 1, 1.5]), 3), Contender("b", np.array([1, 1, 0.5]), 3))
    bounds = (FIRST - DAY, *days.tolist())
    text = list(lines(WalkForward(bounds, days, tuple(several), ("a", "b"), singles)))
    assert text[2:6] == [
        "| learned weights | +20.00 % | – | 0.00 % | 7 | 1 of 2 |",
        "| equal weights | +8.00 % | – | 10.00 % | 7 | – |",
        "| best single strategy | -1.00 % | – | 10.00 % | 7 | 1 of 2 |",
        "| buy and hold | +0.00 % | – | 0.00 % | – | 1 of 2 |",
    ]
    assert text[7] == "2021-04-13 to 2021-04-15 in 2 windows; learned from 2021-04-12 on."
    assert text[8].startswith("Of 2 strategies by themselves 1 gained; the best in hindsight was a (+50.00 %)")
    assert text[9] == "Chosen by the window before: a, b."
