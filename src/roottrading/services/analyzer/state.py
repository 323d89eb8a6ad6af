"""What the analyzer keeps: where opinions began and what waits. Windows are refilled from `market_data`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.service import Table
from roottrading.messages.signals import SignalType

MARKET_DATA: Final = "market_data"
SIGNALS: Final = "signals"
OPINIONS: Final = "opinions"
COUNTERS: Final = "analyzer_counters"
WAITING: Final = "analyzer_waiting"
HISTORIES: Final = "analyzer_histories"
ABSENCES: Final = "analyzer_absences"


class SignalRow(Struct, frozen=True, gc=False):
    """An opinion that changed direction (trading-rules 3.1): NEUTRAL where it changed to none.

    `metadata` holds as text what else the strategy said of that candle.
    """

    id: int
    symbol: str
    timeframe: str
    strategy: str
    signal_type: SignalType
    strength: Decimal
    price: Decimal
    timestamp: Time
    metadata: Mapping[str, str]


class StandingOpinion(Struct, frozen=True, gc=False):
    """The direction in which a strategy's opinion stands, since when, and with which signal and strength it began."""

    symbol: str
    timeframe: str
    strategy: str
    direction: SignalType
    strength: Decimal
    signal_id: int
    since: Time


class FailureCount(Struct, frozen=True):
    """How often a strategy failed in one way, and where and why it first did."""

    strategy: str
    kind: str
    count: int
    file: str
    line: int
    reason: str
    symbol: str
    timeframe: str
    first_at: Time


class WaitingClose(Struct, frozen=True, gc=False):
    """A candle (None: there was none) whose inputs of the same T are not all in; `follows` is the T before it."""

    symbol: str
    timeframe: str
    at: Time
    follows: Time
    candle: Candle | None


class History(Struct, frozen=True, gc=False):
    """When a stream's history begins: the windows that begin before it are never full."""

    symbol: str
    timeframe: str
    begins: Time


class StreamAbsence(Struct, frozen=True, gc=False):
    """The last T of a stream at which the market had no candle."""

    symbol: str
    timeframe: str
    at: Time


TABLES: Final = (
    Table(SIGNALS, ("id",), SignalRow, "journal"),
    Table(OPINIONS, ("symbol", "timeframe", "strategy"), StandingOpinion, "state"),
    Table(COUNTERS, ("strategy", "kind"), FailureCount, "state"),
    Table(WAITING, ("symbol", "timeframe", "at"), WaitingClose, "state"),
    Table(HISTORIES, ("symbol", "timeframe"), History, "state"),
    Table(ABSENCES, ("symbol", "timeframe"), StreamAbsence, "state"),
)
