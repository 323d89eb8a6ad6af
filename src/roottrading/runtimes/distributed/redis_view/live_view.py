"""What the dispatcher shows in Redis: positions, balances and active cycles as Kafka told them, whole values always.

It begins with what the database says. Nobody's decisions rest on it. A value that could not be written is written with
the next; when Redis lost its memory everything is written anew (consistency-rules 6.1).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final, Protocol

import msgspec

from roottrading.adapters.bus.port import BusUnavailable, Sent
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
Forward = Callable[[Envelope], Sequence[Sent]]


class Keys(Protocol):
    """Redis, as far as it is written to (`adapters.bus.redis_state`)."""

    async def write(self, key: str, value: Value, sequence: int) -> bool:
        """Set a whole value where it is newer. Raises MemoryLost, BusUnavailable."""

    async def is_built(self) -> bool:
        """Say whether it was built since it began. Raises BusUnavailable."""

    async def rebuild(self, values: Mapping[str, tuple[Value, int]]) -> object:
        """Write all values. Raises BusUnavailable."""


def shown(active: Iterable[str], account: PortfolioUpdated | None) -> dict[str, Value]:
    """Return the three values, of the ids of active cycles and what the portfolio said last."""
    positions = () if account is None else account.positions
    balances = () if account is None else account.balances
    return {
        CYCLES: frozenset(active),
        POSITIONS: {each.symbol: _text(each) for each in positions if each.cycle_id},
        BALANCES: {each.asset: _text(each) for each in balances},
    }


class LiveView:
    """The three values, and the writing of them; `turn` rises with every owner of the dispatcher's unit."""

    def __init__(
        self,
        keys: Keys,
        turn: int,
        active: Iterable[str] = (),
        account: PortfolioUpdated | None = None,
        seen: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """`active` are the ids of active cycles, and `account` what was said of it, when the dispatcher begins.

        What it has `seen` by then, the last sequence by (source, stream), is told in them.
        """
        self._keys = keys
        self._seen = dict(seen or {})
        self._sequence = turn << 32
        self._active = set(active)
        self._values = shown(self._active, account)
        self._changed: set[str] = set()
        self._awake = asyncio.Event()

    def hear(self, envelope: Envelope) -> None:
        """Take up what a message changes, once: one that comes again tells what was, and nobody may say what is."""
        position = (envelope.source, envelope.stream)
        if envelope.sequence <= self._seen.get(position, 0):
            return
        self._seen[position] = envelope.sequence
        for fact in facts_of(envelope.body):
            if isinstance(fact, TradeCycleMoved):
                (self._active.discard if fact.status in _ENDED else self._active.add)(fact.cycle_id)
                self._set(CYCLES, frozenset(self._active))
            elif isinstance(fact, PortfolioUpdated):
                values = shown(self._active, fact)
                self._set(POSITIONS, values[POSITIONS])
                self._set(BALANCES, values[BALANCES])

    def beside(self, forward: Forward) -> Forward:
        """Return a way that has this hear what is forwarded or not."""

        def on(envelope: Envelope) -> Sequence[Sent]:
            self.hear(envelope)
            return forward(envelope)

        return on

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
