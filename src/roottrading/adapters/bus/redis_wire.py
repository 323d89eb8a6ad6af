"""One connection to Redis, at the speed of its parser: what is asked together goes out and comes back together."""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis
from msgspec import Struct

from roottrading.adapters.bus.port import BusError, BusUnavailable

_NOT_NOW: Final = ("LOADING", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "max number of clients")
_UNANSWERED: Final = 10_000  # questions: whoever answers none of them is gone

Command = tuple[str | bytes, ...]

_pack: Callable[[Any], bytes] = hiredis.pack_command  # typed there as if it took one word


class Place(Struct, frozen=True):
    """Where a Redis is: host and port, or the path of a socket."""

    host: str
    port: int
    path: str | None
    database: int
    user: str | None
    password: str | None
    tls: bool

    def __str__(self) -> str:
        """Return the address without what is secret."""
        return self.path or f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Place({self})"


def place_of(url: str) -> Place:
    """Read redis://[user:password@]host[:port][/database], rediss:// (TLS) or unix://path?db=0. Raises BusError."""
    parts = urlsplit(url)
    scheme, path = parts.scheme, unquote(parts.path)
    try:
        if scheme == "unix":
            database, port = int(parse_qs(parts.query).get("db", ["0"])[0]), 0
        else:
            database, port = int(path.strip("/") or 0), parts.port or 6379
    except ValueError:
        scheme = ""
    if scheme not in {"redis", "rediss", "unix"} or (scheme == "unix" and not path):
        raise BusError("the address of Redis reads redis://[user:password@]host[:port][/database] or unix://path?db=0")
    return Place(
        parts.hostname or "localhost",
        port,
        path if scheme == "unix" else None,
        database,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        scheme == "rediss",
    )


class _Asked(Struct, eq=False):
    answers: list[Any]
    left: int
    done: "asyncio.Future[list[Any]]"


class Wire(asyncio.Protocol):
    """A connection: answers come in the order of the questions; with `hear` set, everything goes there instead."""

    def __init__(self, patience: float) -> None:
        self.patience = patience  # seconds for an answer: whoever is silent for longer is gone
        self.hear: Callable[[list[Any]], None] | None = None
        self.lost = asyncio.get_running_loop().create_future()  # done when the connection has ended
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._asked: deque[_Asked] = deque()

    @property
    def is_open(self) -> bool:
        """Whether something can be sent."""
        return self._transport is not None and not self.lost.done()

    def send(self, commands: Sequence[Command]) -> None:
        """Send commands whose answers nobody waits for here."""
        if self._transport is None or self.lost.done():
            raise ConnectionResetError("the connection has ended")
        self._transport.write(b"".join(map(_pack, commands)))

    def ask(self, commands: Sequence[Command]) -> Awaitable[list[Any]]:
        """Send commands in one go, now; await their answers.

        Raises OSError, or TimeoutError where they are waited for: it is of no use any more.
        """
        asked = _Asked([], len(commands), asyncio.get_running_loop().create_future())
        self.send(commands)
        self._asked.append(asked)
        return self._answers(asked)

    async def _answers(self, asked: _Asked) -> list[Any]:
        try:
            async with asyncio.timeout(self.patience):
                return await asked.done
        except TimeoutError:
            self.close()
            raise TimeoutError(f"no answer for {self.patience:g} s") from None

    def tell(self, commands: Sequence[Command]) -> None:
        """Send commands in one go, whatever comes of them. Raises OSError where the connection has ended."""
        unheard: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        unheard.cancel()
        self.send(commands)
        self._asked.append(_Asked([], len(commands), unheard))
        if len(self._asked) > _UNANSWERED:
            self.close()

    def pause(self) -> None:
        """Read no more for now: whoever sends has to wait."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    # ---- as asyncio calls it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it

    def data_received(self, data: bytes) -> None:
        """Hand on all answers that are whole."""
        self._reader.feed(data)
        found: list[Any] = []
        try:
            while (answer := self._reader.gets()) is not False:
                found.append(answer)
        except hiredis.ProtocolError:
            self.close()
            return
        if self.hear is not None:
            if found:
                self.hear(found)
            return
        for answer in found:
            if not self._asked:
                self.close()  # an answer that nobody asked for
                return
            asked = self._asked[0]
            asked.answers.append(answer)
            asked.left -= 1
            if not asked.left:
                self._asked.popleft()
                if not asked.done.done():
                    asked.done.set_result(asked.answers)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell all who wait."""
        if not self.lost.done():
            self.lost.set_result(None)
        for asked in self._asked:
            if not asked.done.done():
                asked.done.set_exception(ConnectionResetError(str(error or "the connection was cut")))
        self._asked.clear()


async def connect(place: Place, patience: float) -> Wire:
    """Connect and log in. Raises BusUnavailable where nobody answers, BusError where the login is refused."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience):
            if place.path is not None:
                _, wire = await loop.create_unix_connection(lambda: Wire(patience), place.path)
            else:
                tls = ssl.create_default_context() if place.tls else None
                _, wire = await loop.create_connection(lambda: Wire(patience), place.host, place.port, ssl=tls)
    except (OSError, TimeoutError) as error:
        raise BusUnavailable(f"Redis at {place} does not answer, is it running? ({error})") from None
    commands: list[Command] = []
    if place.password is not None:
        commands.append(("AUTH", *((place.user,) if place.user else ()), place.password))
    if place.database:
        commands.append(("SELECT", str(place.database)))
    try:
        answers = await wire.ask([*commands, ("PING",)])
        for answer in answers:
            check(place, answer)
    except (OSError, TimeoutError) as error:
        wire.close()
        raise BusUnavailable(f"Redis at {place} does not answer, is it running? ({error})") from None
    except BusError:
        wire.close()
        raise
    return wire


def check(place: Place, answer: object) -> None:
    """Raise what an answer says went wrong: BusUnavailable where it passes, else BusError."""
    if isinstance(answer, hiredis.ReplyError):
        text = str(answer)
        kind = BusUnavailable if any(word in text for word in _NOT_NOW) else BusError
        raise kind(f"Redis at {place} refuses: {text}")
