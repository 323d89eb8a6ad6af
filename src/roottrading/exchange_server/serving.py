"""Serving an exchange on its port, until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

PATIENCE = 0.2  # seconds that open connections get to end by themselves


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application; yield the port, which the system chooses where 0 was asked for.

    Raises OSError where the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=PATIENCE, auto_decompress=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def until(stop: asyncio.Event, work: "asyncio.Task[None]") -> None:
    """Wait until `stop` is set or `work` ends; its error is raised."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, work}, return_when=asyncio.FIRST_COMPLETED)
    for task in (waiting, work):
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    if not work.cancelled():
        work.result()
