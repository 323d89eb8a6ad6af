"""KAMA: with the price beside its adaptive average."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import atr, kama
from roottrading.strategies.levels import graded, only


class Kama(Strategy, frozen=True):
    """Trend following: the distance in ATR from Kaufman's adaptive average, which stands still in noise."""

    family: ClassVar[Family] = "trend"

    period: Annotated[int, Meta(ge=2, le=200, description="candles of the efficiency ratio")] = 10
    threshold: Annotated[
        float, Meta(ge=0, le=10, description="distance, in ATR(14), below which there is no opinion")
    ] = 0.5
    full: Annotated[float, Meta(ge=0.1, le=20, description="distance, in ATR(14), at which conviction is full")] = 2.0

    @property
    def lookback(self) -> int:
        """In noise the average is an EMA(500): it needs long to forget its start."""
        return max(1000, 10 * self.period)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the distance as a share of the full one."""
        distance = columns.close - kama(columns.close, self.period)
        volatility = atr(columns.high, columns.low, columns.close, 14)
        return only(graded(distance, self.full * volatility), np.abs(distance) >= self.threshold * volatility)
