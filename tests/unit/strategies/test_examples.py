"""The examples load like any user's strategies, are honest, and do what they say."""

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from roottrading.domain.columns import Columns
from roottrading.domain.position import Position
from roottrading.domain.time import MINUTE
from roottrading.research.checks import check_strategies
from roottrading.services.analyzer import Plan, StrategyUse, WholeBlocks
from roottrading.services.analyzer.evaluation import RawOpinions, evaluate
from roottrading.services.gateway.fold import fold
from roottrading.strategies.catalog import builtin, load, make
from roottrading.strategies.contract import HOLD, Adjustment, Strategy
from tests.unit.services.analyzer import samples
from tests.unit.strategies.samples import recorded

FOLDER = Path(__file__).parents[3] / "examples" / "strategies"
LOADED = load(FOLDER)
NAMES = sorted(set(LOADED.strategies) - set(builtin()))
CANDLES = recorded()
OPEN, HIGH, LOW, CLOSE, VOLUME = CANDLES.open, CANDLES.high, CANDLES.low, CANDLES.close, CANDLES.volume


def example(name: str, **given: object) -> Strategy:
    return make(name, given, LOADED.strategies)


def said(name: str, **given: object) -> RawOpinions:
    return evaluate(example(name, **given), CANDLES)


def test_all_five_load_without_complaint() -> None:
    assert NAMES == ["binhv45", "cluc_may", "informative_sample", "sma_offset", "strategy_001"]
    assert LOADED.broken == ()
    assert LOADED.warnings == ()


def test_they_are_honest() -> None:
    tape = {symbol: samples.recorded(symbol) for symbol in ("BTCUSDT", "ETHUSDT")}
    uses = [StrategyUse(name, example(name), "1m") for name in NAMES]
    plan = Plan("sim", uses, tape, "1m")
    blocks = WholeBlocks(plan, tape, lambda candles, wanted: fold(candles, wanted, samples.end_of(tape)))
    checks = check_strategies(plan, blocks, {})
    assert len(checks) == 10
    for check in checks:
        assert not check.findings
        assert check.look_ahead_checked >= 40
        assert check.warm_up_checked >= 30


def plain_ema(values: list[float], period: int) -> list[float]:
    result = [values[0]]
    for value in values[1:]:
        result.append(result[-1] + 2 / (period + 1) * (value - result[-1]))
    return result


def test_strategy_001_follows_its_rule() -> None:
    fast, middle, slow = (plain_ema(CLOSE.tolist(), period) for period in (20, 50, 100))
    closed = ((OPEN + HIGH + LOW + CLOSE) / 4).tolist()
    opened = [OPEN[0]]
    for row in range(1, len(CLOSE)):
        opened.append((opened[-1] + closed[row - 1]) / 2)
    expected = []
    for row in range(1000, len(CLOSE)):
        buys = fast[row] > middle[row] and fast[row - 1] <= middle[row - 1]
        buys = buys and closed[row] > fast[row] and closed[row] > opened[row]
        sells = middle[row] > slow[row] and middle[row - 1] <= slow[row - 1]
        sells = sells and closed[row] < fast[row] and closed[row] < opened[row]
        expected.append(float(buys) - float(sells))
    assert 1.0 in expected
    assert said("strategy_001").conviction[1000:].tolist() == expected


def position(highest: str, minutes: int = 0) -> Position:
    opened = 1_621_252_800_000_000
    return Position("X", Decimal(1), Decimal(100), Decimal(90), None, opened - minutes * MINUTE, Decimal(highest))


@pytest.mark.parametrize(
    ("minutes", "close", "expected"),
    [
        (0, "104.99", HOLD),
        (0, "105", Adjustment(exit="roi")),
        (19, "104", HOLD),
        (20, "104", Adjustment(exit="roi")),
        (59, "102.9", HOLD),
        (60, "101", Adjustment(exit="roi")),
        (600, "100.99", HOLD),
    ],
)
def test_strategy_001_wants_less_as_time_passes(minutes: int, close: str, expected: Adjustment) -> None:
    row = {"close": Decimal(close), "minute": Decimal(1_621_252_800_000_000 // MINUTE)}
    assert example("strategy_001").manage(position("101.9", minutes), row) == expected


def test_strategy_001_trails_once_two_percent_were_won() -> None:
    row = {"close": Decimal(101), "minute": Decimal(1_621_252_800_000_000 // MINUTE)}
    assert example("strategy_001").manage(position("102"), row) == Adjustment(stop=Decimal("100.98"))


def test_strategy_001_carries_what_its_manage_needs() -> None:
    own = said("strategy_001").own
    assert own["close"][5] == CLOSE[5]
    assert own["minute"][5] == CANDLES.open_time[5] // MINUTE


def test_sma_offset_moves_its_stop_with_the_profit() -> None:
    strategy = example("sma_offset")
    assert strategy.manage(position("101.4"), {}) == HOLD
    assert strategy.manage(position("101.5"), {}) == Adjustment(stop=Decimal("100.2"))
    assert strategy.manage(position("104"), {}) == Adjustment(stop=Decimal("102.44"))


def test_sma_offset_follows_its_rule() -> None:
    ours = said("sma_offset").conviction
    for row in range(30, len(CLOSE)):
        lows, highs = LOW[row - 29 : row + 1], HIGH[row - 29 : row + 1]
        expected = float(CLOSE[row] < 0.975 * lows.mean()) - float(CLOSE[row] > 1.012 * highs.mean())
        assert ours[row] == expected
    assert set(ours) == {-1.0, 0.0, 1.0}


def test_binhv45_follows_its_rule() -> None:
    """Milder bounds than its own, which only a crash of minutes meets."""
    given = said("binhv45", least_fall=0.4, least_band=0.4)
    for row in range(41, len(CLOSE)):
        now, then = CLOSE[row - 39 : row + 1], CLOSE[row - 40 : row]
        band = 2 * now.std()
        lower = then.mean() - 2 * then.std()
        fall = CLOSE[row - 1] - CLOSE[row]
        wide = band > 0.004 * CLOSE[row] and fall > 0.004 * CLOSE[row]
        expected = wide and CLOSE[row] - LOW[row] < 0.25 * band and CLOSE[row] < lower
        assert given.conviction[row] == float(expected)
    assert given.conviction.sum() > 5
    np.testing.assert_allclose(given.plan["stop_distance"], 0.05 * CLOSE)
    np.testing.assert_allclose(given.plan["target_distance"], 0.0125 * CLOSE)


def test_cluc_may_follows_its_rule() -> None:
    given = said("cluc_may", depth_percent=0.2)
    average = plain_ema(CLOSE.tolist(), 100)
    for row in range(1000, len(CLOSE)):
        last = CLOSE[row - 19 : row + 1]
        dip = CLOSE[row] < min(average[row], (last.mean() - 2 * last.std()) * 0.998)
        buys = dip and VOLUME[row] < 20 * VOLUME[row - 30 : row].mean()
        assert given.conviction[row] == float(buys) - float(CLOSE[row] > last.mean())
        assert given.tag is not None
        assert given.tag[row] == ("dip" if buys else "")
    assert (given.conviction[1000:] > 0).sum() > 5
    assert (given.plan["time_limit"] == 144).all()


def test_informative_sample_follows_both_trends() -> None:
    """Its input is made here as the engine makes it: at each T the last 15m candle that is closed."""
    quarter = 3  # candles of 5m
    joined = [max((row + 1) // quarter - 1, 0) for row in range(len(CLOSE))]  # the sample begins with a full hour
    opens = CANDLES.open_time[::quarter][joined]
    closes = np.array([CLOSE[min(each * quarter + quarter - 1, len(CLOSE) - 1)] for each in joined])
    leader = Columns(opens, closes, closes, closes, closes, closes)
    columns = Columns(CANDLES.open_time, OPEN, HIGH, LOW, CLOSE, VOLUME, {"BTCUSDT/15m": leader})
    ours = evaluate(example("informative_sample"), columns)
    fast, slow = plain_ema(CLOSE.tolist(), 20), plain_ema(CLOSE.tolist(), 50)
    for row in range(600, len(CLOSE)):
        last = [CLOSE[(joined[row] - back) * quarter + quarter - 1] for back in range(20)]
        side = math.copysign(1, last[0] - sum(last) / 20)
        trend = math.copysign(1, fast[row] - slow[row])
        assert ours.conviction[row] == (side if side == trend else 0), row
    assert set(ours.conviction) == {-1.0, 0.0, 1.0}
    np.testing.assert_array_equal(ours.own["leader"], closes)
