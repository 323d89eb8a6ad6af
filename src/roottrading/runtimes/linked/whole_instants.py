"""Candles as they come over a wire, put together to whole instants: those of a replay (consistency-rules 1.1)."""

from collections.abc import Iterable

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration
from roottrading.messages.service import CandleMissing, CandleObserved
from roottrading.runtimes.linked.barrier import Observation, closes_at, symbol_of
from roottrading.runtimes.replay import Instant


class WholeInstants:
    """Gives T when every symbol has said what there was at T and in the candle after it.

    An order at T meets the open of the candle that begins there, and a share of its volume (trading-rules 5.1, 5.4):
    both are known when that candle is over. Nothing is given up: what is missing is waited for.
    """

    def __init__(self, symbols: Iterable[str], timeframe: str, after: Time) -> None:
        """Expect candles that close after `after`, the last T that was played."""
        self._symbols = tuple(sorted(symbols))
        self._timeframe = timeframe
        self._step = duration(timeframe)
        self._said: dict[Time, dict[str, Candle | CandleMissing]] = {}
        self.at = after + self._step

    def arrive(self, observation: Observation) -> None:
        """Take a candle of the finest timeframe, or that there was none; what was played already says nothing."""
        at = closes_at(observation)
        if at >= self.at:
            said = observation.candle if isinstance(observation, CandleObserved) else observation
            self._said.setdefault(at, {})[symbol_of(observation)] = said

    @property
    def is_ready(self) -> bool:
        """Whether the next T can be given."""
        return self._is_whole(self.at) and self._is_whole(self.at + self._step)

    def next(self) -> Instant | None:
        """Give the next T; None where something of it is still to come."""
        return self._give() if self.is_ready else None

    def last(self) -> Instant | None:
        """Give the T after which the market is at its end: nothing opens there. None where nothing was said of it."""
        if not self._said.get(self.at):
            return None
        for symbol in self._symbols:
            self._said[self.at].setdefault(symbol, CandleMissing(symbol, self._timeframe, self.at - self._step))
        return self._give()

    def _is_whole(self, at: Time) -> bool:
        return len(self._said.get(at, ())) == len(self._symbols)

    def _give(self) -> Instant:
        at = self.at
        closed, following = self._said.pop(at), self._said.get(at + self._step, {})
        self.at += self._step
        opening = (following.get(symbol) for symbol in self._symbols)
        return Instant(
            at,
            tuple(closed[symbol] for symbol in self._symbols),
            tuple(candle for candle in opening if isinstance(candle, Candle)),
        )
