"""A session: all units and the simulated exchange in one process, taken from instant to instant.

An instant is a sequence of phases - fills, deadlines, closed candles - each brought to rest before the next
(consistency-rules 1.1). Embedded and backtest are loops over a session; they differ in what they do at rest.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, Literal, Protocol

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import DAY, HOUR, Time, start_of_day
from roottrading.messages.exchange import ExchangeEvent
from roottrading.messages.service import (
    CandleMissing,
    CandleObserved,
    DeadlineDue,
    Input,
    InstantComplete,
    Resumed,
    Row,
    WeightsSet,
)
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.replay import Instant
from roottrading.runtimes.settle import InProcessExchange, Wiring, addressed, settle
from roottrading.runtimes.step import Effects, Unit

Phase = Literal["fills", "deadlines", "candles"]
PHASES: Final[tuple[Phase, ...]] = ("fills", "deadlines", "candles")

WeightsFor = Callable[[Time], WeightsSet]  # 00:00 UTC of a day -> its learned weights
OWN: Final = "session"  # whose deadlines are the session's own: one a day, at which it gives the weights
_WEIGHTS: Final = "weights"


class MarketExchange(InProcessExchange, Protocol):
    """The simulated exchange as a session moves it: told of the market, it answers with what rested and was met."""

    def candle_opens(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Stand on the candle's open."""

    def candle_closed(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Match what rested along the candle's path."""

    def changed_rows(self) -> Sequence[Row]:
        """Return the rows that changed since the last call."""


class Position(Struct, frozen=True, gc=False):
    """How far a session came: the last phase that it brought to rest."""

    at: Time
    phase: Phase


class Session:
    """The state of a run between two phases; `effects` gathers what the phases since the last `flush` changed."""

    def __init__(
        self,
        wiring: Wiring,
        exchange: MarketExchange,
        decision_step: int,
        deadlines: Deadlines,
        weights_for: WeightsFor | None = None,
        foreign: frozenset[str] = frozenset(),
    ) -> None:
        self.wiring = wiring
        self.exchange = exchange
        self.decision_step = decision_step  # the fastest timeframe in use: T of verdicts and InstantComplete
        self.deadlines = deadlines
        self.effects = Effects()
        self.closes: dict[str, Decimal] = {}
        self._weights_for = weights_for  # None: all strategies weigh the same
        self._foreign = foreign  # symbols that strategies look at and nobody trades: the exchange does not list them
        self._gateway = wiring.units["gateway"]
        self._judges = tuple(wiring.units[name] for name in ("coordinator", "portfolio"))

    def resume(self, now: Time) -> None:
        """Let every unit know that it was loaded, at `now`; ask for the day's weights where nothing did yet.

        They are given at 01:00 UTC, in the deadlines phase: verdicts after it go by them, the one at 01:00 itself by
        those of the day before (trading-rules 3.8).
        """
        if self._weights_for is not None and not self.deadlines.has(OWN, _WEIGHTS):
            self.deadlines.set(OWN, _WEIGHTS, start_of_day(now - HOUR) + DAY + HOUR)
        self.give([(unit, Resumed()) for unit in self.wiring.units.values()], now)

    def give(self, inputs: Iterable[tuple[Unit, Input]], now: Time, last: Sequence[tuple[Unit, Input]] = ()) -> None:
        """Bring one phase with these inputs to rest."""
        settle(self.wiring, list(inputs), now, self.effects, last)
        if self.effects.deadlines:
            self._note_deadlines()

    def fills(self, instant: Instant) -> None:
        """Let the exchange match what rested in the candles that close, then stand on the opens of the next."""
        events: list[ExchangeEvent] = []
        for candle in instant.closed:
            if type(candle) is Candle and candle.symbol not in self._foreign:
                events.extend(self.exchange.candle_closed(candle, instant.at))
        for candle in instant.opening:
            if candle.symbol not in self._foreign:
                events.extend(self.exchange.candle_opens(candle, instant.at))
        if events:
            self.give(addressed(self.wiring, events), instant.at)

    def due(self, now: Time) -> None:
        """Deliver the deadlines that are due at `now`."""
        while ready := self.deadlines.take(now):
            self.give([self._input_of(role, key, now) for role, key in ready], now)

    def candles(self, instant: Instant) -> None:
        """Hand the closed candles to the gateway; where verdicts are due, complete the instant before requests go."""
        inputs: list[tuple[Unit, Input]] = []
        for candle in instant.closed:
            if type(candle) is CandleMissing:
                inputs.append((self._gateway, candle))
            elif type(candle) is Candle:
                self.closes[candle.symbol] = candle.close
                inputs.append((self._gateway, CandleObserved(candle)))
        last: list[tuple[Unit, Input]] = []
        if instant.at % self.decision_step == 0:
            complete = InstantComplete(instant.at, dict(self.closes))
            last = [(unit, complete) for unit in self._judges]
        self.give(inputs, instant.at, last)

    def flush(self) -> list[Row]:
        """Return the rows of services and exchange that changed since the last flush, in order."""
        rows = self.effects.rows
        self.effects.rows = []
        self.effects.watches = []
        rows.extend(self.exchange.changed_rows())
        return rows

    def _input_of(self, role: str, key: str, now: Time) -> tuple[Unit, Input]:
        """Return what a deadline gives to whom."""
        units = self.wiring.units
        if role == OWN and self._weights_for is not None:
            self.deadlines.set(OWN, key, now + DAY)
            return units["signal_aggregator"], self._weights_for(start_of_day(now))
        return units[role], DeadlineDue(key)

    def _note_deadlines(self) -> None:
        for role, key, when in self.effects.deadlines:
            self.deadlines.set(role, key, when)
        self.effects.deadlines.clear()


def play(
    session: Session,
    market: Iterable[Instant],
    at_rest: Callable[[Position], bool],
    resumed: Position | None = None,
) -> bool:
    """Take the session through the instants; `at_rest` is told of every phase brought to rest and may stop the run.

    `resumed` is the last phase that an earlier run kept: phases up to it are not played again. Returns whether the
    market was played to its end.
    """
    done = resumed or Position(-1, "candles")
    return all(play_instant(session, instant, at_rest, done) for instant in market if instant.at >= done.at)


def play_instant(session: Session, instant: Instant, at_rest: Callable[[Position], bool], done: Position) -> bool:
    """Take the session through one instant and the deadlines before it, but for phases up to `done`.

    Returns False where `at_rest` stopped it.
    """
    at = instant.at
    first = PHASES.index(done.phase) + 1 if at == done.at else 0
    if first == 0:
        while (when := session.deadlines.next()) is not None and when < at:
            session.due(when)
            if not at_rest(Position(when, "deadlines")):
                return False
        session.fills(instant)
        if not at_rest(Position(at, "fills")):
            return False
    if first <= 1:
        session.due(at)
        if not at_rest(Position(at, "deadlines")):
            return False
    if first <= 2:
        session.candles(instant)
        if not at_rest(Position(at, "candles")):
            return False
    return True
