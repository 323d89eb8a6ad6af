"""Candles in whatever order symbols speak become the instants of a replay."""

from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.candle import Candle
from roottrading.domain.columns import UNITS_DIGITS, Candles
from roottrading.domain.time import MINUTE
from roottrading.messages.service import CandleMissing, CandleObserved
from roottrading.runtimes.linked.barrier import Observation
from roottrading.runtimes.linked.whole_instants import WholeInstants
from roottrading.runtimes.replay import CandleReader, Instant, instants

SYMBOLS = ("AUSDT", "BUSDT", "CUSDT")
START = 1_000 * MINUTE


def columns(symbol: str, minutes: list[int]) -> Candles:
    prices = np.array([(each + 1) * 10**UNITS_DIGITS for each in minutes], dtype=np.int64)
    times = np.array([START + each * MINUTE for each in minutes], dtype=np.int64)
    return Candles(symbol, "1m", times, prices, prices, prices, prices, prices)


def observations(there: dict[str, list[int]], count: int, dice: Random) -> list[Observation]:
    """Return what the streams say: each symbol in order of time, symbols anyhow."""
    queues = {}
    for symbol, minutes in there.items():
        reader = CandleReader(columns(symbol, minutes))
        rows = {reader.open_time(row): reader.candle(row) for row in range(len(reader))}
        opens = [START + minute * MINUTE for minute in range(count)]
        queues[symbol] = [CandleObserved(rows[at]) if at in rows else CandleMissing(symbol, "1m", at) for at in opens]
    said: list[Observation] = []
    while any(queues.values()):
        said.append(queues[dice.choice([symbol for symbol, queue in queues.items() if queue])].pop(0))
    return said


@given(
    st.integers(1, 8),
    st.tuples(*[st.sets(st.integers(0, 7), min_size=1) for _ in SYMBOLS]),
    st.integers(0, 10**6),
)
def test_they_are_the_instants_of_a_replay(count: int, minutes: tuple[set[int], ...], seed: int) -> None:
    there = {symbol: sorted(each) for symbol, each in zip(SYMBOLS, minutes, strict=True)}
    wanted = list(
        instants({s: CandleReader(columns(s, each)) for s, each in there.items()}, START, START + count * MINUTE)
    )
    whole, found = WholeInstants(SYMBOLS, "1m", START), list[Instant]()
    for observation in observations(there, count, Random(seed)):
        whole.arrive(observation)
        while (instant := whole.next()) is not None:
            found.append(instant)
    assert found == wanted[:-1]
    last, nothing = whole.last(), whole.last()
    assert nothing is None
    assert last is not None
    assert (last.at, last.closed, last.opening) == (wanted[-1].at, wanted[-1].closed, ())


def candle(symbol: str, minute: int) -> CandleObserved:
    one = Decimal(1)
    return CandleObserved(Candle(symbol, "1m", START + minute * MINUTE, one, one, one, one, one))


def test_an_instant_waits_for_the_candles_that_open_there() -> None:
    whole = WholeInstants(["AUSDT"], "1m", START)
    whole.arrive(candle("AUSDT", 0))
    assert not whole.is_ready
    assert whole.next() is None
    whole.arrive(candle("AUSDT", 1))
    instant = whole.next()
    assert instant == Instant(START + MINUTE, (candle("AUSDT", 0).candle,), (candle("AUSDT", 1).candle,))


def test_what_was_played_says_nothing_any_more() -> None:
    whole = WholeInstants(["AUSDT"], "1m", START + MINUTE)
    whole.arrive(candle("AUSDT", 0))
    whole.arrive(candle("AUSDT", 1))
    whole.arrive(candle("AUSDT", 2))
    instant = whole.next()
    assert instant is not None
    assert instant.at == START + 2 * MINUTE
    assert instant.closed == (candle("AUSDT", 1).candle,)


@pytest.mark.parametrize("said", [["AUSDT"], ["AUSDT", "BUSDT"]])
def test_at_the_markets_end_nobody_is_waited_for(said: list[str]) -> None:
    whole = WholeInstants(["AUSDT", "BUSDT"], "1m", START)
    for symbol in said:
        whole.arrive(candle(symbol, 0))
    assert whole.next() is None
    instant = whole.last()
    assert instant is not None
    found = {each.symbol for each in instant.closed if isinstance(each, Candle)}
    assert (found, len(instant.closed)) == (set(said), 2)
