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
_NAMED: Final = 3  # streams in a line of the log
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
    ending = _Ending(role, serving, side)
    try:
        async with asyncio.timeout(FINISH_SECONDS):
            if facts and requests is not None:
                ending.said = None
                ending.said = await _said(requests, side)
            await _rested(lambda: not ending.left(), QUIET_SECONDS if role.keys == "trade" else 0.0)
    except TimeoutError:
        _LOG.warning("ends without %s; the next start goes on from there", " and ".join(ending.left()))


class _Ending:
    """What is left to be done before a service ends."""

    def __init__(self, role: Role, serving: Serving, side: ExchangeSide) -> None:
        self._serving = serving
        self._side = side
        self._asks = role.keys != "none"  # only who has a key has anything under way at the exchange
        self.said: Mapping[str, int] | None = {}  # by the traders, by stream; None: the database has not told

    def left(self) -> list[str]:
        """Say what it waits for."""
        found: list[str] = []
        if self.said is None:
            return ["knowing what the traders said"]
        heard = self._serving.seen.get(_TRADER, {})
        if unheard := [stream for stream, last in self.said.items() if heard.get(stream, 0) < last]:
            found.append(f"having read all that the traders said on {', '.join(unheard[:_NAMED])}")
        if not self._serving.is_idle:
            found.append("having kept and published all that it decided")
        if self._asks and (waiting := len(self._side.under_way)):
            found.append(f"the answers to {waiting} requests")
        elif self._asks and not self._side.is_idle:
            found.append("having asked the exchange all that it wanted to")
        return found


async def _said(requests: Requests, side: ExchangeSide) -> Mapping[str, int]:
    """Return the last sequence of whatever the traders said of orders, by stream."""
    progress = await requests.progress_of(_TRADER, shards_of(ROLE[_TRADER], side.instruments))
    return {stream: last for stream, last in progress.said.items() if stream.startswith(f"{TRADE_EVENTS.name}/")}


async def _rested(is_done: Callable[[], bool], quiet: float) -> None:
    """Wait until that holds for so long."""
    since = time.monotonic()
    while True:
        now = time.monotonic()
        if not is_done():
            since = now
        elif now - since >= quiet:
            return
        await asyncio.sleep(_LOOKS)
