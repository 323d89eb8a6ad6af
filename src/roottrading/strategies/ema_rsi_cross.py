"""EMA cross, filtered by RSI: in at the cross from below unless the market is overbought, out at the opposite cross."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import crosses, ema, held, rsi


class EmaRsiCross(Strategy, frozen=True):
    """Trend following by events: +1 from a cross upward with a low enough RSI on, -1 from the opposite cross on.

    A cross upward while RSI is at or above `overbought` has no opinion until the next cross. Stop and target are
    shares of the close.
    """

    family: ClassVar[Family] = "trend"

    fast: Annotated[int, Meta(ge=2, le=400, description="candles of the fast average")] = 12
    slow: Annotated[int, Meta(ge=3, le=800, description="candles of the slow average")] = 26
    rsi_period: Annotated[int, Meta(ge=2, le=200, description="candles of the RSI")] = 14
    overbought: Annotated[float, Meta(ge=50, le=100, description="RSI from which on a cross upward is passed by")] = (
        70.0
    )
    stop_percent: Annotated[float, Meta(gt=0, le=50, description="stop below the close, in percent")] = 2.0
    target_percent: Annotated[float, Meta(gt=0, le=500, description="target above the close, in percent")] = 4.0

    @property
    def lookback(self) -> int:
        """Long enough that averages forget their start (10 n) and that a cross lies inside."""
        return 20 * max(self.fast, self.slow, self.rsi_period)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return the level since the last cross; 0 before the first."""
        close = columns.close
        rows, upward = crosses(ema(close, self.fast), ema(close, self.slow))
        levels = np.where(upward, rsi(close, self.rsi_period)[rows] < self.overbought, -1.0)
        return Evaluation(
            held(rows, levels, len(close)),
            stop_distance=close * (self.stop_percent / 100),
            target_distance=close * (self.target_percent / 100),
        )
