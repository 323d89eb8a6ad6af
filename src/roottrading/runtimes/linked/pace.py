"""How fast the exchange's time goes, by asking it twice: 1 for a real one, more for a server that plays a tape."""

import asyncio
import time
from typing import Final

import aiohttp
import msgspec

from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import MILLISECOND, SECOND, Time

_BETWEEN: Final = 0.5  # seconds between the two questions


async def pace_of(url: str) -> int:
    """Return how many of the exchange's seconds pass in one of ours, at least 1; LinkError where it is silent."""
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            first = await _asked(session, url)
            await asyncio.sleep(_BETWEEN)
            second = await _asked(session, url)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError) as error:
        raise LinkError(f"the exchange at {url} does not tell its time ({type(error).__name__}: {error})") from None
    passed = (second[0] - first[0]) / (second[1] - first[1])
    return max(1, round(passed))


async def _asked(session: aiohttp.ClientSession, url: str) -> tuple[Time, Time]:
    """Return the exchange's time and ours, halfway between question and answer, in microseconds."""
    asked = time.monotonic()
    async with session.get(f"{url.rstrip('/')}/api/v3/time") as response:
        told = msgspec.json.decode(await response.read())
    return int(told["serverTime"]) * MILLISECOND, int((asked + time.monotonic()) / 2 * SECOND)
