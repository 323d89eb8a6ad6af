"""A wire between client and server that a test can cut: before a request, after it, with answers on their way.

Answers may take their time, too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

Trouble = Literal["", "requests are lost", "answers are lost", "nobody is let in"]


class Wire:
    """Forwards connections to a port; what `trouble` says is lost is thrown away silently until `cut`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.trouble: Trouble = ""
        self._open: set[asyncio.StreamWriter] = set()
        self.carried = 0  # bytes towards the server
        self.answers_take = 0.0  # seconds

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        if self.trouble == "nobody is let in":
            writer.transport.abort()
            return
        back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        both = {writer, forth}
        self._open |= both
        try:
            await asyncio.gather(self._pump(reader, forth, True), self._pump(back, writer, False))
        except OSError:
            pass
        finally:
            self._open -= both
            for each in both:
                each.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, drain: asyncio.StreamWriter, out: bool) -> None:
        lost: Trouble = "requests are lost" if out else "answers are lost"
        while data := await source.read(65_536):
            if self.trouble != lost:
                self.carried += len(data) if out else 0
                if self.answers_take and not out:
                    asyncio.get_running_loop().call_later(self.answers_take, drain.write, data)
                    continue
                drain.write(data)
                await drain.drain()
        drain.transport.abort()

    def cut(self) -> None:
        """Cut every connection that is open."""
        for writer in list(self._open):
            writer.transport.abort()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[tuple[Wire, int]]:
    """Lay a wire to a port of this machine; yield it and the port at its other end."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    try:
        yield wire, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        wire.cut()
        await server.wait_closed()
        await asyncio.sleep(0)
