"""A strategy that leaves nothing out: stops, targets, time limits, resting entries, `manage`, all by the candle."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.domain.position import Position
from roottrading.strategies.contract import HOLD, Adjustment, Evaluation, Strategy
from roottrading.strategies.indicators import ema
from roottrading.strategies.levels import above


class Restless(Strategy, frozen=True):
    """Above or below its average; the last digits of a candle's close decide what else it says of it."""

    manages: ClassVar[bool] = True

    slow: Annotated[int, Meta(ge=2, le=20, description="candles of the average")] = 3
    variety: Annotated[int, Meta(ge=0, le=1, description="1: with targets, time limits, entry limits and manage")] = 1

    @property
    def lookback(self) -> int:
        """Candles before a candle."""
        return 10 * self.slow

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return the side of the average, and what the digits choose."""
        close = columns.close
        digits = np.rint(close * 100).astype(np.int64)
        use = self.variety == 1
        return Evaluation(
            above(close, ema(close, self.slow)),
            stop_distance=np.where(use & (digits % 4 == 0), np.nan, 0.004 * close),
            target_distance=np.where(use & (digits % 3 > 0), 0.005 * close, np.nan),
            time_limit=np.where(use & (digits % 5 == 0), 3, 0),
            entry_limit=np.where(use & (digits % 2 == 0), 0.999 * close, np.nan),
            columns={"mood": (digits % 7).astype(np.float64)},
        )

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        """Leave, tighten the stop or set a target where the mood says so."""
        if self.variety == 0:
            return HOLD
        mood = row["mood"]
        if mood == 0 and position.quantity:
            return Adjustment(exit="mood")
        if mood == 1:
            return Adjustment(stop=position.highest_close * Decimal("0.997"))
        if mood == 2:
            return Adjustment(target=position.highest_close * Decimal("1.003"))
        return HOLD
