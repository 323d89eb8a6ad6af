"""SMAOffset: buys below an average by an offset, sells above another one; its stop moves as the profit does."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.domain.position import Position
from roottrading.strategies.contract import HOLD, Adjustment, Evaluation, Family, Strategy
from roottrading.strategies.indicators import sma


class SmaOffset(Strategy, frozen=True):
    """Buys 2.5 % below an average of lows and sells 1.2 % above one of highs."""

    family: ClassVar[Family] = "reversion"
    manages: ClassVar[bool] = True

    BREAK_EVEN_FROM: ClassVar[Decimal] = Decimal("1.015")
    BREAK_EVEN_AT: ClassVar[Decimal] = Decimal("1.002")  # pays the fees
    TRAILING_FROM: ClassVar[Decimal] = Decimal("1.03")
    TRAILING_AT: ClassVar[Decimal] = Decimal("0.985")

    buy_period: Annotated[int, Meta(ge=2, le=400, description="candles of the average below which it buys")] = 30
    sell_period: Annotated[int, Meta(ge=2, le=400, description="candles of the average above which it sells")] = 30
    low_offset: Annotated[float, Meta(ge=0.8, le=1, description="share of the average below which it buys")] = 0.975
    high_offset: Annotated[float, Meta(ge=0.9, le=1.2, description="share of the average above which it sells")] = 1.012
    stop_percent: Annotated[float, Meta(gt=0, le=50, description="stop below the close, in percent")] = 6.0

    @property
    def lookback(self) -> int:
        """The averages hold nothing older."""
        return max(self.buy_period, self.sell_period)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return +1 below the offset, -1 above the other."""
        close = columns.close
        buys = close < self.low_offset * sma(columns.low, self.buy_period)
        sells = close > self.high_offset * sma(columns.high, self.sell_period)
        return Evaluation(
            buys.astype(np.float64) - sells,
            stop_distance=close * (self.stop_percent / 100),
        )

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        """Lift the stop to the entry once a little is won, and let it follow the highest close once more is."""
        entry, highest = position.average_entry_price, position.highest_close
        if highest >= entry * self.TRAILING_FROM:
            return Adjustment(stop=highest * self.TRAILING_AT)
        if highest >= entry * self.BREAK_EVEN_FROM:
            return Adjustment(stop=entry * self.BREAK_EVEN_AT)
        return HOLD
