"""CCI: with a market that leaves its usual range."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import cci
from roottrading.strategies.levels import graded, only


class Cci(Strategy, frozen=True):
    """Momentum: buys while the commodity channel index is above a threshold, sells while below its negative."""

    family: ClassVar[Family] = "momentum"

    period: Annotated[int, Meta(ge=2, le=500, description="candles of the index")] = 20
    threshold: Annotated[float, Meta(ge=10, le=400, description="index beyond which it follows")] = 100.0
    full: Annotated[float, Meta(ge=20, le=1000, description="index at which conviction is full")] = 200.0

    @property
    def lookback(self) -> int:
        """The index holds nothing older."""
        return self.period

    def evaluate(self, columns: Columns) -> Floats:
        """Return the index as a share of the full one."""
        index = cci(columns.high, columns.low, columns.close, self.period)
        return only(graded(index, self.full), np.abs(index) > self.threshold)
