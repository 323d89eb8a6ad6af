"""What runs over a wire have in common around the run: their state folder, and how a person ends them."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from roottrading import __version__
from roottrading.adapters.store.database import Durability
from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Store
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.cli.preparing import digest
from roottrading.config.settings import Settings
from roottrading.config.show import settings_digest
from roottrading.runtimes.assembly import ALL_TABLES, Cast
from roottrading.runtimes.session import Position


class Stoppable(Protocol):
    """A run that a person may end."""

    async def run(self) -> Position:
        """Trade; returns how far it came."""

    def interrupt(self) -> None:
        """Stop because a person wants it."""


def open_store(
    settings: Settings,
    place: Mapping[str, str],
    acting: Cast,
    durability: Durability = "normal",
) -> Store:
    """Open the state folder, else a store in memory; `place` says what the state belongs to: which exchange or market.

    Raises what the store raises where the folder belongs to another run.
    """
    folder = settings.run.state
    if folder is None:
        return MemoryStore(ALL_TABLES)
    strategies = [(use.name, use.timeframe, use.symbols, use.settings) for use in acting.uses]
    identity = {
        **place,
        "version": __version__,
        "deployment": settings.account.deployment,
        "settings": settings_digest(settings),
        "strategies": digest(strategies),
    }
    return SqliteStore.open(Path(folder), ALL_TABLES, identity, durability=durability)


async def until_stopped(run: Stoppable) -> Position:
    """Run until it ends or a person ends it, by Ctrl-C or SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, run.interrupt)
    return await run.run()
