"""A service's end by its own will: nothing new is taken, and what is under way comes to its end first.

Requests at the exchange get their answers, and what follows of these is committed and published; who hears what the
traders do reads what they had said. That takes a moment, or is given up: the next start asks for what is unknown then.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from roottrading.pipeline import TRADE_EVENTS, Role
from roottrading.runtimes.distributed.commands.adjusting import Requests
from roottrading.runtimes.distributed.exchange_side import ExchangeSide
from roottrading.runtimes.distributed.serving import Serving
from roottrading.runtimes.distributed.sharding import ROLE, shards_of

FINISH_SECONDS: Final = 5.0  # at most
QUIET_SECONDS: Final = 0.2  # in which nothing came any more: the exchange says some things twice
_LOOKS: Final = 0.01
_TRADER: Final = "trader"
_LOG: Final = logging.getLogger(__name__)


def turn_of(role: Role) -> int:
    """Return when a service ends where all do: after the trader whoever hears what it did, before it all others."""
    if role.keys == "trade":
        return 1
    return 2 if TRADE_EVENTS in role.consumes else 0


async def finish(role: Role, serving: Serving, side: ExchangeSide, requests: Requests | None) -> None:
    """Wait for the end of what is under way. Raises StoreError where the database does not say what was said."""
    facts = TRADE_EVENTS in role.consumes
    serving.finish({TRADE_EVENTS.name} if facts else frozenset())
    said: Mapping[str, int] = {}
    if facts and requests is not None:
        progress = await requests.progress_of(_TRADER, shards_of(ROLE[_TRADER], side.instruments))
        said = {stream: last for stream, last in progress.said.items() if stream.startswith(f"{TRADE_EVENTS.name}/")}
    waits = role.keys != "none"  # only who has a key has anything under way at the exchange

    def is_done() -> bool:
        heard = serving.seen.get(_TRADER, {})
        read = all(heard.get(stream, 0) >= last for stream, last in said.items())
        return read and serving.is_idle and not (waits and (side.under_way or not side.is_idle))

    if not await _rested(is_done, QUIET_SECONDS if role.keys == "trade" else 0.0):
        _LOG.warning("ends with %d requests without an answer; the next start asks for them", len(side.under_way))


async def _rested(is_done: Callable[[], bool], quiet: float) -> bool:
    """Wait until that holds for so long; say whether it did before too long."""
    now = time.monotonic()
    until, since = now + FINISH_SECONDS, now
    while (now := time.monotonic()) < until:
        if not is_done():
            since = now
        elif now - since >= quiet:
            return True
        await asyncio.sleep(_LOOKS)
    return False
