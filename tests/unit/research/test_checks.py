"""Strategies that look ahead, or forget too slowly for their lookback, are caught by name; honest ones pass."""

from typing import ClassVar

import numpy as np
import pytest

from roottrading.domain.columns import Columns, Floats
from roottrading.domain.time import MINUTE
from roottrading.research.checked_candles import choose
from roottrading.research.checks import DEEP, check_strategies
from roottrading.research.findings import StrategyCheck
from roottrading.services.analyzer import Plan, StrategyUse, WholeBlocks
from roottrading.services.gateway.fold import fold
from roottrading.strategies.contract import Evaluation, Strategy
from roottrading.strategies.ema_cross import EmaCross
from roottrading.strategies.indicators import ema, talib
from tests.unit.services.analyzer.samples import Channel, DayVolume, Fragile, Leader, random_candles, recorded


class Peeks(Strategy, frozen=True):
    """Knows the next candle's close."""

    @property
    def lookback(self) -> int:
        return 5

    def evaluate(self, columns: Columns) -> Floats:
        change = np.diff(columns.close, append=columns.close[-1:])
        return np.asarray(np.clip(change / columns.close * 100, -1, 1))


class Normalizes(Strategy, frozen=True):
    """Measures its momentum by the greatest of the whole column."""

    @property
    def lookback(self) -> int:
        return 40

    def evaluate(self, columns: Columns) -> Floats:
        momentum = np.nan_to_num(talib.ROC(columns.close, 20))
        return np.asarray(momentum / np.abs(momentum).max())


class PeeksInItsStop(Strategy, frozen=True):
    """Honest in its conviction, but knows how far the next candle falls."""

    @property
    def lookback(self) -> int:
        return 5

    def evaluate(self, columns: Columns) -> Evaluation:
        fall = np.abs(np.diff(columns.low, append=columns.low[-1:])) + 1.0
        return Evaluation(np.full(len(columns), 0.5), stop_distance=fall)


class NeedsTheFuture(Strategy, frozen=True):
    """Raises where there is none."""

    @property
    def lookback(self) -> int:
        return 5

    def evaluate(self, columns: Columns) -> Floats:
        if (columns.open_time[-1] // MINUTE + 1) % 2048:  # the end of a block of minutes
            raise IndexError("no such row")
        return columns.close * 0


class Forgetful(Strategy, frozen=True):
    """Says 20 candles are enough for an average that remembers hundreds."""

    @property
    def lookback(self) -> int:
        return 20

    def evaluate(self, columns: Columns) -> Floats:
        smooth = np.empty(len(columns))
        smooth[0] = columns.close[0]
        for row in range(1, len(columns)):
            smooth[row] = smooth[row - 1] + (columns.close[row] - smooth[row - 1]) / 200
        return np.sign(columns.close - smooth)


class NeverForgets(Strategy, frozen=True):
    """Sums its volume from wherever it begins."""

    @property
    def lookback(self) -> int:
        return 50

    def evaluate(self, columns: Columns) -> Floats:
        rises = np.diff(columns.close, prepend=columns.close[0]) > 0
        return np.asarray(np.sign(np.cumsum(np.where(rises, columns.volume, -columns.volume))))


class PeeksAtItsLeader(Strategy, frozen=True):
    """Moves its input one candle ahead."""

    inputs: ClassVar[tuple[str, ...]] = ("ETHUSDT/1m",)

    @property
    def lookback(self) -> int:
        return 30

    def evaluate(self, columns: Columns) -> Floats:
        leader = columns.inputs["ETHUSDT/1m"].close
        return np.sign(np.nan_to_num(ema(np.roll(leader, -1), 3) - leader))


def check(strategy: Strategy, count: int = 50, timeframe: str = "1m") -> StrategyCheck:
    tape = {symbol: recorded(symbol) for symbol in ("BTCUSDT", "ETHUSDT")}
    plan = Plan("sim", (StrategyUse("suspect", strategy, timeframe, ("BTCUSDT",)),), tape, "1m")
    (found,) = check_strategies(plan, WholeBlocks(plan, tape, fold), {}, count)
    return found


@pytest.mark.parametrize(
    ("strategy", "column"),
    [
        (Peeks(), "conviction"),
        (Normalizes(), "conviction"),
        (PeeksInItsStop(), "stop_distance"),
        (NeedsTheFuture(), "evaluate"),
        (PeeksAtItsLeader(), "conviction"),
    ],
)
def test_a_look_ahead_is_caught_by_name(strategy: Strategy, column: str) -> None:
    found = check(strategy)
    assert found.look_ahead_checked > 0
    assert found.look_ahead is not None
    assert found.look_ahead in found.findings
    text = str(found.look_ahead)
    assert text.startswith("strategy suspect looks ahead: at 2023-03-2")
    assert f"its {column} is " in text
    assert found.look_ahead.used != found.look_ahead.other


@pytest.mark.parametrize("strategy", [Forgetful(), NeverForgets()])
def test_a_short_lookback_is_caught_by_name(strategy: Strategy) -> None:
    found = check(strategy)
    assert found.look_ahead is None
    assert found.warm_up_checked > 40
    assert found.warm_up_share > 0.1
    assert found.worst_drift >= 1
    assert str(found.warm_up).startswith("strategy suspect lookback too short: at 2023-03-2")
    assert found.findings == (found.warm_up,)


@pytest.mark.parametrize(
    ("strategy", "timeframe"),
    [(EmaCross(), "1m"), (Channel(), "1m"), (Channel(), "5m"), (Leader(), "5m"), (EmaCross(fast=3, slow=9), "5m")],
)
def test_honest_strategies_pass(strategy: Strategy, timeframe: str) -> None:
    found = check(strategy, timeframe=timeframe)
    assert found.findings == ()
    assert found.look_ahead_checked > 40
    assert found.warm_up_checked > 40
    assert found.warm_up_changed == 0
    assert found.worst_drift < 1e-6


def test_an_honest_strategy_passes_the_deep_check() -> None:
    found = check(EmaCross(), DEEP)
    assert found.look_ahead_checked > 800
    assert found.findings == ()


def test_a_strategy_that_fails_is_not_called_a_liar() -> None:
    found = check(Fragile())
    assert found.look_ahead is None


def test_day_sums_need_a_day_of_lookback() -> None:
    assert check(DayVolume(), timeframe="5m").warm_up is not None  # its 60 candles are 5 hours


def test_the_choice_prefers_openings_and_changes_and_is_the_same_again() -> None:
    at = random_candles("X", "1h", 1_000, 1).at
    opened, changed = at[:5].tolist(), at[100:400:3].tolist()
    rows = choose(at, [*opened, 7], changed, 50, "a")
    assert rows == choose(at, [*opened, 7], changed, 50, "a")
    assert rows != choose(at, opened, changed, 50, "b")
    assert rows[:5] == [0, 1, 2, 3, 4]
    assert len(set(rows)) == 50
    assert sum(row in range(100, 400, 3) for row in rows) >= 28
    assert choose(at[:10], (), (), 50, "a") == list(range(10))
    assert choose(at[:0], opened, changed, 50, "a") == []
