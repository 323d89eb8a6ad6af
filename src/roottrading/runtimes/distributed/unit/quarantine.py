"""What could not be processed: kept in the unit's own rows with its symbol's later messages (consistency-rules 5).

A message that was raised on stops its symbol in this unit: it and what follows it wait, in order, and count as held,
not as seen. What the exchange said is not kept, since it is asked anew: where that is raised on, the unit is told
nothing more about the symbol until a person answers. What comes with time, a deadline or the end of an instant, stays
away until then. Facts of the whole account are replaced by the next ones: such a one is a dead letter, no more.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from roottrading.adapters.store.port import QuarantineAnswered
from roottrading.domain.time import Time
from roottrading.messages.codec import decode
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeReply
from roottrading.messages.service import Input, Row
from roottrading.runtimes.distributed.sharding import symbol_of
from roottrading.runtimes.distributed.unit.quarantined import (
    QUARANTINE,
    Key,
    Quarantined,
    clock_stream,
    is_replaced,
    of_message,
    symbols_of,
)
from roottrading.runtimes.step import Gap, Unit

MOST_DEAD_LETTERS: Final = 100  # of a unit; older ones go


class SetAside(Exception):
    """What stands in the quarantine changed: the units load afresh, since nobody repairs memory."""


class Quarantine:
    """A unit's, as its rows say; false where nothing is in it."""

    def __init__(self, unit: Unit, rows: Iterable[Row]) -> None:
        self._unit = unit
        self._loaded = dict(unit.seen)
        self._kept: dict[Key, Quarantined] = {}
        self._messages: dict[Key, Envelope] = {}
        self._waiting: Counter[str] = Counter()  # messages by symbol
        self._silent: set[str] = set()  # symbols of which the unit is told nothing from the exchange
        self._stopped: set[str] = set()  # what does not come with time
        self.lifted = False  # a symbol is to be asked for anew
        self.put_off: dict[str, Time] = {}  # deadlines by key that were, and until when
        for row in rows:
            self._keep(row.values)

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def stopped(self) -> int:
        """How many symbols, deadlines and ends of instants wait for a person's answer."""
        raised = [kept for kept in self._kept.values() if kept.error and kept.kind != "dead letter"]
        return len({kept.stream if kept.kind == "clock" else kept.symbol for kept in raised})

    @property
    def dead_letters(self) -> int:
        """How many facts that others replaced could not be processed."""
        return sum(kept.kind == "dead letter" for kept in self._kept.values())

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
        if self.stops(given):
            return None
        if not self._silent:
            return given
        if isinstance(given, ExchangeReply):
            heard = tuple(event for event in given.events if event.symbol not in self._silent)
            return ExchangeReply(heard) if heard else None
        return None if self._silent.intersection(symbols_of(given)) else given

    def stops(self, given: Input) -> bool:
        """Say whether this does not come with time until a person answers."""
        return bool(self._stopped) and clock_stream(given) in self._stopped

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
        if kept.kind == "clock":
            self._drop(key, rows)
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
        if is_replaced(message) or not (self._waiting[symbol] or symbol in self._silent):
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
        waiting = of_message(message, symbol, "message", "", now)
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
        self._kept[kept.key] = kept
        if kept.kind == "exchange":
            self._silent.add(kept.symbol)
            return
        if kept.kind == "clock":
            self._stopped.add(kept.stream)
            return
        self._messages[kept.key] = decode(kept.envelope.encode())
        if kept.kind == "message":
            self._waiting[kept.symbol] += 1

    def _drop(self, key: Key, rows: list[Row]) -> None:
        kept = self._kept.pop(key)
        self._messages.pop(key, None)
        if kept.kind == "message":
            self._waiting[kept.symbol] -= 1
        elif kept.kind == "exchange":
            self._silent.discard(kept.symbol)
        elif kept.kind == "clock":
            self._stopped.discard(kept.stream)
        rows.append(Row(QUARANTINE.name, key, None))

    def _held(self, position: tuple[str, str]) -> list[Envelope]:
        """Return the messages of a stream that wait, in order."""
        found = [
            self._messages[key] for key, kept in self._kept.items() if key[:2] == position and kept.kind == "message"
        ]
        return sorted(found, key=lambda message: message.sequence)

    def _positions(self) -> set[tuple[str, str]]:
        return {(key[0], key[1]) for key, kept in self._kept.items() if kept.kind == "message"}
