"""ClucMay: a dip far below the lower Bollinger band that is no panic, sold in the middle or after a time."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import deviation, ema, previous, sma


class ClucMay(Strategy, frozen=True):
    """Buys below a falling average and far below the band, unless volume explodes; sells above the bands' middle."""

    family: ClassVar[Family] = "reversion"

    period: Annotated[int, Meta(ge=5, le=400, description="candles of the bands")] = 20
    width: Annotated[float, Meta(ge=0.5, le=6, description="bands, in standard deviations")] = 2.0
    depth_percent: Annotated[float, Meta(ge=0, le=20, description="how far below the band, in percent")] = 1.5
    average: Annotated[int, Meta(ge=5, le=400, description="candles of the average it must be below")] = 100
    usual: Annotated[int, Meta(ge=2, le=400, description="candles of the usual volume")] = 30
    panic: Annotated[float, Meta(ge=1, le=1000, description="volume, in usual ones, from which on it is panic")] = 20.0
    stop_percent: Annotated[float, Meta(gt=0, le=50, description="stop below the close, in percent")] = 5.0
    time_limit: Annotated[int, Meta(ge=1, le=10_000, description="candles after which it is sold anyhow")] = 144

    @property
    def lookback(self) -> int:
        """The average needs most: ten times its candles."""
        return max(10 * self.average, self.period, self.usual + 1)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return +1 in such a dip, -1 above the middle of the bands."""
        close = columns.close
        middle = sma(close, self.period)
        lower = middle - self.width * deviation(close, self.period)
        buys = (
            (close < ema(close, self.average))
            & (close < lower * (1 - self.depth_percent / 100))
            & (columns.volume < self.panic * previous(sma(columns.volume, self.usual)))
        )
        return Evaluation(
            buys.astype(np.float64) - (close > middle),
            stop_distance=close * (self.stop_percent / 100),
            time_limit=np.full(len(close), self.time_limit),
            tag=np.where(buys, "dip", ""),
        )
