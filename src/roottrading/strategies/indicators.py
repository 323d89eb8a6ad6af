"""Indicators: TA-Lib's, typed, and the small ones it lacks. Arrays in, arrays of the same length out, NaN warm-up."""

import sys
from typing import Any

import numpy as np

from roottrading.domain.columns import Floats, Ints


def _import_talib() -> Any:
    """Import TA-Lib without the data frames it would pull in where they are installed (450 ms of start-up)."""
    hidden = {name: sys.modules.get(name) for name in ("pandas", "polars")}
    for name, module in hidden.items():
        if module is None:
            sys.modules[name] = None  # type: ignore[assignment]
    try:
        import talib  # noqa: PLC0415
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
    return talib


talib = _import_talib()


def ema(values: Floats, period: int) -> Floats:
    """Exponential moving average, seeded with the simple mean of the first `period` values."""
    result: Floats = talib.EMA(values, timeperiod=period)
    return result


def rsi(values: Floats, period: int) -> Floats:
    """Relative strength index, 0 to 100, Wilder's smoothing (J. W. Wilder, New Concepts in Technical Trading)."""
    result: Floats = talib.RSI(values, timeperiod=period)
    return result


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Average true range in quote price units, Wilder's smoothing (J. W. Wilder, same book)."""
    result: Floats = talib.ATR(high, low, close, timeperiod=period)
    return result


def crosses(fast: Floats, slow: Floats) -> tuple[Ints, Ints]:
    """Return the rows at which `fast` has just come to lie above `slow`, and those at which it has come to lie below.

    A touch is no cross: what touches and turns back has not crossed. NaN crosses nothing.
    """
    above, below = fast > slow, fast < slow
    up = np.flatnonzero(above[1:] & (fast[:-1] <= slow[:-1])) + 1
    down = np.flatnonzero(below[1:] & (fast[:-1] >= slow[:-1])) + 1
    return up, down


def held(rows: Ints, levels: Floats, length: int) -> Floats:
    """Return a column that takes each level at its row (ascending) and holds it until the next; 0 before the first."""
    lasting = np.diff(rows, prepend=0, append=length)
    return np.repeat(np.concatenate(([0.0], levels)), lasting)
