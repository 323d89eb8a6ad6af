"""Candles instant by instant: what is of a later T waits until this one is complete (consistency-rules 1.4)."""

from collections.abc import Iterable
from typing import Final

from roottrading.domain.time import SECOND, Time, duration
from roottrading.messages.service import CandleMissing, CandleObserved

Observation = CandleObserved | CandleMissing
PATIENCE: Final = 5 * SECOND  # a T is decided without what has not come by then


class CandleBarrier:
    """The finest candles of all symbols, each symbol's in order of time.

    Those of the T at hand pass at once, so that an exit waits for nobody; a later one waits until every symbol has
    said what there was at T, or `PATIENCE` is over. What comes after that passes, too: it is late.
    """

    def __init__(self, symbols: Iterable[str], timeframe: str, after: Time) -> None:
        """Expect candles that close after `after`, a T that was complete."""
        self._symbols = frozenset(symbols)
        self._step = duration(timeframe)
        self.at = after + self._step
        self._said: set[str] = set()
        self._waiting: dict[Time, list[Observation]] = {}

    def arrive(self, observation: Observation) -> list[Observation]:
        """Take what was observed; return what may be given now."""
        at = closes_at(observation)
        if at > self.at:
            self._waiting.setdefault(at, []).append(observation)
            return []
        if at == self.at:
            self._said.add(symbol_of(observation))
        return [observation]

    def is_complete(self, now: Time) -> bool:
        """Say whether nothing of T is waited for any more."""
        return self._symbols <= self._said or now >= self.at + PATIENCE

    @property
    def missing(self) -> tuple[str, ...]:
        """The symbols that have not said anything of T."""
        return tuple(sorted(self._symbols - self._said))

    def turn(self) -> list[Observation]:
        """Go on to the next T; return what was waiting for it, by symbol."""
        self.at += self._step
        held = sorted(self._waiting.pop(self.at, []), key=symbol_of)
        self._said = {symbol_of(observation) for observation in held}
        return held


def closes_at(observation: Observation) -> Time:
    """Return the T of an observation."""
    if isinstance(observation, CandleObserved):
        return observation.candle.at
    return observation.open_time + duration(observation.timeframe)


def symbol_of(observation: Observation) -> str:
    """Return whose observation it is."""
    return observation.candle.symbol if isinstance(observation, CandleObserved) else observation.symbol
