"""Whoever listens in a benchmark: it has room for everything, and heads are nothing to it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence

from roottrading.adapters.bus.port import Delivery, Heads


class Listener(ABC):
    """An ear for both kinds of carriers; what it does with messages is its subclass's."""

    def __init__(self) -> None:
        self.listens = asyncio.Event()

    @abstractmethod
    def hear(self, batch: Sequence[Delivery]) -> None:
        """Take a batch of Pub/Sub's."""

    async def read(self, batch: Sequence[Delivery]) -> None:
        """Take a batch of a log's."""
        self.hear(batch)

    def hear_heads(self, heads: Heads) -> None:  # noqa: B027 (to a listener of a benchmark heads are nothing)
        """Do nothing."""

    def listening(self) -> None:
        """Say so."""
        self.listens.set()

    def has_room(self) -> bool:
        """Say that there always is."""
        return True
