"""What is made before it is asked for, while there is time: of the very object that it will be asked for with."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

_MOST: Final = 64

Of = TypeVar("Of")
Made = TypeVar("Made")


class Ahead(Generic[Of, Made]):
    """Keeps what was made of a few objects, each until it is taken; what never is goes when others come."""

    def __init__(self, make: Callable[[Of], Made]) -> None:
        self._make = make
        self._made: dict[int, tuple[Of, Made]] = {}  # who is kept here shares no id with another

    def prepare(self, of: Of) -> Made:
        """Make it now."""
        made = self._make(of)
        self._made[id(of)] = of, made
        if len(self._made) > _MOST:
            del self._made[next(iter(self._made))]
        return made

    def take(self, of: Of) -> Made:
        """Return what was made of it, or make it."""
        found = self._made.pop(id(of), None)
        return self._make(of) if found is None else found[1]
