"""What the checks of strategies found: per strategy and symbol, in numbers and in words (trading-rules 4.4)."""

from typing import Final

from msgspec import Struct

from roottrading.domain.time import Time, iso

WARM_UP_BOUND: Final = 0.001  # share of decisions that may change; with fewer candles, none

LOOKS_AHEAD: Final = "looks ahead"
SHORT_WARM_UP: Final = "lookback too short"


class Finding(Struct, frozen=True):
    """What a strategy said of a candle, once as it was used and once as it must also say it."""

    kind: str
    strategy: str
    symbol: str
    timeframe: str
    at: Time
    column: str
    used: str
    other: str

    def __str__(self) -> str:
        """Name the strategy, the candle and both values."""
        if self.kind == LOOKS_AHEAD:
            how = f"is {self.used} when later candles are known, but {self.other} at its own close"
        else:
            how = f"is {self.used} after exactly its lookback, but {self.other} with more history before it"
        return (
            f"strategy {self.strategy} {self.kind}: at {iso(self.at)} on {self.symbol} {self.timeframe}, "
            f"its {self.column} {how}"
        )


class StrategyCheck(Struct, frozen=True):
    """The outcome for one strategy on one symbol; candles at which it failed are left out.

    `worst_drift` is the largest difference of conviction that more history made, `warm_up_changed` of
    `warm_up_checked` are decisions (buy, sell, none) that it changed.
    """

    strategy: str
    symbol: str
    timeframe: str
    look_ahead_checked: int
    look_ahead: Finding | None
    warm_up_checked: int
    warm_up_changed: int
    worst_drift: float
    first_changed: Finding | None

    @property
    def warm_up_share(self) -> float:
        """The share of decisions that more history changed."""
        return self.warm_up_changed / self.warm_up_checked if self.warm_up_checked else 0.0

    @property
    def warm_up(self) -> Finding | None:
        """The first changed decision, where the bound is broken."""
        return self.first_changed if self.warm_up_share >= WARM_UP_BOUND else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that is wrong; nothing for an honest strategy."""
        return tuple(finding for finding in (self.look_ahead, self.warm_up) if finding is not None)
