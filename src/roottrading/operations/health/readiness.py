"""Whether a service is ready: everything that it needs answers, and its units are loaded or another instance leads."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from roottrading.operations.health.dependency import Dependency, Probe
from roottrading.runtimes.distributed.observing import Observed, Stage

_LOG: Final = logging.getLogger("roottrading.health")
_FRESH: Final = 1.0  # seconds that an answer counts
_BETWEEN: Final = 5.0  # seconds between two looks when nobody asks
UNITS: Final = "units"

_SAID: Final[dict[Stage, str]] = {
    "starting": "it has just begun",
    "waiting to lead": "standby: it waits until no other instance leads",
    "standing by": "standby: other instances serve all that there is to do",
    "connecting": "it connects to its servers",
    "loading": "it loads its units",
    "stopped": "it stopped, and begins again in a moment",
}
_STANDBY: Final = frozenset({"waiting to lead", "standing by"})
_ADVICE: Final[dict[Stage, str]] = {
    "loading": "if it lasts: an analyzer waits for the gateway's first candle, so look whether that is ready",
    "stopped": "the reason and this process's log say what to mend; nothing needs to be restarted",
}


class Readiness(Struct, frozen=True):
    """How a service is."""

    ready: bool
    service: str
    stage: Stage
    leading: bool
    dependencies: dict[str, Dependency]


class Health:
    """Looks at what a service needs, when asked and from time to time, and logs what changed."""

    def __init__(self, service: str, observed: Observed, probes: Sequence[Probe]) -> None:
        self._service = service
        self._observed = observed
        self._probes = tuple(probes)
        self._found: dict[str, Dependency] = {}
        self._looked_at = -_FRESH
        self._turn = asyncio.Lock()

    async def readiness(self) -> Readiness:
        """Return how the service is now."""
        async with self._turn:
            if time.monotonic() - self._looked_at >= _FRESH:
                await self._look()
        observed = self._observed
        found = {**self._found, UNITS: self._units()}
        ready = all(each.ok for each in found.values())
        return Readiness(ready, self._service, observed.stage, observed.leads, found)

    async def watch(self) -> None:
        """Look from time to time until cancelled."""
        try:
            while True:
                await self.readiness()
                await asyncio.sleep(_BETWEEN)
        finally:
            for probe in self._probes:
                await probe.close()

    async def _look(self) -> None:
        answers = await asyncio.gather(*(probe.look() for probe in self._probes))
        for probe, answer in zip(self._probes, answers, strict=True):
            before = self._found.get(probe.name)
            if not answer.ok and (before is None or before.ok):
                _LOG.warning("%s is missing: %s; %s", probe.name, answer.why, answer.what_to_do)
            elif answer.ok and before is not None and not before.ok:
                _LOG.info("%s is there again: %s", probe.name, answer.why)
            self._found[probe.name] = answer
        self._looked_at = time.monotonic()

    def _units(self) -> Dependency:
        observed = self._observed
        if observed.stage == "serving" and observed.unread:
            return Dependency(
                False, "; ".join(observed.unread.values()), "upgrade this service: it reads on there then"
            )
        if observed.stage == "serving":
            return Dependency(True, f"{observed.units} loaded")
        why = _SAID[observed.stage] + (f" ({observed.why})" if observed.why else "")
        return Dependency(observed.stage in _STANDBY, why, _ADVICE.get(observed.stage, "wait a moment"))
