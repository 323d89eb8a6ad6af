"""Works that live and end together."""

import asyncio
from collections.abc import Awaitable


async def first_of(*works: Awaitable[None]) -> None:
    """Run these until the first ends, and end the others; raise what it raised."""
    running = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        while left := [each for each in running if not each.done()]:
            for each in left:
                each.cancel()  # again where a library swallowed it
            await asyncio.wait(left, timeout=1)
