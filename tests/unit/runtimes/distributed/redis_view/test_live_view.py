"""What is shown in Redis: whole values, newer over older, and all of it again where memory was lost."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from roottrading.adapters.bus.port import BusUnavailable
from roottrading.adapters.bus.redis_state import MemoryLost
from roottrading.domain.balance import Balance
from roottrading.domain.trade_cycle import CycleStatus
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import PortfolioUpdated, PositionValued, TradeCycleMoved, TradeProgressed
from roottrading.runtimes.distributed.redis_view.live_view import BALANCES, CYCLES, POSITIONS, LiveView, Value

TWO = Decimal(2)


class Keys:
    """Redis in memory: it may forget, and be away."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[Value, int]] = {}
        self.built = False
        self.away = 0

    async def write(self, key: str, value: Value, sequence: int) -> bool:
        self._look()
        if not self.built:
            raise MemoryLost("rebuild")
        if key in self.kept and self.kept[key][1] >= sequence:
            return False
        self.kept[key] = (value, sequence)
        return True

    async def is_built(self) -> bool:
        self._look()
        return self.built

    async def rebuild(self, values: Mapping[str, tuple[Value, int]]) -> None:
        self._look()
        self.built = True
        for key, (value, sequence) in values.items():
            if key not in self.kept or self.kept[key][1] <= sequence:
                self.kept[key] = (value, sequence)

    def _look(self) -> None:
        if self.away:
            self.away -= 1
            raise BusUnavailable("away")


def told(body: Message, sequence: int = 1) -> Envelope:
    return Envelope("trader", "trade.events/AAA", sequence, sequence - 1, 0, "", body)


def moved(cycle: str, status: CycleStatus) -> TradeCycleMoved:
    return TradeCycleMoved(cycle, "AAA", status, "", 0)


def updated(cycle: str) -> PortfolioUpdated:
    held = PositionValued("AAA", cycle, TWO, TWO, TWO, TWO, Decimal(0))
    return PortfolioUpdated(0, (Balance("AAA", TWO, TWO),), TWO, TWO, TWO, TWO, TWO, positions=(held,))


def shown(keys: Keys, view: LiveView, until: Any) -> dict[str, Any]:
    async def run() -> None:
        running = asyncio.create_task(view.run())
        async with asyncio.timeout(5):
            while not until():
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(run())
    return {key: value for key, (value, _) in keys.kept.items()}


def test_cycles_positions_and_balances_are_shown_whole() -> None:
    keys = Keys()
    view = LiveView(keys, 1, ["old"])
    view.hear(told(TradeProgressed((moved("one", "opening"), moved("two", "opening"))), 1))
    view.hear(told(moved("one", "open"), 2))
    view.hear(told(moved("two", "expired"), 3))
    view.hear(told(updated("one"), 4))
    found = shown(keys, view, lambda: BALANCES in keys.kept and keys.kept[BALANCES][0])
    assert found[CYCLES] == {"old", "one"}
    assert list(found[POSITIONS]) == ["AAA"]
    assert '"one"' in found[POSITIONS]["AAA"]
    assert list(found[BALANCES]) == ["AAA"]


def test_it_begins_with_what_the_database_says() -> None:
    keys = Keys()
    found = shown(keys, LiveView(keys, 1, ["one"], updated("one")), lambda: keys.built)
    assert found[CYCLES] == {"one"}
    assert list(found[POSITIONS]) == ["AAA"]
    assert msgspec.json.decode(found[BALANCES]["AAA"], type=Balance) == Balance("AAA", TWO, TWO)


def test_what_comes_again_tells_nothing() -> None:
    keys = Keys()
    view = LiveView(keys, 1, (), updated("new"), {("trader", "trade.events/AAA"): 5})
    view.hear(told(moved("old", "open"), 5))  # its end was told by another, who does not say it again
    view.hear(told(updated("old"), 4))
    view.hear(told(moved("new", "open"), 6))
    view.hear(told(moved("new", "closed"), 7))
    view.hear(told(moved("new", "open"), 6))
    view.hear(told(moved("newer", "open"), 8))
    found = shown(keys, view, lambda: keys.built and not view._changed)
    assert found[CYCLES] == {"newer"}
    assert '"new"' in found[POSITIONS]["AAA"]


def test_what_holds_nothing_is_no_position() -> None:
    keys = Keys()
    view = LiveView(keys, 1)
    view.hear(told(updated("")))
    assert shown(keys, view, lambda: BALANCES in keys.kept and keys.kept[BALANCES][0])[POSITIONS] == {}


def test_a_redis_that_forgot_is_told_everything_again_by_the_owner_alone() -> None:
    keys = Keys()
    old, new = LiveView(keys, 1, ["old"]), LiveView(keys, 2, ["new"])
    shown(keys, new, lambda: CYCLES in keys.kept)
    old.hear(told(moved("older", "open")))
    assert shown(keys, old, lambda: not old._changed)[CYCLES] == {"new"}
    keys.kept.clear()
    keys.built = False
    keys.away = 2
    new.hear(told(moved("newer", "open")))
    assert shown(keys, new, lambda: CYCLES in keys.kept and not new._changed)[CYCLES] == {"new", "newer"}
