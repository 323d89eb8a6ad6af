"""Bollinger reversion: from outside the bands back to the mean."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import ratio, spread
from roottrading.strategies.levels import against, plan


class BollingerReversion(Strategy, frozen=True):
    """Mean reversion: buys below the lower Bollinger band, sells above the upper one; the mean is the target."""

    family: ClassVar[Family] = "reversion"

    period: Annotated[int, Meta(ge=2, le=500, description="candles of mean and deviation")] = 20
    width: Annotated[float, Meta(ge=0.5, le=6, description="bands, in standard deviations from the mean")] = 2.0
    stop_widths: Annotated[float, Meta(ge=0.1, le=10, description="stop below the close, in band widths")] = 1.5

    @property
    def lookback(self) -> int:
        """Mean and deviation hold nothing older."""
        return self.period

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return half a conviction at the bands, a full one at twice their distance."""
        mean, unit = spread(columns.close, self.period)
        distance = ratio(columns.close - mean, unit, 0.0)
        return Evaluation(
            against(distance, -self.width, self.width, -2 * self.width, 2 * self.width),
            stop_distance=plan(self.stop_widths * self.width * unit),
            target_distance=plan(mean - columns.close),
        )
