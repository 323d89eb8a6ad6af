"""Z-score reversion: against a price far from its mean."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import zscore
from roottrading.strategies.levels import graded, only


class ZscoreReversion(Strategy, frozen=True):
    """Mean reversion: the further the close is from its mean, in standard deviations, the surer it is against it."""

    family: ClassVar[Family] = "reversion"

    period: Annotated[int, Meta(ge=5, le=1000, description="candles of mean and deviation")] = 100
    threshold: Annotated[float, Meta(ge=0, le=5, description="deviations below which there is no opinion")] = 1.5
    full: Annotated[float, Meta(ge=0.5, le=10, description="deviations at which conviction is full")] = 3.0
    time_limit: Annotated[int, Meta(ge=1, le=1000, description="candles after which a position is closed")] = 100

    @property
    def lookback(self) -> int:
        """Mean and deviation hold nothing older."""
        return self.period

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return the distance with the opposite sign."""
        distance = zscore(columns.close, self.period)
        return Evaluation(
            only(-graded(distance, self.full), np.abs(distance) > self.threshold),
            time_limit=np.full(len(distance), self.time_limit),
        )
