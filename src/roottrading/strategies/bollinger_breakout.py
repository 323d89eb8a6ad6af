"""Bollinger breakout: with a close outside the bands."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import highest, lowest, previous, ratio, spread
from roottrading.strategies.levels import graded, only


class BollingerBreakout(Strategy, frozen=True):
    """Breakout: buys a close above the upper Bollinger band, sells one below the lower; tagged after narrow bands."""

    family: ClassVar[Family] = "breakout"

    period: Annotated[int, Meta(ge=2, le=500, description="candles of mean and deviation")] = 20
    width: Annotated[float, Meta(ge=0.5, le=6, description="bands, in standard deviations from the mean")] = 2.0
    squeeze_period: Annotated[
        int,
        Meta(
            ge=10,
            le=1000,
            description="candles among which the bands before the breakout were the narrowest fifth of their range",
        ),
    ] = 100

    @property
    def lookback(self) -> int:
        """Bands hold `period` candles, their range those of `squeeze_period` more."""
        return self.period + self.squeeze_period

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return how far outside the close is; inside the bands there is no opinion."""
        mean, unit = spread(columns.close, self.period)
        distance, width = ratio(columns.close - mean, unit, 0.0), unit / mean
        narrow, wide = lowest(width, self.squeeze_period), highest(width, self.squeeze_period)
        squeezed = previous(width - narrow) <= 0.2 * previous(wide - narrow)
        return Evaluation(
            only(graded(distance, 1.5 * self.width), np.abs(distance) > self.width),
            tag=np.where(squeezed, "squeeze", ""),
        )
