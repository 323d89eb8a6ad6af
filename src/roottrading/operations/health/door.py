"""A service's own HTTP door on loopback: is it alive, is it ready, what does it count, what did it do last."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from errno import EADDRINUSE
from typing import Final

import msgspec
from aiohttp import web

from roottrading.operations.health.readiness import Health
from roottrading.operations.metrics import CONTENT, Metrics
from roottrading.runtimes.distributed.observing import Observed, Worked, clock, watch_pauses

LOOPBACK: Final = "127.0.0.1"
_FAREWELL: Final = 0.5  # seconds for an answer that is under way when the door closes


class PortTaken(Exception):
    """Another program listens on the door's port."""


class Trace(msgspec.Struct, frozen=True):
    """The last batches; `wall_ns` added to their times gives nanoseconds since 1970."""

    service: str
    wall_ns: int
    batches: list[Worked]


class Door:
    """Answers questions about one process."""

    def __init__(self, service: str, observed: Observed, health: Health) -> None:
        self._service = service
        self.observed = observed
        self._health = health
        self._metrics = Metrics(service, observed)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.router.add_get("/health/live", self.alive)
        app.router.add_get("/health/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/trace", self.trace)
        return app

    async def alive(self, _: web.Request) -> web.Response:
        """Say that the process is alive: its event loop answers."""
        return web.json_response({"alive": True, "service": self._service, "process_id": os.getpid()})

    async def ready(self, _: web.Request) -> web.Response:
        """Say what the service needs and how that is; 503 while it is not ready."""
        found = await self._health.readiness()
        return web.Response(
            body=msgspec.json.format(msgspec.json.encode(found), indent=2),
            status=200 if found.ready else 503,
            content_type="application/json",
        )

    async def metrics(self, _: web.Request) -> web.Response:
        """Return the numbers."""
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT})

    async def trace(self, _: web.Request) -> web.Response:
        """Return the last batches, each with what it took, what left after it, and when."""
        offset = time.time_ns() - clock()
        found = Trace(self._service, offset, list(self.observed.trace))
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")


@asynccontextmanager
async def open_door(door: Door, port: int) -> AsyncIterator[int]:
    """Serve on a port of loopback (0: any free one); give the port. Raises PortTaken."""
    watching = asyncio.create_task(watch_pauses(door.observed))
    runner = web.AppRunner(door.app(), access_log=None, shutdown_timeout=_FAREWELL)
    try:
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise
            raise PortTaken(
                f"port {port} of {LOOPBACK} is taken by another program: name another with --health-port (0: any free)"
            ) from None
        yield runner.addresses[0][1]
    finally:
        watching.cancel()
        await runner.cleanup()
