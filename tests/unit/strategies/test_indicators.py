"""Indicators against another library, against their definitions as plain loops, and against published numbers."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.columns import Columns, Floats
from roottrading.domain.time import DAY, MINUTE
from roottrading.strategies import indicators
from tests.unit.strategies.samples import recorded, references, rows, standstill

CANDLES = recorded()
OPEN_TIME, HIGH, LOW, CLOSE, VOLUME = CANDLES.open_time, CANDLES.high, CANDLES.low, CANDLES.close, CANDLES.volume
REFERENCES: dict[str, Callable[[], Floats]] = {
    **{f"ema_{n}": lambda n=n: indicators.ema(CLOSE, n) for n in (12, 20, 26)},  # type: ignore[misc]
    **{f"sma_{n}": lambda n=n: indicators.sma(CLOSE, n) for n in (20, 50)},  # type: ignore[misc]
    **{f"atr_{n}": lambda n=n: indicators.atr(HIGH, LOW, CLOSE, n) for n in (10, 14, 20)},  # type: ignore[misc]
    **{f"tema_{n}": lambda n=n: indicators.tema(CLOSE, n) for n in (9, 21)},  # type: ignore[misc]
    **{f"deviation_{n}": lambda n=n: indicators.deviation(CLOSE, n) for n in (20, 100)},  # type: ignore[misc]
    "wma_20": lambda: indicators.wma(CLOSE, 20),
    "hull_55": lambda: indicators.hull(CLOSE, 55),
    "rsi_14": lambda: indicators.rsi(CLOSE, 14),
    "williams_14": lambda: indicators.williams_r(HIGH, LOW, CLOSE, 14),
    "cci_20": lambda: indicators.cci(HIGH, LOW, CLOSE, 20),
    "mfi_14": lambda: indicators.mfi(HIGH, LOW, CLOSE, VOLUME, 14),
    "money_flow_20": lambda: indicators.chaikin_money_flow(HIGH, LOW, CLOSE, VOLUME, 20),
    "roc_24": lambda: 100 * indicators.rate_of_change(CLOSE, 24),
    "stochastic_k": lambda: indicators.stochastic(HIGH, LOW, CLOSE, 14, 3)[0],
    "stochastic_d": lambda: indicators.stochastic(HIGH, LOW, CLOSE, 14, 3)[1],
    "adx": lambda: indicators.directional(HIGH, LOW, CLOSE, 14)[0],
    "plus": lambda: indicators.directional(HIGH, LOW, CLOSE, 14)[1],
    "minus": lambda: indicators.directional(HIGH, LOW, CLOSE, 14)[2],
    "macd_line": lambda: indicators.macd(CLOSE, 12, 26, 9)[0],
    "macd_signal": lambda: indicators.macd(CLOSE, 12, 26, 9)[1],
    "macd_histogram": lambda: indicators.macd(CLOSE, 12, 26, 9)[2],
    "ppo_line": lambda: indicators.ppo(CLOSE, 12, 26, 9)[0],
    "ppo_signal": lambda: indicators.ppo(CLOSE, 12, 26, 9)[1],
    "trix_line": lambda: indicators.trix(CLOSE, 15, 9)[0],
    "aroon_oscillator": lambda: indicators.aroon(HIGH, LOW, 25),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_agrees_with_another_library(name: str) -> None:
    expected = references()[name]
    ours = REFERENCES[name]()[-len(expected) :]
    np.testing.assert_allclose(ours, expected, rtol=1e-7, atol=1e-7 * np.abs(expected).mean())


def test_rsi_of_the_published_example() -> None:
    """The worked example of StockCharts' ChartSchool, which follows Wilder's book."""
    closes = [44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826]
    closes += [45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439]
    result = indicators.rsi(np.array(closes), 14)
    np.testing.assert_allclose(result[14:], [70.53, 66.32, 66.55, 69.41, 66.36, 57.97], atol=0.01)


def test_ichimoku_lines_are_middles_of_ranges() -> None:
    for name, period in (("turning", 9), ("base", 26)):
        middle = (indicators.highest(HIGH, period) + indicators.lowest(LOW, period)) / 2
        np.testing.assert_allclose(middle[-400:], references()[name])


def test_obv_flow_is_the_change_of_on_balance_volume() -> None:
    obv = references()["obv"]
    flow = indicators.obv_flow(CLOSE, VOLUME, 48)[-400 + 48 :]
    traded = [math.fsum(VOLUME[-400 + row - 47 : -400 + row + 1]) for row in range(48, 399)]
    np.testing.assert_allclose(flow[:-1], (obv[48:-1] - obv[:-49]) / traded, rtol=1e-9)


def test_kama_follows_its_definition() -> None:
    """Whatever it is begun with: after 1,900 candles nothing of it is left."""
    value = CLOSE[10]
    for row in range(11, len(CLOSE)):
        way = sum(abs(CLOSE[k] - CLOSE[k - 1]) for k in range(row - 9, row + 1))
        efficiency = abs(CLOSE[row] - CLOSE[row - 10]) / way
        value += (efficiency * (2 / 3 - 2 / 31) + 2 / 31) ** 2 * (CLOSE[row] - value)
    assert indicators.kama(CLOSE, 10)[-1] == pytest.approx(value, rel=1e-9)


def test_parabolic_sar_follows_its_definition() -> None:
    """Wilder's rules, begun at the first turn that TA-Lib makes."""
    line = indicators.parabolic_sar(HIGH, LOW, 0.02, 0.2)
    rising = line[1:] <= LOW[1:]
    start = int(np.flatnonzero(rising[1:] & ~rising[:-1])[3]) + 2
    long, extreme, step = True, HIGH[start], 0.02
    stop, turns = line[start], 0
    for row in range(start + 1, len(LOW)):
        stop += step * (extreme - stop)
        stop = min(stop, LOW[row - 1], LOW[row - 2]) if long else max(stop, HIGH[row - 1], HIGH[row - 2])
        if (long and LOW[row] <= stop) or (not long and HIGH[row] >= stop):
            turns += 1
            stop = max(extreme, HIGH[row]) if long else min(extreme, LOW[row])
            stop = max(stop, HIGH[row - 1]) if long else min(stop, LOW[row - 1])
            long, step = not long, 0.02
            extreme = HIGH[row] if long else LOW[row]
        elif long and HIGH[row] > extreme:
            extreme, step = HIGH[row], min(step + 0.02, 0.2)
        elif not long and LOW[row] < extreme:
            extreme, step = LOW[row], min(step + 0.02, 0.2)
        assert line[row] == pytest.approx(stop, rel=1e-9), row
    assert turns > 50


def plain_supertrend(columns: Columns, period: int, multiple: float) -> tuple[list[float], list[float], int]:
    """The charted definition, candle by candle; the direction is 0 before the first turn.

    Also how many candles broke both bands.
    """
    spans = indicators.atr(columns.high, columns.low, columns.close, period)
    direction, line = [0.0] * period, [math.nan] * period
    upper = lower = 0.0
    both = 0
    for row in range(period, len(columns)):
        middle = (columns.high[row] + columns.low[row]) / 2
        high, low = middle + multiple * spans[row], middle - multiple * spans[row]
        if row == period or high < upper or columns.close[row - 1] > upper:
            upper = high
        if row == period or low > lower or columns.close[row - 1] < lower:
            lower = low
        up, down = columns.close[row] > upper, columns.close[row] < lower
        both += up and down
        turned = -direction[-1] if up and down else 1.0 if up else -1.0 if down else direction[-1]
        direction.append(turned)
        line.append(lower if turned > 0 else upper)
    return direction, line, both


@pytest.mark.parametrize(("period", "multiple"), [(10, 3.0), (5, 0.5), (14, 8.0)])
def test_supertrend_follows_its_definition(period: int, multiple: float) -> None:
    direction, line = indicators.supertrend(HIGH, LOW, CLOSE, period, multiple)
    expected, expected_line, _ = plain_supertrend(CANDLES, period, multiple)
    assert len(set(expected)) == 3
    np.testing.assert_array_equal(direction, expected)
    np.testing.assert_allclose(line, expected_line, rtol=1e-12)


def test_supertrend_turns_round_where_a_candle_breaks_both_bands() -> None:
    random = np.random.default_rng(7)
    low = 100 + random.normal(size=2000) * 3
    close, high = low + 0.01, low + random.exponential(9, 2000) + 0.02
    columns = Columns(OPEN_TIME, close, high, low, close, close)
    expected, _, both = plain_supertrend(columns, 3, 0.1)
    direction, _ = indicators.supertrend(high, low, close, 3, 0.1)
    np.testing.assert_array_equal(direction, expected)
    assert both > 100


@pytest.mark.parametrize("first", [0, 144, 200])  # 00:00 is row 144
def test_session_vwap_follows_its_definition(first: int) -> None:
    seen = rows(CANDLES, first, len(CANDLES))
    price, spread = indicators.session_vwap(seen.open_time, seen.high, seen.low, seen.close, seen.volume, 250)
    for row in [*range(0, 400, 7), *range(400, len(CLOSE) - first, 53)]:
        begin = row
        while begin > 0 and OPEN_TIME[first + begin] % DAY:
            begin -= 1
        day = slice(first + begin, first + row + 1)
        if OPEN_TIME[first + begin] % DAY or OPEN_TIME[first + row] % DAY >= 250 * 5 * MINUTE:
            assert np.isnan(price[row])
            assert np.isnan(spread[row])
            continue
        typical = (HIGH[day] + LOW[day] + CLOSE[day]) / 3
        mean = math.fsum(typical * VOLUME[day]) / math.fsum(VOLUME[day])
        variance = math.fsum((typical - mean) ** 2 * VOLUME[day]) / math.fsum(VOLUME[day])
        assert price[row] == pytest.approx(mean, rel=1e-12)
        assert spread[row] == pytest.approx(math.sqrt(variance), rel=1e-6, abs=1e-6)


@given(
    st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), max_size=70),
    st.integers(1, 40),
    st.integers(0, 20),
)
def test_rolling_sums_are_those_of_their_windows_alone(values: list[float], period: int, skipped: int) -> None:
    column = np.array(values)
    sums = indicators.rolling_sum(column, period)
    assert len(sums) == len(values)
    assert np.isnan(sums[: period - 1]).all()
    for row in range(period - 1, len(values)):
        window = values[row - period + 1 : row + 1]
        assert sums[row] == pytest.approx(math.fsum(window), abs=1e-15 * period * sum(map(abs, window)))
    later = indicators.rolling_sum(column[skipped:], period)
    whole = sums[skipped:]
    known = ~np.isnan(later)
    np.testing.assert_array_equal(later[known], whole[known])


def test_a_span_without_volume_sums_up_to_nothing() -> None:
    volume = np.concatenate((np.full(50, 123456.789), np.zeros(30), np.ones(5)))
    assert indicators.rolling_sum(volume, 20)[79] == 0.0


def test_deviation_keeps_its_digits_in_a_calm_market() -> None:
    """Squares of prices would leave nothing of a deviation of a ten-millionth."""
    close = 60_000.0 + np.tile([0.0, 0.01], 50)
    np.testing.assert_allclose(indicators.deviation(close, 10)[9:], 0.005, rtol=1e-6)
    tiny = close * 1e-9
    np.testing.assert_allclose(indicators.deviation(tiny, 10)[9:], 0.005e-9, rtol=1e-6)


def test_crosses_need_both_sides() -> None:
    fast = np.array([np.nan, 1.0, 3.0, 2.0, 2.0, 3.0, 1.0, 2.0])
    crossed, upward = indicators.crosses(fast, np.full(8, 2.0))
    assert crossed.tolist() == [2, 5, 6]
    assert upward.tolist() == [True, True, False]


def test_held_levels_last_until_the_next() -> None:
    result = indicators.held(np.array([2, 3, 6]), np.array([1.0, -1.0, 0.5]), 8)
    assert result.tolist() == [0, 0, 1, -1, -1, -1, 0.5, 0.5]
    assert indicators.held(np.array([], dtype=np.int64), np.array([]), 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("price", [4e-9, 0.1, 6e4])
@pytest.mark.parametrize("volume", [0.0, 3.3])
def test_a_market_that_stands_still_is_in_the_middle(price: float, volume: float) -> None:
    quiet = standstill(300, price, volume)
    high, low, close = quiet.high, quiet.low, quiet.close
    middles = {
        50.0: (
            indicators.rsi(close, 14),
            *indicators.stochastic(high, low, close, 14, 3),
            indicators.mfi(high, low, close, quiet.volume, 14),
        ),
        -50.0: (indicators.williams_r(high, low, close, 14),),
        0.0: (
            indicators.cci(high, low, close, 20),
            indicators.zscore(close, 20),
            indicators.aroon(high, low, 25),
            indicators.obv_flow(close, quiet.volume, 20),
            indicators.chaikin_money_flow(high, low, close, quiet.volume, 20),
            *indicators.directional(high, low, close, 14),
        ),
    }
    for middle, columns in middles.items():
        for column in columns:
            np.testing.assert_allclose(column[100:], middle, atol=1e-6)
