"""What may pass ends one incarnation of a service; what is a defect ends the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from roottrading.adapters.bus.port import Unreadable
from roottrading.adapters.exchange.binance.streams import HistoryUnavailable
from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.store.port import Unreachable
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.running import serve_on
from roottrading.runtimes.distributed.surroundings import Surroundings


def tries(error: Exception) -> tuple[int, int]:
    """Return how often a service tried to begin that is stopped at its third try, and its restarts."""
    count = 0
    stop = asyncio.Event()
    observed = Observed()

    @asynccontextmanager
    async def connect() -> AsyncIterator[Surroundings]:
        nonlocal count
        count += 1
        if count == 3:
            stop.set()
            await asyncio.Event().wait()
        raise error
        yield  # it is a generator nevertheless

    async def main() -> None:
        async with asyncio.timeout(20):
            await serve_on("gateway", connect, None, stop, observed=observed)

    asyncio.run(main())
    return count, observed.restarts


@pytest.mark.parametrize(
    "error",
    [HistoryUnavailable("klines: no request weight left"), LinkError("no answer"), Unreachable("gone"), OSError("no")],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert tries(error) == (3, 2)


@pytest.mark.parametrize("error", [Unreadable("a newer message"), ValueError("a defect")], ids=["newer", "defect"])
def test_what_does_not_pass_ends_it(error: Exception) -> None:
    with pytest.raises(type(error)):
        tries(error)
