"""Where the time of a run goes: the same run once more with a clock around every part."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from msgspec import Struct

from roottrading.messages.service import Decision, Input
from roottrading.runtimes.backtest import SkippingRun


class Clock:
    """Adds up seconds by name; what runs inside another part counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call with its time taken."""

        def timed(*given: Any) -> Any:
            self._inside.append(0.0)
            begin = perf_counter()
            try:
                return call(*given)
            finally:
                spent = perf_counter() - begin
                self.seconds[name] += spent - self._inside.pop()
                if self._inside:
                    self._inside[-1] += spent

        return timed


class _Timed:
    """A service with its time taken."""

    def __init__(self, service: Any, clock: Clock, role: str) -> None:
        self._service = service
        self.decide: Callable[[Input, int], Decision] = clock.around(role, service.decide)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)


class Shares(Struct, frozen=True):
    """Seconds by part, and how many steps the services took."""

    seconds: Mapping[str, float]
    steps: int
    instants: int


def shares_of(run: SkippingRun) -> Shares:
    """Play a run with clocks in it; they cost time themselves, so only the shares are worth telling."""
    clock = Clock()
    for role, unit in run.wiring.units.items():
        unit.service = _Timed(unit.service, clock, role)
    _replace(run.exchange, clock, ("execute", "candle_opens", "candle_closed"), "exchange")
    _replace(run.exchange, clock, ("next_touch", "next_open"), "search")
    _replace(run.skipper, clock, ("_look_ahead", "_next", "_hear"), "search")
    _replace(run.store, clock, ("commit",), "store")
    clock.around("bus, steps and rounds", run.play)()
    return Shares(clock.seconds, sum(unit.steps for unit in run.wiring.units.values()), run.skipper.instants)


def _replace(owner: object, clock: Clock, names: tuple[str, ...], part: str) -> None:
    for name in names:
        setattr(owner, name, clock.around(part, getattr(owner, name)))
