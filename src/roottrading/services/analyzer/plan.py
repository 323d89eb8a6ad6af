"""The plan: which strategy looks at which candles, and so which streams the analyzer must hear."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from roottrading.domain.ids import signal_ids
from roottrading.domain.time import Time, duration
from roottrading.services.analyzer.anchored_windows import Anchor, anchor_for
from roottrading.services.analyzer.market_state import MarketState
from roottrading.strategies.contract import Strategy

Stream = tuple[str, str]  # symbol, timeframe

OWN: Final = "*"  # in a strategy's `inputs`: the symbol itself


class StrategyUse(Struct, frozen=True):
    """A strategy put to work: `name` is unique within its timeframe; without `symbols` it looks at all of them."""

    name: str
    strategy: Strategy
    timeframe: str
    symbols: tuple[str, ...] = ()

    @property
    def settings(self) -> str:
        """Version and parameters as text, the parameters in the order of their names: part of every signal's id."""
        parameters = msgspec.json.encode(self.strategy, order="sorted").decode()
        return f"{self.strategy.version}:{parameters}"


class Input(Struct, frozen=True):
    """A further stream that a strategy looks at; `declared` is what the strategy calls it."""

    declared: str
    stream: Stream


class Placement(Struct, frozen=True):
    """A use on one symbol: where its windows begin, and what else it looks at."""

    use: StrategyUse
    symbol: str
    anchor: Anchor
    inputs: tuple[Input, ...]
    settings: str


class Plan:
    """All uses on all symbols; the same plan gives the same opinions, ids and streams wherever it is followed."""

    def __init__(
        self,
        deployment: str,
        uses: Sequence[StrategyUse],
        symbols: Iterable[str],
        finest: str,
        known: Iterable[str] = (),
    ) -> None:
        """Place the uses; `symbols` are those that get opinions, `finest` is the tape's finest timeframe.

        `known` are further symbols that uses may name: those that another plan gives opinions of.

        Raises ValueError where there is no use at all and, naming the strategy, where a name comes twice in a
        timeframe, a symbol is not among `symbols`, a lookback is no whole number or an input is not written as
        SYMBOL/timeframe.
        """
        self.deployment = deployment
        self.finest = finest
        self.symbols = tuple(sorted(set(symbols)))
        self.uses = tuple(uses)
        self._check(frozenset(known).union(self.symbols))
        self.timeframes = tuple(sorted({use.timeframe for use in uses}, key=duration, reverse=True))
        self._placed: dict[Stream, tuple[Placement, ...]] = {}
        self._measured: dict[Stream, Placement] = {}
        for symbol in self.symbols:
            for timeframe in self.timeframes:
                stream = (symbol, timeframe)
                self._placed[stream] = tuple(
                    _place(use, symbol)
                    for use in self.uses
                    if use.timeframe == timeframe and (not use.symbols or symbol in use.symbols)
                )
                self._measured[stream] = _place(StrategyUse("", MarketState(), timeframe), symbol)
        inputs = {i.stream for placed in self._placed.values() for place in placed for i in place.inputs}
        self.windows: frozenset[Stream] = frozenset(self._placed) | inputs
        self.streams = tuple(sorted(self.windows | {(symbol, finest) for symbol in self.symbols}))

    def _check(self, known: frozenset[str]) -> None:
        if not self.uses:
            raise ValueError("no strategy is planned: name at least one")
        seen: set[tuple[str, str]] = set()
        for use in self.uses:
            duration(use.timeframe)
            if (use.timeframe, use.name) in seen:
                raise ValueError(f"strategy {use.name} is planned twice on {use.timeframe}: give one another name")
            seen.add((use.timeframe, use.name))
            if unknown := sorted(set(use.symbols) - known):
                raise ValueError(
                    f"strategy {use.name} is meant for {', '.join(unknown)}: use some of {', '.join(sorted(known))}"
                )
            lookback: object = use.strategy.lookback
            if not isinstance(lookback, int) or lookback < 0:
                raise ValueError(
                    f"strategy {use.name} has a lookback of {lookback!r}: it must be a whole number from 0 on"
                )

    def placed(self, stream: Stream) -> tuple[Placement, ...]:
        """Return the uses on a stream, in the plan's order."""
        return self._placed[stream]

    def measured(self, stream: Stream) -> Placement:
        """Return the placement of the market's own measures, ATR and regime, on a stream."""
        return self._measured[stream]

    def span(self, stream: Stream) -> int:
        """Return the length of a stream's candles in microseconds."""
        return duration(stream[1])

    def gives(self, stream: Stream) -> bool:
        """Say whether there is a `SignalBatch` for every candle of the stream."""
        return stream in self._placed

    def inputs(self, stream: Stream) -> frozenset[Stream]:
        """Return the streams whose candles of T belong to an evaluation of this one, the finest among them."""
        symbol, _ = stream
        return frozenset({i.stream for p in self._placed[stream] for i in p.inputs} | {(symbol, self.finest)})

    def signal_ids(self, placement: Placement) -> Callable[[Time], int]:
        """Return what gives the id of the opinion of a placement that begins at T."""
        use = placement.use
        return signal_ids(self.deployment, use.name, placement.settings, placement.symbol, use.timeframe)


def _place(use: StrategyUse, symbol: str) -> Placement:
    anchor = anchor_for(use.strategy.lookback, use.timeframe)
    return Placement(use, symbol, anchor, inputs_of(use, symbol), use.settings)


def inputs_of(use: StrategyUse, symbol: str) -> tuple[Input, ...]:
    """Return the streams that a use declares, as seen from a symbol; ValueError names one that cannot be read."""
    inputs = []
    for declared in use.strategy.inputs:
        named, slash, timeframe = declared.partition("/")
        if not slash or not named:
            raise ValueError(f"strategy {use.name} has the input {declared!r}: write SYMBOL/timeframe or */timeframe")
        try:
            duration(timeframe)
        except ValueError as error:
            raise ValueError(f"strategy {use.name} has the input {declared!r}: {error}") from None
        inputs.append(Input(declared, (symbol if named == OWN else named, timeframe)))
    return tuple(inputs)
