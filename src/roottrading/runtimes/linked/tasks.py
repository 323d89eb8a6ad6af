"""Work that a person may stop: several parts side by side, of which the first to end ends all."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Done = TypeVar("Done")


async def side_by_side(stop: asyncio.Event, *parts: Coroutine[Any, Any, None]) -> None:
    """Do all of it until one part ends or `stop` is set; what any of them raised is raised when all have ended."""
    working = [asyncio.create_task(part) for part in (*parts, _wait(stop))]
    await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
    await _end(working)


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, Done]) -> Done | None:
    """Do the work; None where `stop` was set before it was done."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(_wait(stop))
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finished = working.done()
    await _end([working, stopping])
    return working.result() if finished else None


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
