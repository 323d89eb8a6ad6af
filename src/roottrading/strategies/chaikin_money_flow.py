"""Chaikin money flow: with closes near the high on volume."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import chaikin_money_flow
from roottrading.strategies.levels import graded, only


class ChaikinMoneyFlow(Strategy, frozen=True):
    """Volume: buys where volume comes with closes near the candles' highs, sells where near their lows."""

    family: ClassVar[Family] = "volume"

    period: Annotated[int, Meta(ge=2, le=500, description="candles of the flow")] = 20
    threshold: Annotated[float, Meta(ge=0, le=1, description="flow below which there is no opinion")] = 0.05
    full: Annotated[float, Meta(ge=0.01, le=1, description="flow at which conviction is full")] = 0.25

    @property
    def lookback(self) -> int:
        """The flow holds nothing older."""
        return self.period

    def evaluate(self, columns: Columns) -> Floats:
        """Return the flow as a share of the full one."""
        flow = chaikin_money_flow(columns.high, columns.low, columns.close, columns.volume, self.period)
        return only(graded(flow, self.full), np.abs(flow) >= self.threshold)
