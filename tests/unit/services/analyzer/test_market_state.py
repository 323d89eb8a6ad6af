"""ATR(14) against Wilder's recipe, and the regime on markets whose kind is plain to see."""

import numpy as np
import pytest

from roottrading.domain.columns import Columns, Floats
from roottrading.services.analyzer.market_state import ATR, REGIME, REGIMES, MarketState


def market(close: Floats, reach: Floats | float = 0.0) -> Columns:
    time = np.arange(len(close), dtype=np.int64)
    return Columns(time, close, close + reach, close - reach, close, np.ones(len(close)))


def measured(columns: Columns) -> dict[str, Floats]:
    return dict(MarketState().evaluate(columns).columns)


def test_atr_is_wilders() -> None:
    random = np.random.default_rng(5)
    close = 100 + random.normal(size=300).cumsum()
    columns = market(close, np.abs(random.normal(size=300)))
    previous = np.concatenate(([np.nan], close[:-1]))
    true_range = np.fmax(columns.high, previous) - np.fmin(columns.low, previous)
    expected = true_range[1:15].mean()
    atr = measured(columns)[ATR]
    assert np.isnan(atr[:14]).all()
    assert atr[14] == pytest.approx(expected, rel=1e-12)
    for row in range(15, 300):
        expected = (13 * expected + true_range[row]) / 14
        assert atr[row] == pytest.approx(expected, rel=1e-12)


def regime(columns: Columns, row: int = -1) -> str:
    code = measured(columns)[REGIME][row]
    return "" if np.isnan(code) else REGIMES[int(code)]


def test_regimes() -> None:
    steps = np.arange(300, dtype=np.float64)
    swings = np.where(steps % 2 == 0, 1.0, -1.0)
    assert regime(market(1_000 + steps, 1.0)) == "trend"
    assert regime(market(1_000 - steps, 1.0)) == "trend"
    assert regime(market(1_000 + swings, 1.0)) == "range"
    assert regime(market(np.full(300, 5.0))) == "range"  # nothing moves, and nothing is divided by 0
    burst = np.where(steps >= 290, 40.0, 1.0)
    assert regime(market(1_000 + steps, burst)) == "wild"
    assert regime(market(1_000 + steps, burst), 289) == "trend"


def test_efficiency_decides_between_trend_and_range() -> None:
    # of 32 steps, so many go up and the others down: net / way = (2 ups - 32) / 32
    for ups, expected in ((21, "trend"), (20, "range"), (12, "range"), (11, "trend")):
        steps = np.concatenate((np.tile([1.0, -1.0], 100), [1.0] * ups, [-1.0] * (32 - ups)))
        assert regime(market(1_000 + steps.cumsum(), 1.0)) == expected


def test_too_little_to_measure_is_no_regime() -> None:
    close = 100 + np.arange(300, dtype=np.float64)
    found = measured(market(close, 1.0))[REGIME]
    assert np.isnan(found[:96]).all()
    assert not np.isnan(found[96:]).any()
