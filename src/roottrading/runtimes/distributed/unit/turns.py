"""Whose turn it is to decide: where much is to be decided, everything else in the process has its time in between.

An incarnation's units share one event loop with what keeps its locks alive and reads its connections. While little is
decided nobody waits; once units have decided for `HELD` in one pass of the loop they go on one by one, a pass each, in
the order in which they asked.
"""

import asyncio
from collections import deque
from typing import Any, Final

HELD: Final = 50_000_000  # nanoseconds of deciding in one pass of the loop, after which units take turns

_Task = asyncio.Task[Any] | None


class Turns:
    """The turns of one process's units."""

    def __init__(self) -> None:
        self._spent = 0  # in this pass; above 0 the next one is asked for
        self._waiting: deque[tuple[asyncio.Future[None], _Task]] = deque()
        self._holder: _Task = None

    async def mine(self) -> None:
        """Return when the unit may decide: at once, unless much was decided already."""
        if self._spent < HELD and (not self._waiting or self._holder is asyncio.current_task()):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, asyncio.current_task()))
        await turn

    def spent(self, nanoseconds: int) -> None:
        """Note what deciding took."""
        if not self._spent:
            asyncio.get_running_loop().call_soon(self._next_pass)
        self._spent += max(1, nanoseconds)

    def _next_pass(self) -> None:
        self._spent, self._holder = 0, None
        while self._waiting and self._holder is None:
            turn, task = self._waiting.popleft()
            if not turn.done():  # else whoever waited was cancelled
                turn.set_result(None)
                self._holder = task
        if self._holder is not None:
            self.spent(0)
