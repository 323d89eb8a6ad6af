"""Keeping a session in a store: one commit per phase that changed something, at rest (consistency-rules 3.6)."""

import time
from collections.abc import Sequence
from typing import Final

from roottrading.adapters.store.port import Commit, Loaded, Store, UnitState
from roottrading.messages.service import Row
from roottrading.runtimes.session import PHASES, Phase, Position, Session

# Rows that follow the market alone: they are kept with the next change, but are no change that must be kept, since
# whatever comes after the last commit is played again from the tape to the same rows. What was ordered, filled or
# booked is never among them.
QUIET_TABLES: Final = frozenset(
    {
        "analyzer_absences",
        "analyzer_counters",
        "analyzer_histories",
        "analyzer_waiting",
        "exchange_markets",
        "gateway_absences",
        "gateway_streams",
        "opinions",
        "signals",
        "standing",
        "verdicts",
    }
)
QUIET_SECONDS: Final = 1.0  # of work at most are played again where nothing but the market moved


class Keeper:
    """Gathers what phases change and commits it; after a kill the session goes on at the last commit."""

    def __init__(self, store: Store, session: Session) -> None:
        self._store = store
        self._session = session
        self._pending: list[Row] = []
        self._control: int | None = None
        self._kept_at = time.monotonic()
        self.commits = 0

    def at_rest(self, position: Position, rows: Sequence[Row], must: bool = False) -> None:
        """Commit where the phase's rows hold something that the tape alone would not bring back, or it is time.

        With `must` commit in any case: requests wait for it.
        """
        self._pending.extend(rows)
        if (
            must
            or self._control is not None
            or any(row.table not in QUIET_TABLES for row in rows)
            or time.monotonic() - self._kept_at >= QUIET_SECONDS
        ):
            self.commit(position)

    def note_control(self, number: int) -> None:
        """Have the next commit say that control requests up to `number` were taken."""
        self._control = number

    def commit(self, position: Position) -> None:
        """Keep everything up to this phase in one transaction."""
        session = self._session
        self._store.commit(
            Commit(
                self._pending,
                {name: UnitState(unit.seen, unit.sent) for name, unit in session.wiring.units.items()},
                session.deadlines.changes(),
                (position.at, position.phase),
                self._control,
            )
        )
        self._pending = []
        self._control = None
        self._kept_at = time.monotonic()
        self.commits += 1


def position_of(loaded: Loaded) -> Position | None:
    """Return the last phase that was kept; None for a fresh state."""
    if loaded.position is None:
        return None
    at, phase = loaded.position
    return Position(at, _phase(phase))


def _phase(text: str) -> Phase:
    for phase in PHASES:
        if phase == text:
            return phase
    raise ValueError(f"the state names a phase {text!r}: it was written by another version")
