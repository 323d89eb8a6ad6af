"""A run under a stepped clock: it says when it rests, and hears where time stands (consistency-rules 1.9)."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import aiohttp
import msgspec

from roottrading.adapters.exchange.binance.server_clock import StandingClock
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest

SERVICE: Final = "run"  # under which a process with all services joins
_LOOKS: Final = 0.0005  # seconds between two looks at whether all is done


class Resting(Protocol):
    """What a run's connections say of themselves."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange."""

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""


class SteppedTime:
    """The connection to a stepped exchange's admin door, at `url` (http://HOST:PORT)."""

    def __init__(
        self,
        url: str,
        clock: StandingClock,
        resting: Resting,
        next_deadline: Callable[[], Time | None],
        due: Callable[[], None],
        obey: Callable[[], None] = lambda: None,
        service: str = SERVICE,
        places: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """`places` are the process's `sent` and `seen` sequences, where messages leave it at all."""
        self._places = places
        self._service = service
        self._url = f"{url.rstrip('/')}/processes"
        self._clock = clock
        self._resting = resting
        self._next_deadline = next_deadline
        self._due = due
        self._obey = obey

    async def run(self) -> None:
        """Answer waves and follow the moves until the market is at its end.

        Raises LinkError where the exchange is no longer there, or does not expect us.
        """
        try:
            async with aiohttp.ClientSession() as session, session.ws_connect(self._url) as socket:
                await socket.send_json({"type": "join", "service": self._service})
                async for message in socket:
                    told = msgspec.json.decode(message.data)
                    kind = told["type"]
                    if kind == "wave":
                        await socket.send_str(await self._report(told["wave"]))
                    elif kind == "moved":
                        self._move(told)
                    elif kind == "finished":
                        return
                    else:
                        raise LinkError(f"the stepped exchange at {self._url} says: {told.get('error', told)}")
        except (aiohttp.ClientError, OSError) as error:
            raise LinkError(f"no stepped exchange at {self._url}: {error}") from None
        raise LinkError(f"the stepped exchange at {self._url} is gone before its market was at its end")

    def _move(self, told: Mapping[str, Any]) -> None:
        self._clock.tell(told["now"])
        self._obey()
        if told["phase"] == "deadlines":
            self._due()
        elif told["phase"] == "candles":
            self._clock.tell_candles(told["now"])

    async def _report(self, wave: int) -> str:
        """Work until idle, then tell the counters; nothing happens between the look and the telling."""
        resting = self._resting
        while not resting.is_idle:
            await asyncio.sleep(_LOOKS)
        report = {
            "type": "report",
            "wave": wave,
            "awaiting": [(each.urgency, each.symbol, each.client_order_id) for each in resting.under_way],
            "frames": dict(resting.frames),
            **self._places(),
            "next_deadline": self._next_deadline(),
        }
        return msgspec.json.encode(report).decode()


async def expected_of(url: str, service: str) -> int:
    """Return how many processes of a service the stepped exchange at this admin door waits for, 1 at least.

    Raises LinkError where it does not say.
    """
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url.rstrip('/')}/clock") as answer:
            told = msgspec.json.decode(await answer.read())
        return int(told["expected"].get(service, 1))
    except (aiohttp.ClientError, OSError, msgspec.DecodeError, LookupError, TypeError, AttributeError) as error:
        raise LinkError(f"the exchange at {url} does not say how many processes it waits for: {error}") from None
