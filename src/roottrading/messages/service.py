"""What a service is: inputs in, a decision out; no IO, no clock, no randomness, no await inside."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.exchange import ExchangeEvent, ExchangeReply, Request

TradingState = Literal["trading", "reduce_only", "halted"]


# ---- inputs beside envelopes and exchange events


class DeadlineDue(Struct, frozen=True, gc=False):
    """A deadline that the service asked for has come."""

    key: str


class Resumed(Struct, frozen=True):
    """The first input after every load: recovery is start-up. `unanswered` are asked for by id, never sent again."""

    unanswered: tuple[Request, ...] = ()


class CandleObserved(Struct, frozen=True, gc=False):
    """The market's finest closed candle as it reached us (to the gateway)."""

    candle: Candle


class CandleMissing(Struct, frozen=True, gc=False):
    """The exchange's history, too, has no finest candle there (to the gateway; consistency-rules 1.8)."""

    symbol: str
    timeframe: str
    open_time: Time


class InstantComplete(Struct, frozen=True, gc=False):
    """Every verdict of T is in, or waited for long enough: entries are decided now (consistency-rules 1.4).

    `closes` are the last closes at T of all symbols with a position or a verdict. `highest_equity` is the highest risk
    equity at the T's since the last InstantComplete where some were not given, so that the drawdown mark misses none.
    """

    at: Time
    closes: Mapping[str, Decimal]
    highest_equity: Decimal | None = None


class ControlChanged(Struct, frozen=True):
    """A person used the kill switch or a control command; `number` is the stored row's (trading-rules 7.4, 7.5).

    `action`: state (new `state` for all), pause and resume (of `symbol`, or of the risk limits where it is empty),
    exit (of the cycle `target`), flatten.
    """

    number: int
    action: Literal["state", "pause", "resume", "exit", "flatten"]
    state: TradingState
    symbol: str
    target: str
    who: str
    why: str


class AccountAdjusted(Struct, frozen=True):
    """`roottrading capital add|remove` and `adopt`: the bot's share of the account changed (trading-rules 7.1)."""

    number: int
    kind: Literal["capital", "adopt"]
    symbol: str
    amount: Decimal
    price: Decimal | None
    effective_at: Time


class WeightsSet(Struct, frozen=True):
    """The learned weights of a UTC day, in force for verdicts with T > 01:00 UTC (trading-rules 3.8).

    `weights` by strategy (6 decimals), `groups` the strategies that share one vote.
    """

    day: Time
    weights: Mapping[str, Decimal]
    groups: tuple[tuple[str, ...], ...] = ()


Input = (
    Envelope
    | ExchangeEvent
    | ExchangeReply
    | DeadlineDue
    | Resumed
    | CandleObserved
    | CandleMissing
    | InstantComplete
    | ControlChanged
    | AccountAdjusted
    | WeightsSet
)


# ---- the decision


class Outgoing(Struct, frozen=True, gc=False):
    """A message to publish; `key` is symbol[/timeframe], the end of its stream's name.

    `sequence` is (follows, sequence) on market-derived streams; else the unit's counter numbers it.
    """

    channel: str
    key: str
    body: Message
    sequence: tuple[int, int] | None = None


class Row(Struct, frozen=True, gc=False):
    """A change of state to keep: `values` None deletes. Law: restore(all rows) equals the state."""

    table: str
    key: tuple[str | int, ...]
    values: Any


class Watch(Struct, frozen=True, gc=False):
    """What a service must see: deliver me the candles of `subject` at or beyond these bounds (consistency-rules 1.5).

    `subject` is a symbol (its close, in quote), "verdict/SYMBOL" (the value of its verdicts) or "equity" (risk
    equity at T). Only a search ahead on a recorded market reads it; nothing asked on any side withdraws the watch
    `key`. With `fall`, `below` rises with the subject's highest value from now on: to highest x (1 - fall).
    """

    key: str
    subject: str
    below: Decimal | None = None
    above: Decimal | None = None
    every: str = ""  # a timeframe: deliver every closed candle of it
    fall: Decimal | None = None


class Decision(Struct, frozen=True, gc=False):
    """All that comes of an input; deadlines are (key, when), None cancels."""

    messages: tuple[Outgoing, ...] = ()
    requests: tuple[Request, ...] = ()
    deadlines: tuple[tuple[str, Time | None], ...] = ()
    rows: tuple[Row, ...] = ()
    watches: tuple[Watch, ...] = ()


NOTHING: Final = Decision()


class Service(Protocol):
    """One of the seven: folds its own state, and says what follows."""

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the state that the rows describe; called once, on a fresh object, before any input."""

    def decide(self, given: Input, now: Time) -> Decision:
        """Fold one input; `now` is the time of its cause. An exception means: throw the object away and load it."""


class Table(Struct, frozen=True):
    """Where rows go: its key's columns, the record that is a row, and whether `restore` is given its rows back.

    A journal is only written (reports read it); state tables are small and come back at start-up.
    """

    name: str
    key: tuple[str, ...]
    record: type[Struct]
    kept: Literal["state", "journal"]
