"""Processes that belong together: each begins again when it falls over, all end, each in its turn, when told to."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct

_PAUSES: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before a process begins again
_LIVED: Final = 30.0  # seconds after which a process counts as one that had begun well
_DRAIN: Final = 15.0  # seconds that a process has to end by itself
_LINE: Final = 1 << 20

Say = Callable[[str], None]


class Command(Struct, frozen=True):
    """A process to be kept alive: its name in what is said of it, and how it is started.

    Those of a lower `turn` are ended first, and have ended before the next are told to. Of the environment it is given
    all but what is `withheld`. Options that may be others at its next start are asked of `options`.
    """

    name: str
    arguments: tuple[str, ...]
    turn: int = 0
    withheld: frozenset[str] = frozenset()
    options: Callable[[], Sequence[str]] = tuple


class GaveUp(Exception):
    """A process cannot be what it is meant to be: its settings are wrong; the text is what it said last."""


class Supervisor:
    """Keeps commands alive until each ended by itself (exit code 0), or all are stopped."""

    def __init__(self, commands: Sequence[Command], environment: Mapping[str, str], say: Say) -> None:
        self._commands = commands
        self._environment = dict(environment)
        self._say = say
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self.stop = asyncio.Event()
        self.restarts = 0

    def process_id(self, name: str) -> int | None:
        """Return the id of a command's process, None where there is none now."""
        process = self._running.get(name)
        return None if process is None else process.pid

    async def run(self) -> None:
        """Return when every process ended by itself, or after a stop. Raises GaveUp for wrong usage (exit code 2)."""
        works = [asyncio.create_task(self._keep(command)) for command in self._commands]
        stopping = asyncio.create_task(self.stop.wait())
        try:
            left = set(works)
            while left and not stopping.done():
                done, _ = await asyncio.wait({*left, stopping}, return_when=asyncio.FIRST_COMPLETED)
                for each in done - {stopping}:
                    each.result()
                    left.discard(each)
        finally:
            stopping.cancel()
            for turn in sorted({command.turn for command in self._commands}):
                ending = [each for command, each in zip(self._commands, works, strict=True) if command.turn == turn]
                for each in ending:
                    each.cancel()
                await asyncio.gather(*ending, return_exceptions=True)

    async def _keep(self, command: Command) -> None:
        tries = 0
        while True:
            began = time.monotonic()
            code, last = await self._once(command)
            if code == 0:
                return
            if code == 2:
                raise GaveUp(f"{command.name}: {last}")
            tries = 0 if time.monotonic() - began > _LIVED else tries + 1
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
            self._say(f"{command.name} ended ({_ending(code)}): it begins again in {pause:g} s")
            self.restarts += 1
            await asyncio.sleep(pause)

    async def _once(self, command: Command) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *command.arguments,
            *command.options(),
            env={name: text for name, text in self._environment.items() if name not in command.withheld},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LINE,
            process_group=0,  # Ctrl-C is for whoever ends them, each in its turn
        )
        self._running[command.name] = process
        self._say(f"{command.name} is process {process.pid}")
        relaying = asyncio.create_task(self._relay(process))  # to the end: a process says something while it ends, too
        try:
            last = await asyncio.shield(relaying)
            return await process.wait(), last
        finally:
            if not await _drained(process):
                self._say(f"{command.name} did not end within {_DRAIN:g} s: it was killed")
            await asyncio.wait([relaying], timeout=1)
            relaying.cancel()
            self._running.pop(command.name, None)

    async def _relay(self, process: asyncio.subprocess.Process) -> str:
        """Pass on what a process says; return its last words."""
        assert process.stdout is not None
        last = ""
        async for line in process.stdout:
            last = line.decode(errors="replace").rstrip()
            self._say(last)
        return last


async def _drained(process: asyncio.subprocess.Process) -> bool:
    """End a process: asked first, then by force; say whether it ended by itself."""
    if process.returncode is not None:
        return True
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_DRAIN):
            await process.wait()
        return True
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def own_command(
    name: str,
    *arguments: str,
    turn: int = 0,
    withheld: frozenset[str] = frozenset(),
    options: Callable[[], Sequence[str]] = tuple,
) -> Command:
    """Return the command that runs `roottrading ARGUMENTS OPTIONS` with this very Python."""
    return Command(name, (sys.executable, "-m", "roottrading", *arguments), turn, withheld, options)
