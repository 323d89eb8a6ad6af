"""What a search over a recorded market reads: each symbol's candles, and its verdicts at every T."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from roottrading.config.settings import Settings
from roottrading.domain.columns import Candles, Ints
from roottrading.domain.time import Time, duration
from roottrading.messages.service import WeightsSet
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import CandleReader
from roottrading.services.analyzer import WholeBlocks
from roottrading.services.analyzer.market_state import REGIME, REGIMES
from roottrading.services.analyzer.opinion_columns import OpinionColumns
from roottrading.services.gateway import fold
from roottrading.services.signal_aggregator.columns import TimeframeOpinions, VerdictColumns, verdict_columns
from roottrading.services.signal_aggregator.voting import panel_of


class Grid(Struct, frozen=True):
    """The Ts of the fastest timeframe in a run, from the first after its start to its end."""

    first: Time
    step: int
    count: int

    @property
    def at(self) -> Ints:
        """All of them."""
        return self.first + self.step * np.arange(self.count, dtype=np.int64)

    def place(self, time: Time) -> int:
        """Return the place of the first T at or after `time`; it may lie beyond the last one."""
        return max(0, -((self.first - time) // self.step))

    def time(self, place: int) -> Time:
        """Return the T of a place."""
        return self.first + self.step * place


def grid_of(market: Market, step: int) -> Grid:
    """Return the Ts of a run."""
    first = market.start - market.start % step + step
    return Grid(first, step, max(0, (market.end - first) // step + 1))


class StreamCandles(Struct, frozen=True):
    """The closed candles of a stream that a run hears of: those after its start, folded from what it saw itself."""

    timeframe: str
    span: int
    first: Time  # the first T, whether it has a candle or not
    reader: CandleReader
    at: memoryview

    def last_by(self, at: Time) -> int:
        """Return the row of the last candle closed at T, -1 for none."""
        return self.reader.last_by(at - self.span)


class SymbolColumns(Struct, frozen=True):
    """One symbol: its finest candles, its streams (the longest timeframe first) and what stands at every T of the grid.

    `close` is the verdict's close in units of 1e-8, 0 where it has none; `worth` the last close of all, 0 before the
    first candle.
    """

    symbol: str
    finest: CandleReader
    low: Ints
    high: Ints
    streams: tuple[StreamCandles, ...]
    verdicts: VerdictColumns
    close: Ints
    worth: Ints


def symbol_columns(
    symbol: str,
    settings: Settings,
    cast: Cast,
    market: Market,
    blocks: WholeBlocks,
    grid: Grid,
    weights: Sequence[WeightsSet],
) -> SymbolColumns:
    """Evaluate everything of a symbol that a search may ask for."""
    finest = market.tape[symbol]
    seen = finest.slice(int(np.searchsorted(finest.open_time, market.start)), len(finest))
    voting = {strategy.timeframe for strategy in panel_of(cast.voting, symbol)}
    timeframes = [name for name in cast.plan.timeframes if name in voting or name == cast.fastest]
    streams = tuple(_stream(market, seen, timeframe) for timeframe in timeframes)
    opinions = {}
    for stream in streams:
        key = (symbol, stream.timeframe)
        opinions[stream.timeframe] = _opinions(stream, blocks.opinions(key), blocks.market(key))
    verdicts = verdict_columns(symbol, cast.voting, cast.fastest, opinions, grid.at, weights, settings.aggregator)
    fastest = streams[-1]
    return SymbolColumns(
        symbol,
        CandleReader(finest),
        finest.low,
        finest.high,
        streams,
        verdicts,
        _as_of(fastest.reader.candles, verdicts.at, exactly=True),
        _as_of(seen, verdicts.at, exactly=False),
    )


def _stream(market: Market, seen: Candles, timeframe: str) -> StreamCandles:
    span = duration(timeframe)
    candles = fold(seen, timeframe, market.tape.span[1]) if timeframe != market.finest else seen
    first = market.start - market.start % span + span
    return StreamCandles(timeframe, span, first, CandleReader(candles), np.ascontiguousarray(candles.at).data)


def _opinions(stream: StreamCandles, strategies: Sequence[OpinionColumns], market: OpinionColumns) -> TimeframeOpinions:
    """Return what the batches of a stream say; of the tape's candles only those after the run's start count."""
    kept = slice(len(market.open_time) - len(stream.at), None)
    code = market.own[REGIME][kept] if REGIME in market.own else np.full(len(stream.at), np.nan)
    known = market.has_opinion[kept] & ~np.isnan(code)
    return TimeframeOpinions(
        stream.timeframe,
        stream.first,
        np.asarray(stream.at, dtype=np.int64),
        {columns.placement.use.name: columns.micros[kept] for columns in strategies},
        np.where(known, np.nan_to_num(code), -1).astype(np.int64),
        REGIMES,
    )


def _as_of(candles: Candles, at: Ints, *, exactly: bool) -> Ints:
    """Return the last close by every T (or the close of that very T), 0 where there is none."""
    times = candles.at
    if len(times) == len(at) and np.array_equal(times, at):
        return candles.close
    rows = np.searchsorted(times, at, side="right") - 1
    found = rows >= 0
    if exactly and len(times):
        found &= times[np.maximum(rows, 0)] == at
    return np.where(found, candles.close[np.maximum(rows, 0)], 0) if len(times) else np.zeros(len(at), dtype=np.int64)
