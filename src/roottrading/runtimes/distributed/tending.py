"""What a database needs each day, done beside a service's work: a fault of it is said, and ends nothing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.maintenance import Maintained
from roottrading.domain.time import Time

TENDS: Final = "portfolio"  # one instance of it is active, and no order waits for it
EVERY: Final = 24 * 3_600.0  # seconds, whatever the exchange's clock does
AGAIN: Final = 600.0  # seconds after which it is tried again where it failed

_LOG: Final = logging.getLogger(__name__)

Tend = Callable[[Time], Awaitable[Maintained]]  # what is kept of the market goes by the exchange's time


async def keep_tended(tend: Tend, now: Callable[[], Time], every: float = EVERY, again: float = AGAIN) -> None:
    """Do it at once and then each day, until cancelled."""
    while True:
        try:
            done = await tend(now())
        except StoreError as error:
            _LOG.warning("the database was not tended: %s; it is tried again in %g s", error, again)
            await asyncio.sleep(again)
            continue
        if not done.busy:
            _LOG.info(
                "the database is tended: %d months of candles made, %d dropped, %d messages forgotten",
                len(done.made),
                len(done.dropped),
                done.forgotten,
            )
        await asyncio.sleep(every)
