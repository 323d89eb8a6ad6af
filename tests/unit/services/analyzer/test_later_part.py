"""A later part of the market tells of its candles what the whole market tells, wherever it begins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.time import HOUR, Time
from roottrading.services.analyzer import NewestWindows, Plan, StrategyUse, WholeBlocks
from roottrading.services.analyzer.evaluation import OK
from roottrading.services.analyzer.market_state import ATR
from tests.unit.services.analyzer.samples import Channel, Fragile, Leader, NeedsAll, end_of, random_candles, whole_fold

PLAN = Plan(
    "sim",
    (
        StrategyUse("channel", Channel(), "1h"),
        StrategyUse("fragile", Fragile(), "1h"),
        StrategyUse("leader", Leader(), "1h", ("BTCUSDT",)),
        StrategyUse("needs_all", NeedsAll(), "1h"),
        StrategyUse("slow", Channel(period=12), "4h"),
    ),
    ("BTCUSDT", "ETHUSDT"),
    "1h",
)
COUNT = 2000
TAPE = {symbol: random_candles(symbol, "1h", COUNT, seed, 0.1) for seed, symbol in enumerate(PLAN.symbols, 3)}
WHOLE = WholeBlocks(PLAN, TAPE, whole_fold(end_of(TAPE)))
CANDLES = {stream: WHOLE.candles(stream) for stream in PLAN.streams}
HISTORIES = {stream: int(candles.open_time[0]) for stream, candles in CANDLES.items()}


def part_for(at: Time) -> WholeBlocks:
    """Return the opinions of no more candles than those of T need."""
    wanted = NewestWindows(PLAN, 0).wanted_at(at - 1)
    cut = {
        stream: candles.slice(int(candles.open_time.searchsorted(wanted[stream])), len(candles))
        for stream, candles in CANDLES.items()
    }
    finest = {symbol: cut[symbol, "1h"] for symbol in PLAN.symbols}
    return WholeBlocks(PLAN, finest, lambda candles, timeframe: cut[candles.symbol, timeframe], 0, HISTORIES)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, COUNT - 1))
def test_a_later_part_says_the_same(hour: int) -> None:
    at = min(HISTORIES.values()) + hour * HOUR
    part = part_for(at)
    opinions = 0
    for stream in ((symbol, timeframe) for symbol in PLAN.symbols for timeframe in PLAN.timeframes):
        for said, known in zip(
            (*part.opinions(stream), part.market(stream)), (*WHOLE.opinions(stream), WHOLE.market(stream)), strict=True
        ):
            first, expected = int(said.at.searchsorted(at)), int(known.at.searchsorted(at))
            assert (said.micros[first:] == known.micros[expected:]).all()
            assert (said.marks[first:] == known.marks[expected:]).all()
            opinions += int((said.marks[first:] == OK).sum())
            if ATR in known.own:
                assert np.array_equal(said.own[ATR][first:], known.own[ATR][expected:], equal_nan=True)
    assert opinions or hour > COUNT - 100
