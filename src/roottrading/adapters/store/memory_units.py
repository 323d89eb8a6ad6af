"""Units of one database in memory: the same ports for services that share one process, and for tests of the runtime."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import SAID_AT_ONCE, AdjustmentAnswered, Commit, Fenced, Loaded, UnitState
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import Table

_CANDLES: Final = "market_data"


class MemoryUnits:
    """All units' stores by name ("trader/17"), and the archive of what their outboxes and `market_data` hold."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = tuple(tables)
        self._stores: dict[str, MemoryStore] = {}
        self._fences: dict[str, int] = {}
        self._said: dict[tuple[str, str], list[Envelope]] = {}
        self._candles: dict[tuple[str, str], dict[Time, Candle]] = {}
        self.answers: dict[int, AdjustmentAnswered] = {}  # to people's requests, by their numbers

    def unit(self, name: str) -> "MemoryUnit":
        """Return a way to a unit; who loads it last owns it."""
        return MemoryUnit(self, name)

    def store(self, name: str) -> MemoryStore:
        """Return what a unit keeps."""
        return self._stores.setdefault(name, MemoryStore(self._tables))

    def journal(self, table: Table) -> list[object]:
        """Return a table's records over all units, in the order of their keys' first writing per unit."""
        return [record for store in self._stores.values() for record in store.journal(table)]

    def take_over(self, name: str) -> int:
        """Raise a unit's fence."""
        self._fences[name] = self._fences.get(name, 0) + 1
        return self._fences[name]

    def fence(self, name: str) -> int:
        """Return who owns the unit."""
        return self._fences.get(name, 0)

    def note(self, commit: Commit) -> None:
        """Take up what the archive will be asked for."""
        for _, envelope in commit.outbox:
            self._said.setdefault((envelope.source, envelope.stream), []).append(envelope)
        for row in commit.rows:
            if row.table == _CANDLES and row.values is not None:
                self._candles.setdefault((row.values.symbol, row.values.timeframe), {})[row.values.at] = row.values

    async def said(self, source: str, stream: str, after: int, upto: int) -> Sequence[Envelope]:
        """Return the stream's envelopes with after < sequence <= upto, in order, `SAID_AT_ONCE` at most."""
        found = [said for said in self._said.get((source, stream), ()) if after < said.sequence <= upto]
        return found[:SAID_AT_ONCE]

    async def candles(self, symbol: str, timeframe: str, after: Time, upto: Time) -> Sequence[Candle]:
        """Return the candles that closed at after < T <= upto, in order."""
        kept = self._candles.get((symbol, timeframe), {})
        return [kept[at] for at in sorted(kept) if after < at <= upto]


class MemoryUnit:
    """One unit, as one process sees it."""

    def __init__(self, units: MemoryUnits, name: str) -> None:
        self._units = units
        self._name = name
        self._fence = 0

    async def load(self) -> Loaded:
        """Take the unit over and return what was committed."""
        self._fence = self._units.take_over(self._name)
        return self._units.store(self._name).load()

    async def commit(self, commit: Commit) -> None:
        """Keep all of it. Raises Fenced where the unit was taken over."""
        self._check()
        store = self._units.store(self._name)
        before = store.load().units
        units = {
            name: UnitState(
                {**before.get(name, UnitState()).seen, **changed.seen},
                {**before.get(name, UnitState()).sent, **changed.sent},
            )
            for name, changed in commit.units.items()
        }
        store.commit(replace(commit, units=units))
        self._units.note(commit)

    async def answer(self, answered: AdjustmentAnswered) -> None:
        """Leave the first answer to a request. Raises Fenced where the unit was taken over."""
        self._check()
        self._units.answers.setdefault(answered.request, answered)

    async def close(self) -> None:
        """Nothing is held."""

    def _check(self) -> None:
        if self._units.fence(self._name) != self._fence:
            raise Fenced(f"unit {self._name} was taken over: this process may no longer write to it")
