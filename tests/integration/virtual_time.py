"""An event loop whose time stands while anything is to be done, and goes on at once to the next timer when nothing is.

Sockets are real ones between two ends in this process: what one end has written, the other can read at once. So where
no socket is ready and nothing waits to be run, everybody rests, and nobody can tell waiting from a jump. Minutes of
faults pass in a second, and a busy machine times nobody out.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from roottrading.domain.time import SECOND, Time

Result = TypeVar("Result")
GRAIN: Final = 0.1  # seconds that it jumps over at least: timers fire as late as on a busy machine, and cost a tenth
_OTHERS: Final = 0.01  # seconds of the wall to wait where there is no timer to jump to


class _Jumping(selectors.DefaultSelector):
    """A selector that jumps over what would be waited for; `jumped` is how far it came, in seconds."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; else let the time pass."""
        ready = super().select(0)
        if not ready and timeout is None:
            return super().select(_OTHERS)
        if not ready and timeout:
            self.jumped += max(timeout, GRAIN)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; its time begins at 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds that were jumped over."""
        return self._jumping.jumped


def run_virtually(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on such a loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def local_time() -> Time:
    """Return the running loop's time in microseconds."""
    return round(asyncio.get_running_loop().time() * SECOND)
