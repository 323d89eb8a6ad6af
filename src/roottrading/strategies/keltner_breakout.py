"""Keltner breakout: with a close outside a channel of ATR."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import atr, ema
from roottrading.strategies.levels import graded, only, plan


class KeltnerBreakout(Strategy, frozen=True):
    """Breakout: buys a close above the Keltner channel, sells one below it; the stop is the middle of the channel."""

    family: ClassVar[Family] = "breakout"

    period: Annotated[int, Meta(ge=2, le=400, description="candles of the middle, an EMA")] = 20
    atr_period: Annotated[int, Meta(ge=2, le=200, description="candles of the ATR")] = 10
    multiple: Annotated[float, Meta(ge=0.2, le=10, description="half the channel's height, in ATR")] = 2.0

    @property
    def lookback(self) -> int:
        """An EMA forgets its start in 10 times its period, Wilder's ATR in 20 times."""
        return max(10 * self.period, 20 * self.atr_period)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return how far outside the close is; inside the channel there is no opinion."""
        distance = columns.close - ema(columns.close, self.period)
        half = self.multiple * atr(columns.high, columns.low, columns.close, self.atr_period)
        return Evaluation(
            only(graded(distance, 1.5 * half), np.abs(distance) > half),
            stop_distance=plan(distance),
        )
