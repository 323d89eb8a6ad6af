"""Works that live and end together."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, TypeVar

Done = TypeVar("Done")


class Together:
    """Works of which the first that ends ends all of them; others may begin, or be ended, meanwhile."""

    def __init__(self) -> None:
        self._running: set[asyncio.Future[Any]] = set()
        self._more = asyncio.Event()

    def begin(self, work: Awaitable[object]) -> asyncio.Future[Any]:
        """Have another work run beside those that run."""
        running = asyncio.ensure_future(work)
        self._running.add(running)
        self._more.set()
        return running

    async def end(self, work: asyncio.Future[Any]) -> None:
        """End one of them, and none of the others; raise what it raised by itself."""
        self._running.discard(work)
        await _ended([work])
        if not work.cancelled():
            work.result()

    async def run(self) -> None:
        """Wait until the first ends, and end the others; raise what it raised."""
        try:
            while True:
                self._more.clear()
                more = asyncio.ensure_future(self._more.wait())
                try:
                    done, _ = await asyncio.wait({more, *self._running}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    more.cancel()
                ended = done & self._running
                for each in ended:
                    each.result()
                if ended:
                    return
        finally:
            await _ended(self._running)


async def first_of(*works: Awaitable[object]) -> None:
    """Run these until the first ends, and end the others; raise what it raised."""
    together = Together()
    for work in works:
        together.begin(work)
    await together.run()


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, Done]) -> Done | None:
    """Do the work; None where `stop` was set before it was done."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await _ended([working, stopping])


async def _ended(works: Iterable[asyncio.Future[Any]]) -> None:
    while left := [each for each in works if not each.done()]:
        for each in left:
            each.cancel()  # again where a library swallowed it
        await asyncio.wait(left, timeout=1)
