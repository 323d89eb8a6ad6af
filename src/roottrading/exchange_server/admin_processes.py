"""The processes' admin connection: waves and moves go out, counters come in (consistency-rules 1.9).

A process says once who it is, `{"type": "join", "service": "trader"}`, and hears from then on
`{"type": "wave", "wave": 7}`: work until idle, then answer with a report (`clock_proof.Report`, `"type": "report"`);
`{"type": "moved", "now": 1618617660000000, "phase": "deadlines"}`: time stands there now, in microseconds; and
`{"type": "finished"}`: nothing more will come. What cannot be taken is answered by `{"type": "error", ...}`, and ends
the connection.
"""

import asyncio
from itertools import count
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web
from msgspec import Struct

from roottrading.exchange_server.clock_paced import PacedClock
from roottrading.exchange_server.clock_proof import Report
from roottrading.exchange_server.clock_stepped import SteppedClock
from roottrading.exchange_server.clock_steps import Move

_LARGEST: Final = 16 * 1024 * 1024


class Join(Struct, frozen=True, tag="join", tag_field="type"):
    """A process says which service it is."""

    service: str


_DECODER: Final = msgspec.json.Decoder(Join | Report)


class Process:
    """One process at the other end: what is told to it goes out in order."""

    def __init__(self) -> None:
        """Say nothing yet."""
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def ask(self, wave: int) -> None:
        """Ask for its counters."""
        self.queue.put_nowait({"type": "wave", "wave": wave})

    def moved(self, move: Move) -> None:
        """Tell it where time stands."""
        self.queue.put_nowait({"type": "moved", "now": move.at, "phase": move.phase})

    def finished(self) -> None:
        """Tell it that nothing more will come."""
        self.queue.put_nowait({"type": "finished"})


class Processes:
    """All admin connections of processes."""

    def __init__(self, clock: PacedClock | SteppedClock) -> None:
        """Serve processes of this clock; one that is not stepped waits for nobody."""
        self._clock = clock
        self._numbers = count(1)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take one process until it goes."""
        clock = self._clock
        if not isinstance(clock, SteppedClock):
            return web.json_response({"error": "the clock is not stepped: it waits for nobody"}, status=400)
        socket = web.WebSocketResponse(max_msg_size=_LARGEST)
        await socket.prepare(request)
        process, member = Process(), f"process{next(self._numbers)}"
        writing = asyncio.create_task(self._write(socket, process))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                self._take(clock, member, process, message.data)
        except ValueError as error:
            await socket.send_json({"type": "error", "error": str(error)})
        finally:
            clock.leave(member)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await socket.close()
        return socket

    @staticmethod
    def _take(clock: SteppedClock, member: str, process: Process, data: str) -> None:
        """Take one message; ValueError where it is none, or comes at the wrong moment."""
        try:
            said = _DECODER.decode(data)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise ValueError(f"neither join nor report: {error}") from None
        if isinstance(said, Join):
            clock.join(member, said.service, process)
        else:
            clock.report(member, said)

    @staticmethod
    async def _write(socket: web.WebSocketResponse, process: Process) -> None:
        while True:
            await socket.send_json(await process.queue.get())
