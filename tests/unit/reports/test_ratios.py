"""Ratios against an independent implementation (empyrical) and against published figures."""

import math

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.columns import Floats
from roottrading.domain.time import DAY
from roottrading.reports import ratios

moves = st.lists(st.floats(-0.2, 0.2).map(lambda move: round(move, 6)), min_size=30, max_size=120)


def curve(returns: Floats) -> tuple[Floats, Floats]:
    equity = 1000.0 * np.cumprod(np.concatenate([[1.0], 1 + returns]))
    return np.arange(len(equity), dtype=np.int64) * DAY, equity  # type: ignore[return-value]


def same(ours: float | None, theirs: float) -> bool:
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(moves)
def test_sharpe_sortino_and_growth_are_those_of_empyrical(given_: list[float]) -> None:
    returns = np.array(given_)
    if np.std(returns) > 1e-9:
        assert same(ratios.sharpe(returns), empyrical.sharpe_ratio(returns, annualization=365))
    if (returns < -1e-9).any():
        assert same(ratios.sortino(returns), empyrical.sortino_ratio(returns, annualization=365))
    assert same(ratios.annual_return(returns), empyrical.annual_return(returns, annualization=365))


@settings(deadline=None)
@given(moves)
def test_drawdown_and_calmar_are_those_of_empyrical(given_: list[float]) -> None:
    returns = np.array(given_)
    times, equity = curve(returns)
    fall = ratios.drawdown_of(times, equity)  # type: ignore[arg-type]
    deepest = -empyrical.max_drawdown(pd.Series(returns))
    assert same(fall.depth, deepest)
    if deepest > 1e-9:
        assert same(ratios.calmar(returns, fall.depth), empyrical.calmar_ratio(pd.Series(returns), annualization=365))
        assert fall.since is not None
        assert fall.until is not None
        high, low = equity[fall.since // DAY], equity[fall.until // DAY]
        assert (high - low) / high == fall.depth
        assert high == equity[: fall.until // DAY + 1].max()


def test_daily_returns_are_those_between_midnights() -> None:
    times = np.array([0, DAY // 2, DAY, 2 * DAY - 1, 2 * DAY, 2 * DAY + 5])
    equity = np.array([100.0, 500.0, 110.0, 7.0, 99.0, 1.0])
    assert ratios.daily_returns(times, equity).tolist() == pytest.approx([0.1, -0.1])


def test_capital_that_came_in_is_no_return() -> None:
    times = np.array([0, DAY, 2 * DAY])
    equity = np.array([100.0, 160.0, 80.0])
    added = [
        (DAY, 50.0),
        (DAY + 1, -80.0),
        (0, 7.0),
    ]  # at midnight it is in that mark; at 0 it was there from the start
    assert ratios.daily_returns(times, equity, added).tolist() == pytest.approx([0.1, 0.0])


def test_drawdown_names_the_last_peak_before_the_deepest_trough() -> None:
    times = np.array([10, 20, 30, 40, 50, 60])
    assert ratios.drawdown_of(times, np.array([100.0, 90.0, 120.0, 120.0, 60.0, 130.0])) == ratios.Drawdown(0.5, 40, 50)
    assert ratios.drawdown_of(times[:2], np.array([100.0, 101.0])) == ratios.Drawdown(0.0, None, None)
    assert ratios.drawdown_of(times[:0], np.empty(0)) == ratios.Drawdown(0.0, None, None)


@pytest.mark.parametrize("days", [0, 1, 29])
def test_under_thirty_days_there_is_no_ratio(days: int) -> None:
    returns = np.linspace(-0.01, 0.02, days)
    assert ratios.sharpe(returns) is None
    assert ratios.sortino(returns) is None
    assert ratios.calmar(returns, 0.1) is None
    assert ratios.deflated_sharpe(returns, 20) is None


def test_nothing_infinite_comes_out() -> None:
    flat, rising = np.zeros(40), np.full(40, 0.001)
    assert ratios.sharpe(flat) is None
    assert ratios.sharpe(rising) is None
    assert ratios.sortino(rising) is None
    assert ratios.calmar(rising, 0.0) is None
    assert ratios.annual_return(np.full(40, 9.0)) is None
    assert ratios.annual_return(np.append(rising, -1.0)) == -1.0
    assert ratios.deflated_sharpe(flat, 20) is None
    assert ratios.daily_returns(np.array([0, DAY]), np.array([0.0, 5.0])).tolist() == []


def test_the_worked_example_of_bailey_and_lopez_de_prado() -> None:
    # "The Deflated Sharpe Ratio" (2014): 100 trials, variance 1/2 of annual ratios, 1250 days of 250 a year, skewness
    # -3, kurtosis 10, an annual ratio of 2.5: the benchmark is 0.1132 a day and the probability 0.9004.
    against = ratios.luckiest(100, math.sqrt(0.5 / 250))
    assert against == pytest.approx(0.1132, abs=5e-5)
    chance = ratios.probabilistic_sharpe(2.5 / math.sqrt(250), against, 1250, -3, 10)
    assert chance == pytest.approx(0.9004, abs=5e-5)


def test_more_tries_make_the_best_of_them_less_believable() -> None:
    returns = np.random.default_rng(3).normal(0.002, 0.01, 300)
    chances = [ratios.deflated_sharpe(returns, tried) for tried in (2, 20, 2000)]
    assert all(chance is not None for chance in chances)
    assert chances == sorted(chances, key=lambda chance: -(chance or 0))
    wide = ratios.deflated_sharpe(returns, 20, [0.1, 3.0, -2.5, 1.0])
    narrow = ratios.deflated_sharpe(returns, 20, [1.0, 1.1, 0.9, 1.05])
    assert (wide or 0) < (narrow or 0)
