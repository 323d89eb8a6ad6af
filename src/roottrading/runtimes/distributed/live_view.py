"""What the dispatcher shows in Redis: positions, balances and active cycles as Kafka told them, whole values always.

Nobody's decisions rest on it. A value that could not be written is written with the next; when Redis lost its memory
everything is written anew (consistency-rules 6.1).
"""

import asyncio
from collections.abc import Iterable, Mapping, Set
from typing import Final, Protocol

import msgspec

from roottrading.adapters.bus.port import BusUnavailable
from roottrading.adapters.bus.redis_state import MemoryLost
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import PortfolioUpdated, TradeCycleMoved, facts_of

POSITIONS: Final = "positions:active"
BALANCES: Final = "balances:current"
CYCLES: Final = "cycles:active"
_ENDED: Final = frozenset({"closed", "expired"})
_LOOK_SECONDS: Final = 2.0  # between two looks whether Redis still knows us
_AGAIN_SECONDS: Final = 0.5

Value = Mapping[str, str] | Set[str]


class Keys(Protocol):
    """Redis, as far as it is written to (`adapters.bus.redis_state`)."""

    async def write(self, key: str, value: Value, sequence: int) -> bool:
        """Set a whole value where it is newer. Raises MemoryLost, BusUnavailable."""

    async def is_built(self) -> bool:
        """Say whether it was built since it began. Raises BusUnavailable."""

    async def rebuild(self, values: Mapping[str, tuple[Value, int]]) -> None:
        """Write all values. Raises BusUnavailable."""


class LiveView:
    """The three values, and the writing of them; `turn` rises with every owner of the dispatcher's unit."""

    def __init__(self, keys: Keys, turn: int, active: Iterable[str] = ()) -> None:
        """`active` are the ids of the cycles that are active when the dispatcher begins."""
        self._keys = keys
        self._sequence = turn << 32
        self._active = set(active)
        self._values: dict[str, Value] = {CYCLES: frozenset(self._active), POSITIONS: {}, BALANCES: {}}
        self._changed: set[str] = set()
        self._awake = asyncio.Event()

    def hear(self, envelope: Envelope) -> None:
        """Take up what a message changes."""
        for fact in facts_of(envelope.body):
            if isinstance(fact, TradeCycleMoved):
                (self._active.discard if fact.status in _ENDED else self._active.add)(fact.cycle_id)
                self._set(CYCLES, frozenset(self._active))
            elif isinstance(fact, PortfolioUpdated):
                held = [each for each in fact.positions if each.cycle_id]
                self._set(POSITIONS, {each.symbol: _text(each) for each in held})
                self._set(BALANCES, {each.asset: _text(each) for each in fact.balances})

    async def run(self) -> None:
        """Write what changed until cancelled, and all of it where Redis is new."""
        while True:
            try:
                if not await self._keys.is_built():
                    await self._rebuild()
                async with asyncio.timeout(_LOOK_SECONDS):
                    while True:
                        await self._write_changes()
                        self._awake.clear()
                        await self._awake.wait()
            except TimeoutError:
                continue
            except MemoryLost:
                await self._rebuild()
            except BusUnavailable:
                await asyncio.sleep(_AGAIN_SECONDS)

    # ---- inside

    def _set(self, key: str, value: Value) -> None:
        self._values[key] = value
        self._changed.add(key)
        self._awake.set()

    async def _write_changes(self) -> None:
        while self._changed:
            key = min(self._changed)
            value, sequence = self._values[key], self._next()
            await self._keys.write(key, value, sequence)
            if self._values[key] is value:
                self._changed.discard(key)

    async def _rebuild(self) -> None:
        try:
            await self._keys.rebuild({key: (value, self._next()) for key, value in self._values.items()})
        except BusUnavailable:
            await asyncio.sleep(_AGAIN_SECONDS)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence


def _text(record: object) -> str:
    return msgspec.json.encode(record).decode()
