"""InstantComplete where verdicts come over a wire: when every symbol's verdict of T is in, or at T + 5 s (1.4)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.adapters.bus.port import Partition
from roottrading.domain.time import SECOND, Time
from roottrading.messages.channels import SIGNALS_AGGREGATED
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import InstantComplete, Row, Table
from roottrading.messages.signals import AggregatedSignal
from roottrading.runtimes.distributed.unit.inbox import Given

_AUTHOR: Final = "signal_aggregator"
Place = tuple[Partition, int]  # a partition, and where to read on in it
PATIENCE: Final = 5 * SECOND  # a T is decided without what has not come by then


class Completed(Struct, frozen=True):
    """The last T that a service was told to be complete, and the last closes at it."""

    service: str
    at: Time
    closes: Mapping[str, Decimal]


COMPLETED: Final = Table("completed_instants", ("service",), Completed, "state")


class VerdictBarrier:
    """Verdicts of all symbols, each symbol's in order of T: those of the T at hand pass, later ones wait for it."""

    def __init__(self, service: str, symbols: Iterable[str], step: Time, hears_verdicts: bool) -> None:
        """`step` is the fastest timeframe in microseconds; the service itself is given verdicts, or only their end."""
        self._service = service
        self._symbols = frozenset(symbols)
        self._step = step
        self._hears = hears_verdicts
        self._said: set[str] = set()
        self._waiting: dict[Time, list[tuple[Envelope, Place | None]]] = {}
        self._places: dict[Partition, int] = {}
        self._closes: dict[str, Decimal] = {}
        self.at: Time = 0
        self.given_up = 0  # T's that were decided without a symbol's verdict
        self.seen: dict[tuple[str, str], int] = {}

    def restore(self, rows: Sequence[Row]) -> None:
        """Go on after the T that was complete."""
        for row in rows:
            completed: Completed = row.values
            self.at = completed.at - completed.at % self._step + self._step
            self._closes = dict(completed.closes)
            for symbol in self._symbols:  # what came before is not read again
                self.seen[_AUTHOR, f"{SIGNALS_AGGREGATED}/{symbol}"] = completed.at

    def arrive(self, envelope: Envelope, place: Place | None = None) -> list[Given]:
        """Take a verdict; return what the service may be given now.

        `place` is where to read on after it; an early copy has none, and the one with a place comes, too.
        """
        verdict = envelope.body
        assert isinstance(verdict, AggregatedSignal)
        if verdict.symbol not in self._symbols:
            return []  # it is traded soon: whoever begins then has it from its author
        if place is None and not self.at:
            return []  # which T is the first is for who brings all of them to say
        position = (envelope.source, envelope.stream)
        self.seen[position] = max(envelope.sequence, self.seen.get(position, 0))
        if not self.at:
            self.at = verdict.at
        if verdict.at > self.at:
            self._waiting.setdefault(verdict.at, []).append((envelope, place))
            return []
        return self._pass(envelope, place, verdict)

    def complete(self, now: Time) -> list[Given]:
        """Return what follows where nothing of T is waited for any more: its end, and what waited for the next."""
        ready: list[Given] = []
        while self.at and (self._symbols <= self._said or now >= self.at + PATIENCE):
            if not self._symbols <= self._said:
                self.given_up += 1
            ready.append(Given(InstantComplete(self.at, dict(self._closes)), self._places, self._row()))
            self._places, self._said = {}, set()
            self.at += self._step
            for envelope, place in sorted(self._waiting.pop(self.at, []), key=lambda each: each[0].stream):
                verdict = envelope.body
                assert isinstance(verdict, AggregatedSignal)
                ready += self._pass(envelope, place, verdict)
        return ready

    def due_at(self, now: Time) -> Time | None:
        """Return when the T at hand is waited for no longer, where it has begun."""
        return self.at + PATIENCE if self.at and self.at <= now else None

    @property
    def waits(self) -> bool:
        """Whether some verdicts of T are in and others are not."""
        return bool(self._said)

    # ---- inside

    def _row(self) -> tuple[Row, ...]:
        return (Row(COMPLETED.name, (self._service,), Completed(self._service, self.at, dict(self._closes))),)

    def _pass(self, envelope: Envelope, place: Place | None, verdict: AggregatedSignal) -> list[Given]:
        if place is not None:
            partition, following = place
            self._places[partition] = following
        if verdict.at == self.at:
            self._said.add(verdict.symbol)
        if verdict.close is not None:
            self._closes[verdict.symbol] = verdict.close
        return [Given(envelope)] if self._hears else []
