"""What analyzer and aggregator say: opinions of a candle, and the verdict made of them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.envelope import Message

SignalType = Literal["BUY", "SELL", "NEUTRAL"]
OpinionState = Literal["ok", "warming_up", "failed"]


class Opinion(Struct, frozen=True, gc=False):
    """One strategy's view at the close of a candle: a level that holds until its next candle (trading-rules 3.1).

    `conviction` is in [-1, 1] with 6 decimals; distances are in quote price units, `time_limit` in candles of the
    strategy's timeframe; `signal_id` names the signal row with which this standing opinion began (0: never had one);
    `row` holds the values at T of the columns that `evaluate` returned, for `manage` (trading-rules 4.2).
    """

    strategy: str
    conviction: Decimal
    signal_id: int = 0
    state: OpinionState = "ok"
    stop_distance: Decimal | None = None
    target_distance: Decimal | None = None
    time_limit: int | None = None
    entry_limit: Decimal | None = None
    size_factor: Decimal | None = None
    tag: str = ""
    row: Mapping[str, Decimal] = {}


class SignalBatch(Message, frozen=True):
    """All convictions of one symbol and timeframe at T, also when empty (the candle was absent: `close` is None).

    `atr` is ATR(14) of this timeframe (None while warming up); `quote_volume` the mean close x volume of the last 20
    closed finest candles and `day_quote_volume` that of the previous UTC day (0 = unknown), both in quote;
    `regime` is the market's state as the analyzer measured it on this timeframe.
    """

    symbol: str
    timeframe: str
    at: Time
    close: Decimal | None
    high: Decimal | None
    low: Decimal | None
    opinions: tuple[Opinion, ...]
    atr: Decimal | None = None
    quote_volume: Decimal = ZERO
    day_quote_volume: Decimal = ZERO
    regime: str = ""
    late: bool = False


class Vote(Struct, frozen=True, gc=False):
    """An opinion that stands at T inside a verdict, with the weight it was given (6 decimals)."""

    timeframe: str
    weight: Decimal
    opinion: Opinion
    atr: Decimal | None


class AggregatedSignal(Message, frozen=True):
    """The verdict: one per symbol and T of the fastest timeframe, neutral ones too (trading-rules 3.2).

    `value` is in [-1, 1] with 6 decimals; `votes` made it; `entry` is the index in `votes` of the strongest vote in
    the verdict's direction (-1: none). `valid_until` is one candle after T: an entry never happens later. A verdict
    that is not complete may close, never open.
    """

    symbol: str
    timeframe: str
    at: Time
    value: Decimal
    complete: bool
    close: Decimal | None
    high: Decimal | None
    low: Decimal | None
    votes: tuple[Vote, ...]
    entry: int
    valid_until: Time
    quote_volume: Decimal = ZERO
    day_quote_volume: Decimal = ZERO
    regime: str = ""
    late: bool = False
