"""What may pass ends one incarnation of a service; what is a defect ends the service."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from roottrading.adapters.bus.port import Unreadable
from roottrading.adapters.exchange.binance.streams import HistoryUnavailable
from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.store.port import Unreachable
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.running import serve_on
from roottrading.runtimes.distributed.surroundings import Surroundings


class Failing(AbstractAsyncContextManager[Surroundings]):
    """Connections that cannot be had: the third try is stopped."""

    def __init__(self, error: Exception) -> None:
        self.count = 0
        self.stop = asyncio.Event()
        self._error = error

    async def __aenter__(self) -> Surroundings:
        self.count += 1
        if self.count == 3:
            self.stop.set()
            await asyncio.Event().wait()
        raise self._error

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""


def tries(error: Exception) -> tuple[int, int]:
    """Return how often a service tried to begin, and its restarts."""
    failing, observed = Failing(error), Observed()

    async def main() -> None:
        async with asyncio.timeout(20):
            await serve_on("gateway", lambda: failing, None, failing.stop, observed=observed)

    asyncio.run(main())
    return failing.count, observed.restarts


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
