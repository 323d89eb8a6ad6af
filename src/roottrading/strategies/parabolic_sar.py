"""Parabolic SAR: long above the stop that catches up with the market."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import atr, parabolic_sar
from roottrading.strategies.levels import direction, plan


class ParabolicSar(Strategy, frozen=True):
    """Trend following: +1 while the parabolic stop lies below the close, -1 while above; it is the stop, too."""

    family: ClassVar[Family] = "trend"

    step: Annotated[float, Meta(ge=0.001, le=0.5, description="acceleration at the start and at each new extreme")] = (
        0.02
    )
    limit: Annotated[float, Meta(ge=0.01, le=1, description="highest acceleration")] = 0.2
    nearest_atr: Annotated[float, Meta(ge=0.1, le=10, description="least distance of the stop, in ATR(14)")] = 1.0

    @property
    def lookback(self) -> int:
        """Long enough for the two turns after which nothing of the start is left."""
        return max(int(10 / self.step), 300)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return the side on which the market is."""
        high, low, close = columns.high, columns.low, columns.close
        distance = close - parabolic_sar(high, low, self.step, self.limit)
        return Evaluation(
            direction(distance),
            stop_distance=plan(np.maximum(distance, self.nearest_atr * atr(high, low, close, 14))),
        )
