"""What can be set about the trader: how long it waits, how often it asks, how a resting entry behaves."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Struct

from roottrading.domain.bounds import Bounds
from roottrading.domain.time import MILLISECOND, Time


class TraderSettings(Struct, frozen=True):
    """Patience and habits at the exchange's door (trading-rules 1, consistency-rules 4)."""

    receive_window_ms: Annotated[
        int, Bounds(ge=100, le=3_000, description="milliseconds within which the exchange takes a signed request")
    ] = 3_000
    absent_after_ms: Annotated[
        int,
        Bounds(ge=10_000, le=60_000, description="milliseconds beyond the window after which an absent order is final"),
    ] = 10_000
    ask_every_ms: Annotated[
        int, Bounds(ge=100, le=5_000, description="milliseconds between two questions about an unknown outcome")
    ] = 250
    alert_after_ms: Annotated[
        int, Bounds(ge=250, le=60_000, description="milliseconds after which an unknown outcome is an alert")
    ] = 1_000
    repeat_after_ms: Annotated[
        int, Bounds(ge=100, le=60_000, description="milliseconds before a market sell that left a rest is repeated")
    ] = 1_000
    stop_patience_ms: Annotated[
        int, Bounds(ge=100, le=60_000, description="milliseconds that a triggered stop may take to be filled")
    ] = 2_000
    stop_limit_distance: Annotated[
        Decimal, Bounds(gt=0, lt=1, description="how far below its stop a STOP_LOSS_LIMIT sells, as a fraction of it")
    ] = Decimal("0.05")
    resting_entry: Annotated[
        Literal["LIMIT_MAKER", "LIMIT"], Bounds(description="type of a resting entry: only ever as maker, or GTC")
    ] = "LIMIT_MAKER"
    reprices: Annotated[
        int, Bounds(ge=0, le=20, description="times that a rejected LIMIT_MAKER entry is tried again, lower")
    ] = 3
    reprice_step: Annotated[
        Decimal, Bounds(gt=0, lt=1, description="how much lower each such try is, as a fraction of its price")
    ] = Decimal("0.0005")

    @property
    def receive_window(self) -> Time:
        """`receive_window_ms` in microseconds."""
        return self.receive_window_ms * MILLISECOND

    @property
    def ask_every(self) -> Time:
        """`ask_every_ms` in microseconds."""
        return self.ask_every_ms * MILLISECOND

    @property
    def alert_after(self) -> Time:
        """`alert_after_ms` in microseconds."""
        return self.alert_after_ms * MILLISECOND

    @property
    def repeat_after(self) -> Time:
        """`repeat_after_ms` in microseconds."""
        return self.repeat_after_ms * MILLISECOND

    @property
    def stop_patience(self) -> Time:
        """`stop_patience_ms` in microseconds."""
        return self.stop_patience_ms * MILLISECOND

    @property
    def final_after(self) -> Time:
        """Microseconds after its `issued_at` from which an absent order is absent for good (consistency-rules 4.2)."""
        return (self.receive_window_ms + self.absent_after_ms) * MILLISECOND
