"""BinHV45: a sudden fall through the lower Bollinger band, on candles of one minute."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import deviation, previous, sma


class BinHV45(Strategy, frozen=True):
    """Buys a large fall below wide bands that closed near its low; out at a small target or a wide stop."""

    family: ClassVar[Family] = "reversion"

    period: Annotated[int, Meta(ge=5, le=400, description="candles of the bands")] = 40
    width: Annotated[float, Meta(ge=0.5, le=6, description="bands, in standard deviations")] = 2.0
    least_band: Annotated[float, Meta(gt=0, le=20, description="least distance of band and mean, in percent")] = 0.8
    least_fall: Annotated[float, Meta(gt=0, le=20, description="least change to the close before, in percent")] = 1.75
    most_tail: Annotated[float, Meta(gt=0, le=1, description="most of the band's distance below the close")] = 0.25
    target_percent: Annotated[float, Meta(gt=0, le=100, description="target above the close, in percent")] = 1.25
    stop_percent: Annotated[float, Meta(gt=0, le=50, description="stop below the close, in percent")] = 5.0

    @property
    def lookback(self) -> int:
        """The bands of the candle before."""
        return self.period + 1

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return +1 at such a fall; it never sells, stop and target do."""
        close = columns.close
        band = self.width * deviation(close, self.period)
        lower = previous(sma(close, self.period) - band)
        fall = np.abs(close - previous(close))
        buys = (
            (lower > 0)
            & (band > close * (self.least_band / 100))
            & (fall > close * (self.least_fall / 100))
            & (close - columns.low < band * self.most_tail)
            & (close < lower)
            & (close <= previous(close))
        )
        return Evaluation(
            buys.astype(np.float64),
            stop_distance=close * (self.stop_percent / 100),
            target_distance=close * (self.target_percent / 100),
        )
