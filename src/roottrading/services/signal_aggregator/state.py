"""What the aggregator keeps: the opinions that stand, the weights in force, and a journal of verdicts."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages.service import Table
from roottrading.messages.signals import SignalBatch, SignalType

STANDING: Final = "standing"
WEIGHTS: Final = "weights"
VERDICTS: Final = "verdicts"


class Standing(Struct, frozen=True, gc=False):
    """The opinions of one symbol and timeframe that stand; over an absent candle the earlier ones go on standing.

    `judged` is the T of the last verdict (on the fastest timeframe; else 0): the batch is pending while it is later.
    `before` is the batch before it (on slower timeframes), for a verdict at a T that this batch is too new for.
    """

    symbol: str
    timeframe: str
    batch: SignalBatch
    judged: Time = 0
    before: SignalBatch | None = None


class WeightsOfDay(Struct, frozen=True, gc=False):
    """The learned weights of a day (trading-rules 3.8); `since` is the first day that ever had some."""

    day: Time
    weights: Mapping[str, Decimal]
    groups: tuple[tuple[str, ...], ...]
    since: Time


class VerdictVote(Struct, frozen=True, gc=False):
    """What one opinion said in a verdict, and the weight it was given."""

    strategy: str
    timeframe: str
    conviction: Decimal
    weight: Decimal
    signal_id: int


class VerdictRow(Struct, frozen=True, gc=False):
    """A verdict at or above the threshold, with the opinions that made it (trading-rules 3.3)."""

    id: str
    symbol: str
    timeframe: str
    signal_type: SignalType
    strength: Decimal
    timestamp: Time
    value: Decimal
    complete: bool
    late: bool
    votes: tuple[VerdictVote, ...]


TABLES: Final = (
    Table(STANDING, ("symbol", "timeframe"), Standing, "state"),
    Table(WEIGHTS, ("day",), WeightsOfDay, "state"),
    Table(VERDICTS, ("id",), VerdictRow, "journal"),
)
