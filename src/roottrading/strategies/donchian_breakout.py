"""Donchian breakout: the turtles' channel."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import atr, highest, lowest, previous
from roottrading.strategies.levels import plan


class DonchianBreakout(Strategy, frozen=True):
    """Breakout: buys a close above the high of the candles before it, sells one below the low of fewer of them."""

    family: ClassVar[Family] = "breakout"

    entry: Annotated[int, Meta(ge=2, le=500, description="candles whose high must be exceeded")] = 20
    exit: Annotated[int, Meta(ge=2, le=500, description="candles whose low must be undercut")] = 10
    stop_atr: Annotated[float, Meta(ge=0.1, le=20, description="stop below the close, in ATR(20)")] = 2.0

    @property
    def lookback(self) -> int:
        """The channels hold their candles, ATR(20) forgets its start in 400."""
        return max(self.entry + 1, self.exit + 1, 400)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return +1 above the channel, -1 below it."""
        top, bottom = previous(highest(columns.high, self.entry)), previous(lowest(columns.low, self.exit))
        breakout = (columns.close > top).astype(np.float64) - (columns.close < bottom)
        volatility = atr(columns.high, columns.low, columns.close, 20)
        return Evaluation(breakout, stop_distance=plan(self.stop_atr * volatility))
