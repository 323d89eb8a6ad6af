"""The stepped clock among busy processes: it never moves while anything is under way, and it comes to the end."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.time import MINUTE, Time
from roottrading.exchange_server.clock_proof import Report
from roottrading.exchange_server.clock_stepped import SteppedClock
from roottrading.exchange_server.clock_steps import Move
from tests.unit.exchange_server.restless_processes import ROLES, Work, World

MOST_STEPS = 50_000


class Clocked(World):
    """The world, with the real clock in it: its moves make new work, its turns carry requests out."""

    def __init__(self, seed: int, work: int, instants: int) -> None:
        super().__init__(seed, work)
        self.work = work
        self.instants = [MINUTE * (place + 1) for place in range(instants)]
        self.holding: list[str] = []
        self.carried_out: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.moves: list[Move] = []
        self.ended = False
        self.clock = SteppedClock(self, 0, dict.fromkeys(ROLES, 1), lambda: dict(self.written))
        for role in ROLES:
            self.clock.join(role, role, Member(self, role))

    def next_instant(self) -> Time | None:
        return self.instants[0] if self.instants else None

    def move(self, move: Move) -> None:
        assert self.under_way() == []
        assert self.holding == []
        self.moves.append(move)
        if move.phase == "fills":
            self.instants.pop(0)
        for role in self.dice.sample(ROLES, 2):
            self.frame(role, self.work)

    def hear(self, role: str, report: Report) -> None:
        self.clock.report(role, report)

    def _send(self) -> bool:
        if not self.requests:
            return False
        name, work = self.requests.popleft()
        self.tasks.append(asyncio.get_running_loop().create_task(self._request(name, work)))
        return True

    async def _request(self, name: str, work: Work) -> None:
        self.holding.append(name)
        await self.clock.turn("X", name)
        assert self.under_way() == []
        self.holding.remove(name)
        self.carried_out.append(name)
        await asyncio.sleep(0)  # all of this turn are carried out before the first is answered
        self.replies.append(("trader", name))
        self.frame("trader", work)


class Member:
    def __init__(self, world: Clocked, role: str) -> None:
        self.world = world
        self.role = role

    def ask(self, wave: int) -> None:
        self.world.asked.append((self.role, wave))

    def moved(self, move: Move) -> None:
        assert move is self.world.moves[-1]

    def finished(self) -> None:
        self.world.ended = True


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(1, 4))
def test_the_clock_moves_only_at_rest_and_to_the_end(seed: int, work: int, instants: int) -> None:
    async def run() -> Clocked:
        world = Clocked(seed, work, instants)
        for _ in range(MOST_STEPS):
            if world.ended:
                break
            world.step()
            await asyncio.sleep(0)
        await asyncio.gather(*world.tasks)
        return world

    world = asyncio.run(run())
    assert world.ended
    assert world.under_way() == []
    assert [move.phase for move in world.moves] == ["fills", "candles"] * instants
    assert len(world.carried_out) == len(set(world.carried_out)) == world.numbers
