"""What a run has done so far, folded from the rows that it changed: what a person watching wants to know."""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from roottrading.domain.fill import Fill
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.runtimes.session import Position, Session
from roottrading.services.analyzer.state import SignalRow
from roottrading.services.coordinator.ledger import risk_equity
from roottrading.services.coordinator.state import OPEN_CYCLES, OpenCycle
from roottrading.services.coordinator.verdicts_to_commands import Coordinator

Event = Fill | TradeCycle | AlertRaised
LAST: Final = 5  # signals and fills that are shown


class Standing(Struct, frozen=True):
    """How the run stands at a rest; amounts in the quote asset."""

    at: Time
    equity: Decimal
    cash: Decimal
    open_cycles: tuple[OpenCycle, ...]


class Tally:
    """Counts closed cycles and remembers the last signals and fills; `earlier` are cycles of a run that goes on."""

    def __init__(self, earlier: Iterable[TradeCycle] = ()) -> None:
        self.signals: deque[SignalRow] = deque(maxlen=LAST)
        self.fills: deque[Fill] = deque(maxlen=LAST)
        self.closed = 0
        self.won = 0
        self.pnl = ZERO
        for cycle in earlier:
            self._cycle(cycle)

    def note(self, rows: Iterable[Row]) -> list[Event]:
        """Fold the rows of a phase; returns fills, closed cycles and alerts (those that ask for a person), in order."""
        events: list[Event] = []
        for row in rows:
            record = row.values
            if type(record) is SignalRow:
                self.signals.append(record)
            elif type(record) is Fill:
                self.fills.append(record)
                events.append(record)
            elif type(record) is TradeCycle:
                if self._cycle(record):
                    events.append(record)
            elif type(record) is AlertRaised and record.severity != "info":
                events.append(record)
        return events

    def _cycle(self, cycle: TradeCycle) -> bool:
        if cycle.status != "closed" or cycle.pnl is None:
            return False
        self.closed += 1
        self.won += cycle.pnl > 0
        self.pnl += cycle.pnl
        return True


def standing(session: Session, position: Position) -> Standing:
    """Return how the session stands, valued at the last closes."""
    coordinator: Any = session.wiring.units["coordinator"].service
    assert isinstance(coordinator, Coordinator)
    cash, held = coordinator.holdings()
    cycles: Sequence[OpenCycle] = list(coordinator.state()[OPEN_CYCLES].values())
    return Standing(
        position.at,
        risk_equity(cash, held, session.closes),
        cash,
        tuple(sorted(cycles, key=lambda cycle: cycle.symbol)),
    )
