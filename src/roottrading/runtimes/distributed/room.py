"""Whether a process can take more of what carriers bring: counted anew only where it may be too much."""

from collections.abc import Callable
from typing import Final

FULL: Final = 5_000  # inputs that wait at all units together: the carriers keep what comes then


class Room:
    """The room for inputs; `waiting` counts those that wait now."""

    def __init__(self, waiting: Callable[[], int], most: int = FULL) -> None:
        self._waiting = waiting
        self._most = most
        self._at_most = 0  # that wait: what waited at the last count, and all that was taken since

    def take(self, count: int) -> None:
        """Note that so many were taken."""
        self._at_most += count

    def is_there(self) -> bool:
        """Say whether more can be taken."""
        if self._at_most >= self._most:
            self._at_most = self._waiting()
        return self._at_most < self._most
