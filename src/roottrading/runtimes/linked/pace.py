"""How fast the exchange's time goes, by asking it again: 1 for a real one, more for a server that plays a tape."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec
from msgspec import Struct

from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import MILLISECOND, SECOND, Time

_BETWEEN: Final = 0.5  # seconds between two questions
_LONGEST: Final = 5.0  # seconds after which the best that is known does
_DOUBT: Final = 0.4  # exchange's seconds in one of ours


class Answer(Struct, frozen=True):
    """The exchange's time and ours, halfway between question and answer, and how long that took: microseconds."""

    told: Time
    at: Time
    took: Time


async def pace_of(url: str) -> int:
    """Return how many of the exchange's seconds pass in one of ours, at least 1; LinkError where it is silent.

    On a busy machine answers come late, and it is asked again until the pace is beyond doubt.
    """
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await _asked(session, url)  # connecting takes time of its own
            first = await _asked(session, url)
            while True:
                await asyncio.sleep(_BETWEEN)
                last = await _asked(session, url)
                pace, doubt = measured(first, last)
                if doubt < _DOUBT or last.at - first.at > _LONGEST * SECOND:
                    return max(1, round(pace))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError) as error:
        raise LinkError(f"the exchange at {url} does not tell its time ({type(error).__name__}: {error})") from None


async def clock_at(url: str, pace: int) -> Callable[[], Time]:
    """Return a clock of the exchange's time, as it goes on from now on; LinkError where the exchange is silent."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            answer = await _asked(session, url)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError) as error:
        raise LinkError(f"the exchange at {url} does not tell its time ({type(error).__name__}: {error})") from None
    return lambda: answer.told + (int(time.monotonic() * SECOND) - answer.at) * pace


def measured(first: Answer, last: Answer) -> tuple[float, float]:
    """Return the pace between two answers, and by how much it may be wrong: each was made anywhere in its time."""
    passed = last.at - first.at
    pace = (last.told - first.told) / passed
    return pace, (pace * (first.took + last.took) / 2 + MILLISECOND) / passed


async def _asked(session: aiohttp.ClientSession, url: str) -> Answer:
    asked = time.monotonic()
    async with session.get(f"{url.rstrip('/')}/api/v3/time") as response:
        told = msgspec.json.decode(await response.read())
    answered = time.monotonic()
    return Answer(
        int(told["serverTime"]) * MILLISECOND,
        int((asked + answered) / 2 * SECOND),
        int((answered - asked) * SECOND),
    )
