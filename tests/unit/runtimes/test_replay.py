"""The tape as a market: every close instant, what closes and what opens there, and what is missing."""

from decimal import Decimal

import numpy as np

from roottrading.domain.candle import Candle
from roottrading.domain.columns import Candles
from roottrading.domain.time import MINUTE
from roottrading.messages.service import CandleMissing
from roottrading.runtimes.replay import CandleReader, instants

START = 1_600_000_020_000_000 // MINUTE * MINUTE


def candles(symbol: str, minutes: list[int]) -> Candles:
    prices = np.array([100_000_000 * (m + 1) for m in minutes], dtype=np.int64)
    times = np.array([START + m * MINUTE for m in minutes], dtype=np.int64)
    return Candles(symbol, "1m", times, prices, prices, prices, prices, prices)


def test_every_instant_names_what_closes_what_is_missing_and_what_opens() -> None:
    readers = {c.symbol: CandleReader(c) for c in (candles("BUSDT", [0, 1, 3]), candles("AUSDT", [1, 2]))}
    found = list(instants(readers, START, START + 4 * MINUTE))
    assert [i.at for i in found] == [START + n * MINUTE for n in (1, 2, 3, 4)]
    closed = [[(type(c).__name__, c.symbol, (c.open_time - START) // MINUTE) for c in i.closed] for i in found]
    assert closed == [
        [("CandleMissing", "AUSDT", 0), ("Candle", "BUSDT", 0)],
        [("Candle", "AUSDT", 1), ("Candle", "BUSDT", 1)],
        [("Candle", "AUSDT", 2), ("CandleMissing", "BUSDT", 2)],
        [("CandleMissing", "AUSDT", 3), ("Candle", "BUSDT", 3)],
    ]
    opening = [[(c.symbol, (c.open_time - START) // MINUTE) for c in i.opening] for i in found]
    assert opening == [[("AUSDT", 1), ("BUSDT", 1)], [("AUSDT", 2)], [("BUSDT", 3)], []]
    assert isinstance(found[0].closed[0], CandleMissing)


def test_units_become_exact_decimals() -> None:
    times = np.array([START], dtype=np.int64)
    one = np.array([4_235], dtype=np.int64)
    reader = CandleReader(Candles("XUSDT", "1m", times, one, one + 1, one, one, one * 10**12))
    candle = reader.candle(0)
    assert candle == Candle(
        "XUSDT",
        "1m",
        START,
        Decimal("0.00004235"),
        Decimal("0.00004236"),
        Decimal("0.00004235"),
        Decimal("0.00004235"),
        Decimal("42350000"),
    )


def test_a_run_may_begin_and_end_inside_the_tape() -> None:
    readers = {"AUSDT": CandleReader(candles("AUSDT", [0, 1, 2, 3]))}
    found = list(instants(readers, START + MINUTE, START + 3 * MINUTE))
    assert [(i.at - START) // MINUTE for i in found] == [2, 3]
