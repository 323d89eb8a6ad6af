"""What the analyzer measures of the market itself, the way strategies are evaluated: ATR(14) and the regime."""

from typing import Final

import numpy as np

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Strategy
from roottrading.strategies.indicators import talib

ATR_PERIOD: Final = 14
EFFICIENCY_PERIOD: Final = 32
RANGE_PERIOD: Final = 96
TRENDING: Final = 0.3  # Kaufman efficiency from which on a market has a direction
WILD: Final = 2.5  # true range of late, as a multiple of what was usual, from which on neither kind of rule holds

ATR: Final = "atr"
REGIME: Final = "regime"
REGIMES: Final = ("range", "trend", "wild")  # by code


class MarketState(Strategy, frozen=True):
    """Columns `atr` (quote price units) and `regime` (a code: the index into REGIMES), anchored like opinions.

    wild: ATR(14) is at least 2.5 times the mean true range of 96 candles. Else trend: the efficiency ratio over 32
    candles (net change over the sum of all changes; P. Kaufman, Trading Systems and Methods) is at least 0.3. Else
    range. Wilder's smoothing has forgotten its start to 6e-9 after the lookback.
    """

    @property
    def lookback(self) -> int:
        """Candles before a candle."""
        return 256

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return no conviction, and both columns; NaN while there is too little to measure."""
        high, low, close = columns.high, columns.low, columns.close
        atr = talib.ATR(high, low, close, timeperiod=ATR_PERIOD)
        usual = talib.SMA(talib.TRANGE(high, low, close), timeperiod=RANGE_PERIOD)
        change = np.abs(talib.MOM(close, timeperiod=EFFICIENCY_PERIOD))
        way = talib.SUM(np.abs(np.diff(close, prepend=close[:1])), timeperiod=EFFICIENCY_PERIOD)
        regime = np.where(change >= TRENDING * way, 1.0, 0.0)
        regime[way <= 0] = 0.0
        regime[(atr >= WILD * usual) & (usual > 0)] = 2.0
        regime[np.isnan(atr) | np.isnan(usual) | np.isnan(change) | np.isnan(way)] = np.nan
        return Evaluation(np.zeros(len(close)), columns={ATR: atr, REGIME: regime})
