"""ATR breakout: with a candle that moves further than usual."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import atr, previous
from roottrading.strategies.levels import graded, only


class AtrBreakout(Strategy, frozen=True):
    """Breakout: buys a rise of more than some ATR in one candle, sells such a fall; given up after a while."""

    family: ClassVar[Family] = "breakout"

    period: Annotated[int, Meta(ge=2, le=200, description="candles of the ATR before the candle")] = 14
    multiple: Annotated[float, Meta(ge=0.2, le=10, description="move from close to close, in ATR")] = 1.5
    time_limit: Annotated[int, Meta(ge=1, le=1000, description="candles after which a position is closed")] = 24

    @property
    def lookback(self) -> int:
        """Wilder's averages forget by 1 - 1/n a candle: after 20 n candles 2e-9 of the start is left."""
        return 20 * self.period + 1

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return half a conviction at the bound, a full one at twice the move."""
        usual = previous(atr(columns.high, columns.low, columns.close, self.period))
        move = columns.close - previous(columns.close)
        bound = self.multiple * usual
        return Evaluation(
            only(graded(move, 2 * bound), np.abs(move) > bound),
            time_limit=np.full(len(move), self.time_limit),
        )
