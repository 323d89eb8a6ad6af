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
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
