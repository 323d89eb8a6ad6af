"""Indicators: TA-Lib's, typed, and those it lacks. Arrays in, arrays of the same length out, NaN while they warm up.

Import them from here: `from roottrading.strategies.indicators import atr, ema`. `talib` is the library itself.
"""

from roottrading.strategies.indicators.averages import ema, hull, kama, tema, wma
from roottrading.strategies.indicators.events import crosses, held
from roottrading.strategies.indicators.joined import on_its_candles
from roottrading.strategies.indicators.library import talib
from roottrading.strategies.indicators.oscillators import (
    aroon,
    cci,
    macd,
    ppo,
    rate_of_change,
    rsi,
    stochastic,
    trix,
    williams_r,
)
from roottrading.strategies.indicators.rolling import (
    deviation,
    highest,
    lowest,
    previous,
    ratio,
    rolling_sum,
    sma,
    spread,
    zscore,
)
from roottrading.strategies.indicators.volatility import atr, directional, parabolic_sar, supertrend
from roottrading.strategies.indicators.volume import chaikin_money_flow, mfi, obv_flow, session_vwap

__all__ = [
    "aroon",
    "atr",
    "cci",
    "chaikin_money_flow",
    "crosses",
    "deviation",
    "directional",
    "ema",
    "held",
    "highest",
    "hull",
    "kama",
    "lowest",
    "macd",
    "mfi",
    "obv_flow",
    "on_its_candles",
    "parabolic_sar",
    "ppo",
    "previous",
    "rate_of_change",
    "ratio",
    "rolling_sum",
    "rsi",
    "session_vwap",
    "sma",
    "spread",
    "stochastic",
    "supertrend",
    "talib",
    "tema",
    "trix",
    "williams_r",
    "wma",
    "zscore",
]
