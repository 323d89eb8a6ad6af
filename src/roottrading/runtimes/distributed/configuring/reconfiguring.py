"""An incarnation ends when what it was made for does: each process asks the database once a second."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.port import Unreachable
from roottrading.adapters.store.postgres.configuration import Configured
from roottrading.domain.time import Time
from roottrading.runtimes.distributed.configuring.configuration import Configuration, replayed, switches_at, together

LOOK_SECONDS: Final = 1.0
_SOON_SECONDS: Final = 0.1  # while a change waits for its time

ReadOn = Callable[[int], Awaitable[Sequence[Configured]]]


class Reconfigured(Exception):
    """The configuration that an incarnation was made for counts no longer: the next is made for the new one."""


class Basis(Struct, frozen=True):
    """What an incarnation is made of: changes, and what the settings wish where there are none.

    A process that is `early` begins anew as soon as a change is recorded, for what is and what will be.
    """

    changes: tuple[Configured, ...]
    wish: Configuration
    finest: Time
    early: bool

    def at(self, now: Time) -> Configuration:
        """Return what counts for a process that begins now."""
        current = replayed(each for each in self.changes if switches_at(each.effective_at, self.finest) <= now)
        current = current or self.wish
        if not self.early:
            return current
        return together(current, replayed(self.changes) or self.wish)


async def until_changed(basis: Basis, now: Callable[[], Time], read_on: ReadOn) -> None:
    """Wait until something else counts, and raise Reconfigured. `now` is the exchange's time."""
    made_of = basis.at(now()).made_of
    while True:
        waits = any(now() < switches_at(each.effective_at, basis.finest) for each in basis.changes)
        await asyncio.sleep(_SOON_SECONDS if waits else LOOK_SECONDS)
        with suppress(Unreachable):  # whoever needs the database now ends by itself
            more = tuple(await read_on(basis.changes[-1].number if basis.changes else 0))
            basis = replace(basis, changes=basis.changes + more)
        if basis.at(now()).made_of != made_of:
            raise Reconfigured("the configuration changed")
