"""The stepped clock: time moves when rest is proven, or by hand where nobody is expected."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.exchange_server.clock_proof import Exchange, Report, RestProof
from roottrading.exchange_server.clock_steps import Move, Steps


class Stepping(Protocol):
    """The market, a phase at a time."""

    def next_instant(self) -> Time | None:
        """Return the market's next instant, None at its end."""

    def move(self, move: Move) -> None:
        """Play a phase."""


class Member(Protocol):
    """A process at the other end of an admin connection."""

    def ask(self, wave: int) -> None:
        """Ask for its counters, once it is idle."""

    def moved(self, move: Move) -> None:
        """Tell it where time stands now."""

    def finished(self) -> None:
        """Tell it that nothing more will come."""


class Held(Struct):
    """A request that waits for rest."""

    symbol: str
    client_order_id: str
    free: asyncio.Future[None]


class SteppedClock:
    """Holds requests until rest, carries them out in canonical order, and moves time when there are none."""

    def __init__(
        self, market: Stepping, start: Time, expected: Mapping[str, int], written: Callable[[], Mapping[str, int]]
    ) -> None:
        """Stand at `start`; `written` tells the frames written by connection."""
        self._market = market
        self._steps = Steps(start)
        self._proof = RestProof(expected)
        self._written = written
        self._members: dict[str, Member] = {}
        self._held: list[Held] = []
        self.moves = 0
        self.done = False

    # ---- the clock

    def now(self) -> Time:
        """Return the instant at which the clock stands."""
        return self._steps.now

    @property
    def expected(self) -> Mapping[str, int]:
        """How many processes of each service are expected."""
        return self._proof.expected

    @property
    def by_hand(self) -> bool:
        """Whether nobody is expected: then time moves by command, and requests are carried out as they come."""
        return not self._proof.expected

    async def turn(self, symbol: str, client_order_id: str) -> None:
        """Return when rest is proven and it is this request's turn; at once where time moves by hand."""
        if self.by_hand:
            return
        held = Held(symbol, client_order_id, asyncio.get_running_loop().create_future())
        self._held.append(held)
        try:
            await held.free
        finally:
            if held in self._held:
                self._held.remove(held)

    def step(self, count: int = 1, until: Time | None = None) -> int:
        """Move by hand: `count` phases, or (`until`) all up to that instant; return how many there were.

        Raises ValueError where processes are expected: then rest moves time.
        """
        if not self.by_hand:
            raise ValueError("processes are expected: time moves when they rest, not by hand")
        done = 0
        while until is not None or done < count:
            following = self._steps.next_at(self._market.next_instant())
            if following is None or (until is not None and following > until):
                break
            self._move()
            done += 1
        return done

    # ---- the processes

    def join(self, member: str, role: str, process: Member) -> None:
        """Take a process in; once all are here, the first wave is asked for. ValueError where it is not expected.

        Who comes (again) after the end is told so.
        """
        self._proof.join(member, role)
        self._members[member] = process
        if self.done:
            process.finished()
        else:
            self._ask()

    def leave(self, member: str) -> None:
        """Let a process go; time stands until another comes in its place."""
        self._members.pop(member, None)
        self._proof.leave(member)

    def report(self, member: str, report: Report) -> None:
        """Take a process's counters; the last of a wave decides what comes."""
        self._proof.report(member, report)
        if not self._proof.complete:
            return
        if self._proof.judge(Exchange(self._written(), frozenset(held.client_order_id for held in self._held))):
            if self._held:
                self._carry_out()
            elif not self._move():
                return
        self._ask()

    # ---- inside

    def _carry_out(self) -> None:
        self._proof.moved()
        self._held.sort(key=lambda held: self._proof.rank(held.symbol, held.client_order_id))
        for held in self._held:
            if not held.free.done():
                held.free.set_result(None)
        self._held.clear()

    def _move(self) -> bool:
        """Move on; say whether there was anything left to come."""
        move = self._steps.next(self._market.next_instant(), self._proof.next_deadline())
        if move is None:
            self.done = True
            for process in tuple(self._members.values()):
                process.finished()
            return False
        self._proof.moved()
        self._market.move(move)
        self.moves += 1
        for process in tuple(self._members.values()):
            process.moved(move)
        return True

    def _ask(self) -> None:
        if self._proof.gathered and self._members:
            wave = self._proof.ask()
            for process in tuple(self._members.values()):
                process.ask(wave)
