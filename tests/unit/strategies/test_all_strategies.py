"""What holds for every strategy, whatever its rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.columns import Columns
from roottrading.domain.time import MINUTE
from roottrading.research.checks import check_strategies
from roottrading.services.analyzer import Plan, StrategyUse, WholeBlocks
from roottrading.services.analyzer.door import admit, micro_units
from roottrading.services.analyzer.evaluation import OK, RawOpinions, evaluate
from roottrading.services.gateway.fold import fold
from roottrading.strategies.catalog import builtin, describe, make
from roottrading.strategies.contract import Strategy
from tests.unit.services.analyzer import samples
from tests.unit.strategies.samples import priced, recorded, rows, standstill

NAMES = sorted(builtin())
CANDLES = recorded()
every_strategy = pytest.mark.parametrize("name", NAMES)


def admitted(strategy: Strategy, columns: Columns) -> RawOpinions:
    """Evaluate, and have the analyzer's door accept every row with a full lookback."""
    raw = evaluate(strategy, columns)
    marks = np.full(len(columns), OK, dtype=np.uint8)
    admit(raw, marks, np.zeros(len(columns), dtype=bool))
    assert (marks[strategy.lookback :] == OK).all()
    return raw


@every_strategy
def test_parameters_are_typed_bounded_and_documented(name: str) -> None:
    strategy = builtin()[name]
    described = describe(strategy)
    assert described, "a strategy without parameters cannot be tuned"
    for parameter in described:
        assert parameter.bounded, parameter.name
        assert parameter.description, parameter.name
        assert type(getattr(make(name), parameter.name)) is type(parameter.default), parameter.name
    assert strategy.__doc__
    assert strategy().lookback > 0


@every_strategy
def test_convictions_are_levels_of_either_sign(name: str) -> None:
    conviction = admitted(make(name), CANDLES).conviction
    assert len(conviction) == len(CANDLES)
    assert (np.abs(conviction) <= 1).all()
    assert (conviction > 0).any()
    assert (conviction < 0).any()


@every_strategy
@pytest.mark.parametrize("price", [4e-5 / 4e4, 1.5])
def test_prices_and_volumes_of_any_size_give_the_same(name: str, price: float) -> None:
    """A coin at 0.00004 is traded as one at 60,000."""
    strategy = make(name)
    ours = admitted(strategy, CANDLES).conviction
    other = admitted(strategy, priced(CANDLES, price, 1 / price)).conviction
    changed = np.sign(micro_units(other)) != np.sign(micro_units(ours))
    assert changed.mean() < 0.001
    np.testing.assert_allclose(other[~changed], ours[~changed], atol=1e-6)


@every_strategy
@pytest.mark.parametrize("price", [4e-9, 0.1, 6e4])
@pytest.mark.parametrize("volume", [0.0, 7.7])
def test_no_opinion_of_a_market_that_stands_still(name: str, price: float, volume: float) -> None:
    strategy = make(name)
    quiet = standstill(2 * strategy.lookback, price, volume)
    assert not micro_units(admitted(strategy, quiet).conviction[strategy.lookback :]).any()


@every_strategy
def test_a_market_that_comes_to_rest_is_bearable(name: str) -> None:
    """What running sums leave over must not become an opinion out of nothing, nor NaN."""
    strategy = make(name)
    quiet = standstill(max(600, strategy.lookback), float(CANDLES.close[699]), 0.0)
    both = [(getattr(CANDLES, field)[:700], getattr(quiet, field)) for field in Columns.__struct_fields__[1:6]]
    opened, high, low, close, volume = map(np.concatenate, both)
    open_time = CANDLES.open_time[0] + np.arange(len(close)) * 5 * MINUTE
    conviction = admitted(strategy, Columns(open_time, opened, high, low, close, volume)).conviction
    assert np.isfinite(conviction).all()
    if strategy.family in {"reversion", "volume"} and name != "rsi_reversion":  # RSI stays where it was left
        assert not micro_units(conviction[-50:]).any()


@every_strategy
@pytest.mark.parametrize("length", [0, 1, 2, 5, 30])
def test_short_columns_have_no_opinion_and_raise_nothing(name: str, length: int) -> None:
    assert len(evaluate(make(name), rows(CANDLES, 0, length)).conviction) == length


@every_strategy
@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, len(CANDLES)))
def test_later_candles_change_nothing(name: str, cut: int) -> None:
    strategy = make(name)
    whole, known = evaluate(strategy, CANDLES), evaluate(strategy, rows(CANDLES, 0, cut))
    np.testing.assert_array_equal(known.conviction, whole.conviction[:cut])
    for column, values in known.plan.items():
        np.testing.assert_array_equal(values, whole.plan[column][:cut])
    if whole.tag is not None:
        assert known.tag is not None
        np.testing.assert_array_equal(known.tag, whole.tag[:cut])


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_none_looks_ahead_and_every_lookback_is_honest(timeframe: str) -> None:
    tape = {"BTCUSDT": samples.recorded("BTCUSDT")}
    uses = [StrategyUse(name, make(name), timeframe) for name in NAMES]
    plan = Plan("sim", uses, ["BTCUSDT"], "1m")
    blocks = WholeBlocks(plan, tape, lambda candles, wanted: fold(candles, wanted, samples.end_of(tape)))
    for check in check_strategies(plan, blocks, {}):
        assert not check.findings
        assert check.worst_drift < 1e-6, check.strategy
        if timeframe == "1m":
            assert check.look_ahead_checked >= 40, check.strategy
            assert check.warm_up_checked >= 40, check.strategy


@every_strategy
def test_a_long_lookback_of_other_parameters_is_as_honest(name: str) -> None:
    """Lookback follows the parameters: halved or doubled, what it promises still holds."""
    for factor in (0.5, 2.0):
        given = {
            p.name: int(p.default * factor) if isinstance(p.default, int) else p.default
            for p in describe(builtin()[name])
        }
        strategy = make(name, given)
        lookback = strategy.lookback
        if 2 * lookback > len(CANDLES) - 100:
            continue
        for last in range(2 * lookback + 10, len(CANDLES), 97):
            exact = evaluate(strategy, rows(CANDLES, last - lookback, last + 1)).conviction[-1]
            longer = evaluate(strategy, rows(CANDLES, 0, last + 1)).conviction[-1]
            assert exact == pytest.approx(longer, abs=1e-6)
