"""OBV trend: with the side that the volume is on."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import obv_flow
from roottrading.strategies.levels import graded, only


class ObvTrend(Strategy, frozen=True):
    """Volume: the change of on-balance volume over some candles, as a share of all their volume."""

    family: ClassVar[Family] = "volume"

    period: Annotated[int, Meta(ge=2, le=500, description="candles over which volume is counted")] = 48
    full: Annotated[float, Meta(ge=0.05, le=1, description="share at which conviction is full")] = 0.4
    threshold: Annotated[float, Meta(ge=0, le=1, description="share below which there is no opinion")] = 0.1

    @property
    def lookback(self) -> int:
        """A change over a span holds nothing older, unlike on-balance volume itself."""
        return self.period + 1

    def evaluate(self, columns: Columns) -> Floats:
        """Return the share of volume on the rising side, less that on the falling one."""
        flow = obv_flow(columns.close, columns.volume, self.period)
        return only(graded(flow, self.full), np.abs(flow) >= self.threshold)
