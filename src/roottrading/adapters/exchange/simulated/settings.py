"""What a simulated fill may claim (trading-rules 5)."""

from decimal import Decimal
from typing import Annotated

from msgspec import Struct

from roottrading.domain.bounds import Bounds
from roottrading.domain.money import ONE
from roottrading.domain.time import MILLISECOND, Time


class FillModel(Struct, frozen=True):
    """How the candles' liquidity is met, and what the exchange remembers.

    `slippage` is the fraction by which a taker is worse off than the price it meets (5.3); `volume_share` the part of
    a finest candle's volume that all fills in it together may take (5.4). A request whose `issued_at` is older than
    `receive_window_ms` is refused with -1021, so that a paused sender can not act on an old world (consistency-rules
    4.1). Of ended orders and of executions the last `history` a symbol can be asked for.
    `bnb` is what the simulated account holds besides the bot's capital to pay fees in BNB with; the books do not count
    it, they charge its value (trading-rules 5.7).
    Raises ValueError where a number is out of its bounds.
    """

    slippage: Annotated[
        Decimal,
        Bounds(ge=0, lt=1, description="how much worse a taker's price is than the one it meets, as a fraction"),
    ] = Decimal("0.0005")
    volume_share: Annotated[
        Decimal, Bounds(ge=0, le=1, description="part of a finest candle's volume that all fills in it may take")
    ] = Decimal("0.1")
    receive_window_ms: Annotated[
        int, Bounds(gt=0, le=60_000, description="milliseconds after which a signed request is refused")
    ] = 3_000
    history: Annotated[
        int, Bounds(ge=1, le=1_000_000, description="ended orders and executions of a symbol that can be asked for")
    ] = 1_000
    bnb: Annotated[
        Decimal, Bounds(gt=0, le=10**9, description="BNB that is there to pay fees with, where fees.in_bnb is on")
    ] = Decimal(1_000_000)

    def __post_init__(self) -> None:
        if not 0 <= self.slippage < ONE:
            raise ValueError(f"slippage is {self.slippage}: use a fraction from 0 to below 1")
        if not 0 <= self.volume_share <= ONE:
            raise ValueError(f"volume_share is {self.volume_share}: use a fraction from 0 to 1")
        if self.receive_window_ms <= 0:
            raise ValueError(f"receive_window_ms is {self.receive_window_ms}: use milliseconds above 0")
        if self.history < 1:
            raise ValueError(f"history is {self.history}: use 1 or more")
        if self.bnb <= 0:
            raise ValueError(f"bnb is {self.bnb}: use an amount above 0, or fees.in_bnb = false")

    @property
    def receive_window(self) -> Time:
        """`receive_window_ms` in microseconds."""
        return self.receive_window_ms * MILLISECOND
