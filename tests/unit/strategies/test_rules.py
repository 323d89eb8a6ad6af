"""Every strategy's rule, written once more for a single candle, on what another library computed."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from roottrading.domain.columns import Floats
from roottrading.domain.time import DAY
from roottrading.services.analyzer.evaluation import evaluate
from roottrading.strategies.catalog import builtin, make
from tests.unit.strategies.samples import recorded, references
from tests.unit.strategies.test_indicators import plain_supertrend

CANDLES = recorded()
KEPT = 400
FIRST = len(CANDLES) - KEPT  # the references begin with this candle
R = references()
HIGH, LOW, CLOSE, VOLUME = (c[FIRST:] for c in (CANDLES.high, CANDLES.low, CANDLES.close, CANDLES.volume))

SUPERTREND, SUPERTREND_LINE, _ = plain_supertrend(CANDLES, 10, 3.0)


def sign(number: float) -> float:
    return float(number > 0) - float(number < 0)


def clip(number: float) -> float:
    return max(-1.0, min(1.0, number))


def extreme(value: float, low: float, high: float, bottom: float, top: float) -> float:
    if value < low:
        return min(0.5 + 0.5 * (low - value) / (low - bottom), 1)
    return max(-0.5 - 0.5 * (value - high) / (top - high), -1) if value > high else 0


def before(row: int, count: int) -> slice:
    return slice(FIRST + row - count, FIRST + row)


def bands(row: int, period: int) -> float:
    last = CANDLES.close[before(row + 1, period)]
    return float((CLOSE[row] - last.mean()) / last.std())


def ema_rsi_cross(row: int) -> float:
    while sign(R["ema_12"][row] - R["ema_26"][row]) == sign(R["ema_12"][row - 1] - R["ema_26"][row - 1]):
        row -= 1
    return -1 if R["ema_12"][row] < R["ema_26"][row] else float(R["rsi_14"][row] < 70)


def donchian_breakout(row: int) -> float:
    return float(CLOSE[row] > CANDLES.high[before(row, 20)].max()) - float(
        CLOSE[row] < CANDLES.low[before(row, 10)].min()
    )


def atr_breakout(row: int) -> float:
    moves = (CLOSE[row] - CLOSE[row - 1]) / (1.5 * R["atr_14"][row - 1])
    return clip(moves / 2) if abs(moves) > 1 else 0


def adx_trend(row: int) -> float:
    return sign(R["plus"][row] - R["minus"][row]) * clip(R["adx"][row] / 50) if R["adx"][row] >= 25 else 0


def stochastic(row: int) -> float:
    level = extreme(R["stochastic_d"][row], 20, 80, 0, 100)
    return level if sign(R["stochastic_k"][row] - R["stochastic_d"][row]) == sign(level) else 0


def obv_trend(row: int) -> float:
    flow = (R["obv"][row] - R["obv"][row - 48]) / math.fsum(CANDLES.volume[before(row + 1, 48)])
    return clip(flow / 0.4) if abs(flow) >= 0.1 else 0


def roc_momentum(row: int) -> float:
    last = CANDLES.close[before(row + 1, 201)]
    usual = math.sqrt(np.mean((last[1:] / last[:-1] - 1) ** 2) * 24)
    change = R["roc_24"][row] / 100
    return clip(change / usual / 2.5) if abs(change) > usual else 0


def vwap_reversion(row: int) -> float:
    first = FIRST + row
    while CANDLES.open_time[first] % DAY:
        first -= 1
    seen = slice(first, FIRST + row + 1)
    typical = (CANDLES.high[seen] + CANDLES.low[seen] + CANDLES.close[seen]) / 3
    mean = np.average(typical, weights=CANDLES.volume[seen])
    spread = math.sqrt(np.average((typical - mean) ** 2, weights=CANDLES.volume[seen]))
    return extreme((CLOSE[row] - mean) / spread, -2, 2, -4, 4) if spread else 0


def beside(value: float, threshold: float, full: float) -> float:
    return clip(value / full) if abs(value) >= threshold else 0


def ichimoku(row: int) -> float:
    last = before(row + 1 - 26, 52)
    one = (R["turning"][row - 26] + R["base"][row - 26]) / 2
    other = (CANDLES.high[last].max() + CANDLES.low[last].min()) / 2
    trend = sign(R["turning"][row] - R["base"][row])
    if CLOSE[row] > max(one, other):
        return float(trend > 0)
    return -float(trend < 0) if CLOSE[row] < min(one, other) else 0


def kama(row: int) -> float:
    value = CANDLES.close[10]
    for at in range(11, FIRST + row + 1):
        last = CANDLES.close[at - 10 : at + 1]
        efficiency = abs(last[-1] - last[0]) / np.abs(np.diff(last)).sum()
        value += (efficiency * (2 / 3 - 2 / 31) + 2 / 31) ** 2 * (last[-1] - value)
    return beside((CLOSE[row] - value) / R["atr_14"][row], 0.5, 2)


RULES: dict[str, Callable[[int], float]] = {
    "adx_trend": adx_trend,
    "aroon": lambda row: beside(R["aroon_oscillator"][row] / 100, 0.5, 1),
    "atr_breakout": atr_breakout,
    "bollinger_breakout": lambda row: clip(bands(row, 20) / 3) if abs(bands(row, 20)) > 2 else 0,
    "bollinger_reversion": lambda row: extreme(bands(row, 20), -2, 2, -4, 4),
    "cci": lambda row: beside(R["cci_20"][row], 100, 200),
    "chaikin_money_flow": lambda row: beside(R["money_flow_20"][row], 0.05, 0.25),
    "donchian_breakout": donchian_breakout,
    "ema_cross": lambda row: sign(R["ema_12"][row] - R["ema_26"][row]),
    "ema_rsi_cross": ema_rsi_cross,
    "hull_trend": lambda row: clip((R["hull_55"][row] - R["hull_55"][row - 3]) / R["atr_14"][row] / 0.5),
    "ichimoku": ichimoku,
    "kama": kama,
    "keltner_breakout": lambda row: (
        clip((CLOSE[row] - R["ema_20"][row]) / R["atr_10"][row] / 3)
        if abs(CLOSE[row] - R["ema_20"][row]) > 2 * R["atr_10"][row]
        else 0
    ),
    "macd": lambda row: clip(R["macd_histogram"][row] / R["atr_14"][row] / 0.25),
    "mfi": lambda row: extreme(R["mfi_14"][row], 20, 80, 0, 100),
    "obv_trend": obv_trend,
    "ppo": lambda row: (sign(R["ppo_line"][row]) + sign(R["ppo_line"][row] - R["ppo_signal"][row])) / 2,
    "roc_momentum": roc_momentum,
    "rsi_reversion": lambda row: extreme(R["rsi_14"][row], 30, 70, 0, 100),
    "sma_cross": lambda row: sign(R["sma_20"][row] - R["sma_50"][row]),
    "stochastic": stochastic,
    "supertrend": lambda row: SUPERTREND[FIRST + row],
    "tema_cross": lambda row: sign(R["tema_9"][row] - R["tema_21"][row]),
    "vwap_reversion": vwap_reversion,
    "williams_r": lambda row: extreme(R["williams_14"][row], -80, -20, -100, 0),
    "zscore_reversion": lambda row: clip(-bands(row, 100) / 3) if abs(bands(row, 100)) > 1.5 else 0,
}
OF_THEIR_INDICATOR_ALONE = {"parabolic_sar", "trix"}  # the rule is a sign; their indicators have tests of their own


def conviction(name: str) -> Floats:
    return evaluate(make(name), CANDLES).conviction[FIRST:]


def test_every_strategy_has_a_rule_here() -> None:
    assert set(builtin()) == set(RULES) | OF_THEIR_INDICATOR_ALONE


@pytest.mark.parametrize("name", RULES)
def test_follows_its_rule(name: str) -> None:
    ours = conviction(name)
    chosen = range(60, KEPT, 20 if name == "kama" else 1)
    expected = np.array([RULES[name](row) for row in chosen])
    np.testing.assert_allclose(ours[60 :: chosen.step], expected, atol=1e-6)
    assert len({sign(level) for level in ours}) > 1, "the sample must contain what the rule looks for"


def test_trix_agrees_with_line_and_signal() -> None:
    line = R["trix_line"]
    signal = line[0]
    ours = conviction("trix")
    for row in range(1, KEPT):
        signal += 0.2 * (line[row] - signal)
        if row > 150:  # the signal line has forgotten what it was begun with
            assert ours[row] == (sign(line[row]) + sign(line[row] - signal)) / 2


def test_parabolic_sar_is_on_the_side_of_its_stop() -> None:
    said = evaluate(make("parabolic_sar"), CANDLES)
    long = said.conviction[FIRST:] > 0
    assert 0 < long.sum() < KEPT
    stop = CLOSE - said.plan["stop_distance"][FIRST:]
    assert (stop[long] <= CLOSE[long] - R["atr_14"][long] + 1e-9).all()


def bollinger_plan(row: int) -> tuple[float, float]:
    last = CANDLES.close[before(row + 1, 20)]
    return 1.5 * 2 * float(last.std()), float(last.mean() - CLOSE[row])


def supertrend_plan(row: int) -> tuple[float, float]:
    away = CLOSE[row] - SUPERTREND_LINE[FIRST + row]
    return max(away, 0.5 * 3 * R["atr_10"][row]), math.nan


PLANS: dict[str, Callable[[int], tuple[float, float]]] = {
    "bollinger_reversion": bollinger_plan,
    "donchian_breakout": lambda row: (2 * R["atr_20"][row], math.nan),
    "ema_rsi_cross": lambda row: (0.02 * CLOSE[row], 0.04 * CLOSE[row]),
    "keltner_breakout": lambda row: (CLOSE[row] - R["ema_20"][row], math.nan),
    "supertrend": supertrend_plan,
}


@pytest.mark.parametrize("name", PLANS)
def test_stop_and_target_are_where_the_rule_puts_them(name: str) -> None:
    said = evaluate(make(name), CANDLES)
    none = np.full(len(CANDLES), np.nan)
    for row in range(KEPT):
        stop, target = (distance if distance > 0 else math.nan for distance in PLANS[name](row))
        assert said.plan["stop_distance"][FIRST + row] == pytest.approx(stop, rel=1e-6, nan_ok=True)
        ours = said.plan.get("target_distance", none)[FIRST + row]
        assert ours == pytest.approx(target, rel=1e-6, abs=1e-6, nan_ok=True)


def test_time_limits_are_as_given() -> None:
    for name, given in (("atr_breakout", 7), ("zscore_reversion", 9)):
        assert (evaluate(make(name, {"time_limit": given}), CANDLES).plan["time_limit"] == given).all()


def test_breakouts_out_of_narrow_bands_are_tagged() -> None:
    tags = evaluate(make("bollinger_breakout"), CANDLES).tag
    assert tags is not None
    bands_of = [CANDLES.close[row - 19 : row + 1] for row in range(19, len(CANDLES))]
    widths = [float(band.std() / band.mean()) for band in bands_of]
    for row in range(FIRST, len(CANDLES)):
        last = widths[row - 19 - 100 : row - 19]
        narrow = last[-1] <= min(last) + 0.2 * (max(last) - min(last))
        assert tags[row] == ("squeeze" if narrow else "")
    assert {*tags[FIRST:]} == {"", "squeeze"}
