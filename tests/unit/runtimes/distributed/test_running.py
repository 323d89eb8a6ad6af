"""What may pass ends one incarnation of a service; what is a defect ends the service."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from roottrading.adapters.bus.port import Unreadable
from roottrading.adapters.exchange.binance.streams import HistoryUnavailable
from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.store.port import Unreachable
from roottrading.runtimes.distributed import running
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


class Shaky(AbstractAsyncContextManager[Surroundings]):
    """Connections that fail in a way each time; it is up before those that are marked."""

    def __init__(self, observed: Observed, faults: list[tuple[str, bool]]) -> None:
        self.stop = asyncio.Event()
        self._observed = observed
        self._faults = faults

    async def __aenter__(self) -> Surroundings:
        if not self._faults:
            self.stop.set()
            await asyncio.Event().wait()
        fault, is_up = self._faults.pop(0)
        if is_up:
            self._observed.serve(1)
        raise Unreachable(fault)

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


def test_the_same_fault_is_told_once_until_it_was_up_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_PAUSES", (0.001,))
    faults = [("gone", False), ("gone", False), ("full", False), ("full", True), ("full", False), ("gone", False)]
    observed = Observed()
    shaky = Shaky(observed, faults)

    async def main() -> None:
        async with asyncio.timeout(20):
            await serve_on("gateway", lambda: shaky, None, shaky.stop, observed=observed)

    asyncio.run(main())
    told = [message.rpartition(": ")[2] for message in caplog.messages]
    assert told == ["gone", "full", "full", "gone"]
    assert caplog.messages[0] == "gateway stopped, and begins again in 0.001 s: gone"
    assert observed.restarts == 6
