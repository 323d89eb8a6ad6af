"""Strategy001: crossing averages confirmed by Heikin-Ashi candles, with a table of returns on investment."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.domain.position import Position
from roottrading.domain.time import MINUTE
from roottrading.strategies.contract import HOLD, Adjustment, Evaluation, Family, Strategy
from roottrading.strategies.indicators import ema, previous


class Strategy001(Strategy, frozen=True):
    """Buys where EMA(20) comes to lie above EMA(50) in a rising candle; takes less and less profit as time passes."""

    family: ClassVar[Family] = "trend"
    manages: ClassVar[bool] = True

    ROI: ClassVar[tuple[tuple[int, Decimal], ...]] = (  # from so many minutes on, so much is enough
        (60, Decimal("1.01")),
        (30, Decimal("1.03")),
        (20, Decimal("1.04")),
        (0, Decimal("1.05")),
    )
    TRAILING_FROM: ClassVar[Decimal] = Decimal("1.02")
    TRAILING_AT: ClassVar[Decimal] = Decimal("0.99")

    fast: Annotated[int, Meta(ge=2, le=200, description="candles of the fast average")] = 20
    middle: Annotated[int, Meta(ge=3, le=400, description="candles of the middle average")] = 50
    slow: Annotated[int, Meta(ge=4, le=800, description="candles of the slow average")] = 100
    stop_percent: Annotated[float, Meta(gt=0, le=50, description="stop below the close, in percent")] = 10.0

    @property
    def lookback(self) -> int:
        """An EMA forgets its start in ten times its candles."""
        return 10 * max(self.fast, self.middle, self.slow)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return +1 at the cross, -1 where the middle average falls below the slow one in a falling candle."""
        fast, middle, slow = (ema(columns.close, period) for period in (self.fast, self.middle, self.slow))
        mean = (columns.open + columns.high + columns.low + columns.close) / 4
        # Heikin-Ashi opens in the middle of the candle before: half of its open, half of its close, which is EMA(3).
        opened = previous(ema(mean, 3))
        buys = (fast > middle) & (previous(fast) <= previous(middle)) & (mean > fast) & (mean > opened)
        sells = (middle > slow) & (previous(middle) <= previous(slow)) & (mean < fast) & (mean < opened)
        return Evaluation(
            buys.astype(np.float64) - sells,
            stop_distance=columns.close * (self.stop_percent / 100),
            columns={"close": columns.close, "minute": columns.open_time / MINUTE},
        )

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        """Leave with the return that is enough by now; trail one percent below the highest close once two are won."""
        entry, close = position.average_entry_price, row["close"]
        minutes = int(row["minute"]) - position.opened_at // MINUTE
        enough = next((factor for since, factor in self.ROI if minutes >= since), None)
        if enough is not None and close >= entry * enough:
            return Adjustment(exit="roi")
        if position.highest_close >= entry * self.TRAILING_FROM:
            return Adjustment(stop=position.highest_close * self.TRAILING_AT)
        return HOLD
