"""VWAP reversion: back to the day's average price."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import ratio, session_vwap
from roottrading.strategies.levels import against, plan


class VwapReversion(Strategy, frozen=True):
    """Mean reversion: buys far below the volume weighted price since 00:00 UTC, sells far above; it is the target."""

    family: ClassVar[Family] = "reversion"

    session: Annotated[
        int,
        Meta(
            ge=2,
            le=1440,
            description="candles of a UTC day that are looked at: 1440 of 1m, 288 of 5m, 96 of 15m, 24 of 1h",
        ),
    ] = 288
    width: Annotated[
        float, Meta(ge=0.5, le=6, description="distance at which it trades, in standard deviations of the price paid")
    ] = 2.0
    stop_widths: Annotated[float, Meta(ge=0.1, le=10, description="stop below the close, in such distances")] = 1.0

    @property
    def lookback(self) -> int:
        """The session of a candle begins so many candles before it, or less."""
        return self.session

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return half a conviction at the distance, a full one at twice of it; 0 after the session's last candle."""
        high, low, close = columns.high, columns.low, columns.close
        price, spread = session_vwap(columns.open_time, high, low, close, columns.volume, self.session)
        distance = ratio(close - price, spread, 0.0)
        return Evaluation(
            against(distance, -self.width, self.width, -2 * self.width, 2 * self.width),
            stop_distance=plan(self.stop_widths * self.width * spread),
            target_distance=plan(price - close),
        )
