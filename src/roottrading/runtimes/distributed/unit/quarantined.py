"""What is set aside as it is kept: the record, and what of an input becomes one (consistency-rules 5)."""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages.codec import encode
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeEvent, ExchangeReply
from roottrading.messages.service import (
    CandleMissing,
    CandleObserved,
    DeadlineDue,
    Input,
    InstantComplete,
    Table,
)
from roottrading.pipeline import CHANNELS
from roottrading.runtimes.distributed.sharding import symbol_of

EXCHANGE: Final = "exchange"  # the source of what is no message, and is about a symbol
CLOCK: Final = "clock"  # the source of what comes with time, and is about none
ACCOUNT: Final = "account"  # stands for all symbols
_INSTANTS: Final = "instants"
_DEADLINES: Final = "deadlines/"
_REPLACED: Final = frozenset(channel.name for channel in CHANNELS if channel.per == "account")

Kind = Literal["message", "exchange", "clock", "dead letter"]
Key = tuple[str, str, int]  # source, stream, sequence


class Quarantined(Struct, frozen=True):
    """Something set aside at `at`: raised on with `error`, or (no error) waiting behind what was, or for its turn."""

    symbol: str
    kind: Kind
    source: str
    stream: str
    sequence: int
    envelope: str
    error: str
    at: Time

    @property
    def key(self) -> Key:
        """What it is found by."""
        return self.source, self.stream, self.sequence


QUARANTINE: Final = Table("quarantine", ("source", "stream", "sequence"), Quarantined, "state")


class Poisoned(Exception):
    """The service raised on this input."""

    def __init__(self, given: Input, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.given = given
        self.error = error


def records_of(given: Input, error: str, at: Time) -> list[Quarantined]:
    """Return what is to be kept of an input that was raised on; nothing where nobody can go on without it."""
    if isinstance(given, Envelope):
        kind: Kind = "dead letter" if is_replaced(given) else "message"
        return [of_message(given, symbol_of(given.stream), kind, error, at)]
    said = msgspec.json.encode(given).decode()
    if stream := clock_stream(given):
        return [Quarantined(ACCOUNT, "clock", CLOCK, stream, 0, said, error, at)]
    return [
        Quarantined(symbol, "exchange", EXCHANGE, f"{EXCHANGE}/{symbol}", 0, said, error, at)
        for symbol in symbols_of(given)
    ]


def of_message(message: Envelope, symbol: str, kind: Kind, error: str, at: Time) -> Quarantined:
    """Return the record of a message."""
    text = encode(message).decode()
    return Quarantined(symbol, kind, message.source, message.stream, message.sequence, text, error, at)


def symbols_of(given: Input) -> tuple[str, ...]:
    """Return the symbols that an input is about, in order; none where it is about the account or all of them."""
    found: set[str] = set()
    if isinstance(given, Envelope):
        found.add("" if is_replaced(given) else symbol_of(given.stream))
    elif isinstance(given, ExchangeReply):
        found |= {event.symbol for event in given.events}
    elif isinstance(given, ExchangeEvent | CandleMissing):
        found.add(given.symbol)
    elif isinstance(given, CandleObserved):
        found.add(given.candle.symbol)
    return tuple(sorted(found - {""}))


def is_replaced(message: Envelope) -> bool:
    """Say whether the next message of its stream replaces this one."""
    return message.stream.partition("/")[0] in _REPLACED


def clock_stream(given: Input) -> str:
    """Return what an input that comes with time is kept under: all ends of instants together, each deadline's key."""
    if isinstance(given, DeadlineDue):
        return _DEADLINES + given.key
    return _INSTANTS if isinstance(given, InstantComplete) else ""


def deadline_of(stream: str) -> str | None:
    """Return the deadline's key of which a record is, where it is of one."""
    return stream.removeprefix(_DEADLINES) if stream.startswith(_DEADLINES) else None
