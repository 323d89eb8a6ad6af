"""A service that goes on: whatever ends one incarnation, the next loads what stands and goes on there."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Final

from roottrading.adapters.bus.port import BusError, Unreadable
from roottrading.adapters.exchange.binance.streams import HistoryUnavailable
from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.leadership import Leadership
from roottrading.runtimes.distributed.configuring.reconfiguring import Reconfigured
from roottrading.runtimes.distributed.holding import LostShards, Shares
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.service import ServiceProcess
from roottrading.runtimes.distributed.surroundings import Surroundings
from roottrading.runtimes.distributed.unit.quarantine import SetAside
from roottrading.runtimes.together import first_of

_LOG: Final = logging.getLogger(__name__)
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before the next try
_REPEATED: Final = 60.0  # seconds after which a fault that lasts is told again
_LIVED: Final = 60.0  # seconds after which what ended counts as one that had begun well


class LostLead(Exception):
    """Another instance may lead by now: begin again, behind it."""


_PASSING: Final = (
    BusError,
    StoreError,
    LinkError,
    HistoryUnavailable,
    LostLead,
    LostShards,
    SetAside,
    OSError,
    TimeoutError,
)


async def serve_on(
    role: str,
    connect: Callable[[], AbstractAsyncContextManager[Surroundings]],
    lead: Leadership | Shares | None,
    stop: asyncio.Event,
    began: Callable[[ServiceProcess], None] = lambda process: None,
    observed: Observed | None = None,
) -> None:
    """Serve until `stop` is set and what was under way then has come to its end, or until the stepped market's.

    `lead` says what of the service this instance serves: all of it while no other leads, or its share; all, always,
    where it is left out.

    What may pass is tried again, after ever longer pauses. Raises Unreadable (a newer message: upgrade) and whatever
    is a defect of this program: nobody goes on beyond it.
    """
    observed = observed or Observed()
    if isinstance(lead, Leadership):
        await _serve_on(role, connect, lead, None, stop, began, observed)
        return
    try:
        await _serve_on(role, connect, None, lead, stop, began, observed)
    finally:
        if lead is not None:
            await lead.close()


async def _serve_on(
    role: str,
    connect: Callable[[], AbstractAsyncContextManager[Surroundings]],
    leadership: Leadership | None,
    shares: Shares | None,
    stop: asyncio.Event,
    began: Callable[[ServiceProcess], None],
    observed: Observed,
) -> None:
    tries, told = 0, _Told(role)
    ended = asyncio.Event()
    serving: list[ServiceProcess] = []

    async def live() -> None:
        if leadership is not None:
            observed.reach("waiting to lead", observed.why)
            await leadership.acquire()
        observed.leads = leadership is not None
        try:
            observed.reach("connecting", observed.why)
            async with connect() as around:
                process = ServiceProcess(role, around, shares)
                began(process)
                serving[:] = [process]
                await first_of(process.run(), *_ends(leadership, around))
                ended.set()
        finally:
            serving.clear()
            if leadership is not None:
                await leadership.release()

    async def told_to_end() -> None:
        await stop.wait()
        for process in serving:
            await process.finish()

    while not stop.is_set() and not ended.is_set():
        began_at = time.monotonic()
        try:
            await first_of(live(), told_to_end())
        except Unreadable:
            raise
        except Reconfigured as error:
            observed.restarts += 1
            _LOG.info("%s begins again: %s", role, error)
        except _PASSING as error:
            tries = 0 if time.monotonic() - began_at > _LIVED else tries
            if shares is not None and tries:  # others may fare better; after a first fault its shards stay its own
                await shares.close()
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
            was_up = observed.stage == "serving"
            observed.reach("stopped", str(error))
            observed.restarts += 1
            told.tell(error, pause, was_up)
            tries += 1
            await first_of(asyncio.sleep(pause), _quietly(stop))


class _Told:
    """What was said of a service that stopped: of the same fault again only from time to time."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._last = ""
        self._at = 0.0

    def tell(self, error: BaseException, pause: float, was_up: bool) -> None:
        """Say it, unless it was, by a service that has not been up since."""
        now = time.monotonic()
        if was_up or str(error) != self._last or now - self._at >= _REPEATED:
            _LOG.warning("%s stopped, and begins again in %g s: %s", self._role, pause, error)
            self._last, self._at = str(error), now


def _ends(leadership: Leadership | None, around: Surroundings) -> Iterator[Awaitable[None]]:
    """Yield what ends an incarnation from outside."""
    if leadership is not None:
        yield _until(leadership.lost, "the session with PostgreSQL that held its lead has ended")
    if around.ends is not None:
        yield around.ends()


async def _until(event: asyncio.Event, why: str) -> None:
    await event.wait()
    raise LostLead(why)


async def _quietly(event: asyncio.Event) -> None:
    await event.wait()
