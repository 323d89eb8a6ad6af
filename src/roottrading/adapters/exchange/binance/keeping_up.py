"""Keeps one socket up: connects again after its end, and replaces it by a new one before its time is over."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

from roottrading.adapters.exchange.binance.doors import Changed, Doors
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.socket_api import SocketApi, SocketEnded
from roottrading.domain.time import SECOND

_LONG_ENOUGH: Final = 5.0  # a socket that lived for so many seconds was a good one

MakeSocket = Callable[[Callable[[Any], None]], SocketApi]


class KeptSocket:
    """The account's socket as long as the link lives: `greet` is called whenever events were missed before.

    A socket that is replaced while it works misses nothing: the new one is up before the old one ends. `greet` runs
    beside; `down` says that events are missed from now on.
    """

    def __init__(
        self,
        doors: Doors,
        url: str,
        settings: LinkSettings,
        make: MakeSocket,
        hear: Callable[[Any], None],
        greet: Callable[[], Coroutine[Any, Any, None]],
        down: Callable[[], None],
        changed: Changed,
    ) -> None:
        self._doors = doors
        self._url = url
        self._settings = settings
        self._make = make
        self._hear = hear
        self._greet = greet
        self._down = down
        self._changed = changed
        self._renewal = asyncio.Event()
        self._missing = False  # events are missed although the socket works
        self._greeting: asyncio.Task[None] | None = None
        self._leaving: dict[asyncio.Task[None], SocketApi] = {}

    def renew(self, missing: bool) -> None:
        """Replace the socket now: the server said that it goes away, or (`missing`) tells no more of the account."""
        if missing:
            self._missing = True
            self._down()
        self._renewal.set()

    async def run(self) -> None:
        """Keep a socket up until cancelled."""
        try:
            first = pause = self._settings.first_pause / SECOND  # 300 tries in 5 minutes are allowed
            while True:
                lived = await self._once()
                if lived >= _LONG_ENOUGH:
                    pause = first
                else:
                    await asyncio.sleep(pause * random.uniform(0.75, 1.25))
                    pause = min(2 * pause, self._settings.longest_pause / SECOND)
        finally:
            await self._end()

    async def _once(self) -> float:
        """Open a socket, take over from the one before, wait until it is over; return how many seconds it was up."""
        old = self._doors.socket
        if self._doors.is_banned:
            return 0.0  # knocking would make it longer
        socket = self._make(self._hear)
        try:
            await socket.open(self._doors.rest.session, self._url)
        except SocketEnded as error:
            if old is None or not old.is_up:
                self._lost(str(error))
            return 0.0
        missed = old is None or not old.is_up or self._missing
        self._missing = False
        self._doors.socket = socket
        if old is not None:
            self._leave(old)
        if missed:
            self._changed("user_data", "up", "")
            if self._greeting is not None:
                self._greeting.cancel()
            self._greeting = asyncio.create_task(self._greet())
        lived = await self._until_over(socket)
        if not socket.is_up:
            self._lost("the socket ended")
        return lived

    async def _end(self) -> None:
        if self._greeting is not None:
            self._greeting.cancel()
        for task, old in list(self._leaving.items()):
            task.cancel()
            await old.close()
        if self._doors.socket is not None:
            await self._doors.socket.close()

    async def _until_over(self, socket: SocketApi) -> float:
        """Wait until the socket ended or is to be replaced; return how many seconds that took."""
        began = asyncio.get_running_loop().time()
        renewal = asyncio.create_task(self._renewal.wait())
        ended = asyncio.create_task(socket.ended())
        try:
            await asyncio.wait(
                {renewal, ended},
                timeout=self._settings.renew_after / SECOND,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            renewal.cancel()
            ended.cancel()
        self._renewal.clear()
        return asyncio.get_running_loop().time() - began

    def _lost(self, reason: str) -> None:
        self._doors.socket = None
        self._down()
        self._changed("user_data", "down", reason)

    def _leave(self, old: SocketApi) -> None:
        """End a replaced socket once what it was asked is answered."""

        async def leave() -> None:
            for _ in range(self._settings.answer_timeout * 10 // SECOND):
                if not old.awaited:
                    break
                await asyncio.sleep(0.1)
            await old.close()

        task = asyncio.create_task(leave())
        self._leaving[task] = old
        task.add_done_callback(lambda done: self._leaving.pop(done, None))
