"""ROC momentum: with a change that is large for this market."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import rate_of_change, sma
from roottrading.strategies.levels import graded, only


class RocMomentum(Strategy, frozen=True):
    """Momentum: the rate of change over some candles, measured in the deviation that so many candles usually have."""

    family: ClassVar[Family] = "momentum"

    period: Annotated[int, Meta(ge=2, le=500, description="candles of the change")] = 24
    usual: Annotated[int, Meta(ge=20, le=2000, description="candles from which the usual deviation is taken")] = 200
    threshold: Annotated[float, Meta(ge=0, le=5, description="deviations below which there is no opinion")] = 1.0
    full: Annotated[float, Meta(ge=0.1, le=10, description="deviations at which conviction is full")] = 2.5

    @property
    def lookback(self) -> int:
        """Change and deviation hold nothing older."""
        return max(self.period, self.usual) + 1

    def evaluate(self, columns: Columns) -> Floats:
        """Return the change as a share of the full one."""
        change = rate_of_change(columns.close, self.period)
        steps = rate_of_change(columns.close, 1)
        usual = np.sqrt(sma(steps * steps, self.usual) * self.period)
        return only(graded(change, self.full * usual), np.abs(change) > self.threshold * usual)
