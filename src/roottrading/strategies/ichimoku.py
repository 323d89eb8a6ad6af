"""Ichimoku: above or below the cloud."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import highest, lowest, previous


class Ichimoku(Strategy, frozen=True):
    """Trend following: +1 above the cloud with the turning line above the base line, -1 below it with both reversed."""

    family: ClassVar[Family] = "trend"

    turning: Annotated[int, Meta(ge=2, le=200, description="candles of the turning line")] = 9
    base: Annotated[
        int, Meta(ge=3, le=400, description="candles of the base line, and by which the cloud is ahead")
    ] = 26
    span: Annotated[int, Meta(ge=4, le=800, description="candles of the slow edge of the cloud")] = 52

    @property
    def lookback(self) -> int:
        """The cloud over a candle was drawn `base` candles before it."""
        return self.base + max(self.turning, self.base, self.span)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the side where cloud and lines agree; elsewhere, as inside the cloud, there is no opinion."""
        turning, base, slow = (
            (highest(columns.high, period) + lowest(columns.low, period)) / 2
            for period in (self.turning, self.base, self.span)
        )
        one, other = previous((turning + base) / 2, self.base), previous(slow, self.base)
        above = (columns.close > one) & (columns.close > other) & (turning > base)
        below = (columns.close < one) & (columns.close < other) & (turning < base)
        return np.asarray(above.astype(np.float64) - below)
