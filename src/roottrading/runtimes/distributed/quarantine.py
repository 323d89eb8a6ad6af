"""What could not be processed: kept in the unit's own rows with its symbol's later messages (consistency-rules 5).

A message that was raised on stops its symbol in this unit: it and what follows it wait, in order, and count as held,
not as seen. What the exchange said is not kept, since it is asked anew: where that is raised on, the unit is told
nothing more about the symbol until a person answers. Facts of the whole account are replaced by the next ones: such a
one is a dead letter, and the unit goes on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.port import QuarantineAnswered
from roottrading.domain.time import Time
from roottrading.messages.codec import decode, encode
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeEvent, ExchangeReply
from roottrading.messages.service import CandleMissing, CandleObserved, Input, Row, Table
from roottrading.pipeline import CHANNELS
from roottrading.runtimes.distributed.sharding import symbol_of
from roottrading.runtimes.step import Gap, Unit

EXCHANGE: Final = "exchange"  # the source of what is no message
MOST_DEAD_LETTERS: Final = 100  # of a unit; older ones go
_REPLACED: Final = frozenset(channel.name for channel in CHANNELS if channel.per == "account")

Kind = Literal["message", "exchange", "dead letter"]
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


QUARANTINE: Final = Table("quarantine", ("source", "stream", "sequence"), Quarantined, "state")


class SetAside(Exception):
    """What stands in the quarantine changed: the units load afresh, since nobody repairs memory."""


class Poisoned(Exception):
    """The service raised on this input."""

    def __init__(self, given: Input, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.given = given
        self.error = error


class Quarantine:
    """A unit's, as its rows say; false where nothing is in it."""

    def __init__(self, unit: Unit, rows: Iterable[Row]) -> None:
        self._unit = unit
        self._loaded = dict(unit.seen)
        self._kept: dict[Key, Quarantined] = {}
        self._messages: dict[Key, Envelope] = {}
        self._waiting: Counter[str] = Counter()  # messages by symbol
        self._silent: set[str] = set()  # symbols of which the unit is told nothing from the exchange
        self.lifted = False  # a symbol is to be asked for anew
        for row in rows:
            self._keep(row.values)

    def __bool__(self) -> bool:
        return bool(self._kept)

    def seen(self) -> dict[tuple[str, str], int]:
        """Return the last sequence by (source, stream) that was decided or is held."""
        return {**self._unit.seen, **{position: self.last(position) for position in self._positions()}}

    def last(self, position: tuple[str, str]) -> int:
        """Return the last sequence of a stream that needs not come again."""
        seen = self._unit.seen.get(position, 0)
        held = self._held(position)
        return held[-1].sequence if held and held[0].follows == seen else seen

    def pass_on(self, given: Input, now: Time, rows: list[Row]) -> Input | None:
        """Return what the service may be given of an input; what waits is kept by `rows`. Raises Gap."""
        if isinstance(given, Envelope):
            return self._pass_message(given, now, rows)
        if not self._silent:
            return given
        if isinstance(given, ExchangeReply):
            heard = tuple(event for event in given.events if event.symbol not in self._silent)
            return ExchangeReply(heard) if heard else None
        return None if self._silent.intersection(symbols_of(given)) else given

    def released(self) -> Envelope | None:
        """Return the next message whose turn it is: nobody has to answer for it, nor for anything before it."""
        stopped = set(self._silent)
        for key, kept in self._kept.items():
            if kept.kind == "message":
                if not kept.error and kept.symbol not in stopped:
                    return self._messages[key]
                stopped.add(kept.symbol)
            elif kept.kind == "dead letter" and not kept.error:
                return self._messages[key]
        return None

    def set_aside(self, poisoned: Poisoned, error: str, at: Time) -> list[Quarantined]:
        """Return what is to be kept of an input that was raised on; nothing where it belongs to no symbol."""
        given = poisoned.given
        if isinstance(given, Envelope):
            kind: Kind = "dead letter" if _is_replaced(given) else "message"
            return [_of_message(given, symbol_of(given.stream), kind, error, at)]
        said = msgspec.json.encode(given).decode()
        return [
            Quarantined(symbol, "exchange", EXCHANGE, f"{EXCHANGE}/{symbol}", 0, said, error, at)
            for symbol in symbols_of(given)
        ]

    def surplus(self) -> Iterator[Row]:
        """Yield the rows that make room for one more dead letter: of those that will not be read again."""
        dead = [key for key, kept in self._kept.items() if kept.kind == "dead letter"]
        for key in dead[: max(0, len(dead) + 1 - MOST_DEAD_LETTERS)]:
            if key[2] <= self._loaded.get(key[:2], 0):
                yield Row(QUARANTINE.name, key, None)

    def answer(self, answered: QuarantineAnswered, rows: list[Row]) -> tuple[str, str] | None:
        """Do as a person says: a retried one gets its turn, a resolved one never does; returns whose place moved.

        Messages have to be answered in order: one that others are before stays as it is, as one that is gone.
        """
        key = (answered.source, answered.stream, answered.sequence)
        kept = self._kept.get(key)
        if kept is None or not kept.error:
            return None
        if kept.kind == "exchange":
            self._drop(key, rows)
            self.lifted = True
            return None
        if answered.action == "retry":
            self._kept[key] = replace(kept, error="")
            rows.append(Row(QUARANTINE.name, key, self._kept[key]))
            return None
        self._drop(key, rows)
        position = key[:2]
        self._unit.seen[position] = max(kept.sequence, self._unit.seen.get(position, 0))
        return position

    # ---- inside

    def _pass_message(self, message: Envelope, now: Time, rows: list[Row]) -> Envelope | None:
        position = (message.source, message.stream)
        key = (*position, message.sequence)
        kept = self._kept.get(key)
        if kept is not None:
            return self._pass_kept(message, key, kept, rows)
        symbol = symbol_of(message.stream)
        if _is_replaced(message) or not (self._waiting[symbol] or symbol in self._silent):
            return message
        held = self._held(position)
        if held and message.sequence < held[0].sequence:
            return message  # it was read again: what stops the symbol comes after it
        last = self.last(position)
        if message.sequence <= last:
            self._unit.dropped += 1
            return None
        if message.follows != last:
            raise Gap(position, last, message)
        waiting = _of_message(message, symbol, "message", "", now)
        self._keep(waiting)
        rows.append(Row(QUARANTINE.name, key, waiting))
        return None

    def _pass_kept(self, message: Envelope, key: Key, kept: Quarantined, rows: list[Row]) -> Envelope | None:
        seen, position = self._unit.seen, key[:2]
        if kept.kind == "dead letter":
            last = seen.get(position, 0)
            if message.sequence > last:
                if message.follows != last:
                    raise Gap(position, last, message)
                seen[position] = message.sequence
            if kept.error:
                return None
            seen[position] = message.follows  # whoever steps it puts the place back
        elif self.released() is not self._messages[key]:
            self._unit.dropped += 1
            return None
        self._drop(key, rows)
        return message

    def _keep(self, kept: Quarantined) -> None:
        key = (kept.source, kept.stream, kept.sequence)
        self._kept[key] = kept
        if kept.kind == "exchange":
            self._silent.add(kept.symbol)
            return
        self._messages[key] = decode(kept.envelope.encode())
        if kept.kind == "message":
            self._waiting[kept.symbol] += 1

    def _drop(self, key: Key, rows: list[Row]) -> None:
        kept = self._kept.pop(key)
        self._messages.pop(key, None)
        if kept.kind == "message":
            self._waiting[kept.symbol] -= 1
        elif kept.kind == "exchange":
            self._silent.discard(kept.symbol)
        rows.append(Row(QUARANTINE.name, key, None))

    def _held(self, position: tuple[str, str]) -> list[Envelope]:
        """Return the messages of a stream that wait, in order."""
        found = [
            self._messages[key] for key, kept in self._kept.items() if key[:2] == position and kept.kind == "message"
        ]
        return sorted(found, key=lambda message: message.sequence)

    def _positions(self) -> set[tuple[str, str]]:
        return {(key[0], key[1]) for key, kept in self._kept.items() if kept.kind == "message"}


def symbols_of(given: Input) -> tuple[str, ...]:
    """Return the symbols that an input is about, in order; none where it is about the account or all of them."""
    found: set[str] = set()
    if isinstance(given, Envelope):
        found.add("" if _is_replaced(given) else symbol_of(given.stream))
    elif isinstance(given, ExchangeReply):
        found |= {event.symbol for event in given.events}
    elif isinstance(given, ExchangeEvent | CandleMissing):
        found.add(given.symbol)
    elif isinstance(given, CandleObserved):
        found.add(given.candle.symbol)
    return tuple(sorted(found - {""}))


def _is_replaced(message: Envelope) -> bool:
    return message.stream.partition("/")[0] in _REPLACED


def _of_message(message: Envelope, symbol: str, kind: Kind, error: str, at: Time) -> Quarantined:
    text = encode(message).decode()
    return Quarantined(symbol, kind, message.source, message.stream, message.sequence, text, error, at)
