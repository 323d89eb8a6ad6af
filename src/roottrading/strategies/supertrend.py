"""Supertrend: long above a trailing band of ATR."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import atr, supertrend
from roottrading.strategies.levels import plan


class Supertrend(Strategy, frozen=True):
    """Trend following: +1 since the last close above the upper band, -1 since the last one below the lower band."""

    family: ClassVar[Family] = "trend"

    period: Annotated[int, Meta(ge=2, le=200, description="candles of the ATR")] = 10
    multiple: Annotated[float, Meta(ge=0.5, le=20, description="distance of the bands, in ATR")] = 3.0

    @property
    def lookback(self) -> int:
        """Long enough that the last turn, and the start of the band that led to it, lie inside."""
        return max(60 * self.period, 600)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return the direction, with a stop on the band but not too near."""
        high, low, close = columns.high, columns.low, columns.close
        trend, line = supertrend(high, low, close, self.period, self.multiple)
        nearest = 0.5 * self.multiple * atr(high, low, close, self.period)
        return Evaluation(trend, stop_distance=plan(np.maximum(close - line, nearest)))
