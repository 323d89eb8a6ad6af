"""What can be set about verdicts and about learning; every default is explained in docs/verdicts.md."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Struct

from roottrading.domain.bounds import Bounds


class AggregatorSettings(Struct, frozen=True):
    """How opinions become a verdict (trading-rules 3.3). Decimals have at most 6 decimals."""

    threshold: Annotated[
        Decimal, Bounds(gt=0, le=1, description="a verdict of this strength, and no weaker one, buys or sells")
    ] = Decimal("0.5")
    weighting: Annotated[
        Literal["equal", "learned"],
        Bounds(description="equal: every strategy weighs the same; learned: by its record, judged once a day"),
    ] = "learned"
    disagreement: Annotated[
        Decimal,
        Bounds(ge=0, le=1, description="how much opinions that cancel out weaken what is left; 0 switches it off"),
    ] = Decimal("0.5")
    quorum: Annotated[
        Decimal,
        Bounds(ge=0, le=1, description="share of the enabled weight that must have an opinion, else the value shrinks"),
    ] = Decimal("0.25")
    regime_factor: Annotated[
        Decimal, Bounds(ge=1, le=4, description="times the weight of families that suit the regime; 1 switches it off")
    ] = Decimal("1.25")
    conflict_strength: Annotated[
        Decimal, Bounds(gt=0, le=1, description="slower timeframes that oppose the verdict this strongly weaken it")
    ] = Decimal("0.5")
    conflict_factor: Annotated[
        Decimal, Bounds(ge=0, le=1, description="what such a conflict leaves of the value; 1 switches it off")
    ] = Decimal("0.5")
    patience_seconds: Annotated[
        int, Bounds(ge=0, le=30, description="a verdict waits so long after T for batches that have not come")
    ] = 4


class LearningSettings(Struct, frozen=True):
    """How a strategy's record becomes its weight (trading-rules 3.7). R is what a position risks up to its stop."""

    half_life_days: Annotated[int, Bounds(ge=1, le=365, description="days after which an opinion counts half")] = 30
    prior: Annotated[
        Decimal, Bounds(gt=0, le=10, description="net R an opinion that a strategy without a record is trusted with")
    ] = Decimal("0.1")
    prior_opinions: Annotated[
        int, Bounds(ge=1, le=100_000, description="opinions that it takes to move half the way from prior to record")
    ] = 50
    cap: Annotated[int, Bounds(ge=1, le=100, description="no weight above so many times that of equals")] = 3
    correlation: Annotated[
        Decimal, Bounds(gt=0, le=1, description="strategies whose opinions correlate above it share one vote")
    ] = Decimal("0.7")
    correlation_days: Annotated[int, Bounds(ge=1, le=365, description="days of opinions that are compared")] = 30
