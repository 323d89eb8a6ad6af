"""An ear for copies of what a topic brings, too: whoever has much to do waits for the topic (ADR 18)."""

from collections.abc import Callable, Sequence

from roottrading.adapters.bus.port import Delivery, Heads
from roottrading.runtimes.distributed.room import Room


class EarlyCopies:
    """Hands copies on while there is room; none is missed, so nothing is done about a lost one."""

    def __init__(self, hear: Callable[[Sequence[Delivery]], None], room: Room) -> None:
        self._hear = hear
        self._room = room

    def hear(self, batch: Sequence[Delivery]) -> None:
        """Hand them on, or let them be."""
        if self._room.is_there():
            self._room.take(len(batch))
            self._hear(batch)

    def hear_heads(self, heads: Heads) -> None:
        """Heads are of the topic's concern."""

    def listening(self) -> None:
        """What was missed comes by the topic."""

    def has_room(self) -> bool:
        """Say that nothing needs to be kept back."""
        return True
