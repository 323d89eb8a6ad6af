"""What a linked run was played on, as a recorded market: reports read it like any other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from roottrading.adapters.store.port import Store
from roottrading.adapters.tape.tape import Tape
from roottrading.domain.candle import Candle
from roottrading.domain.columns import UNITS_DIGITS, Candles, Ints
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.service import Row
from roottrading.runtimes.market import Market
from roottrading.runtimes.result import journal


def recorded_market(
    rows: Sequence[Row], instruments: Mapping[str, Instrument], finest: str, start: Time, end: Time
) -> Market:
    """Return the market of these rows of `market_data`, all of the finest timeframe."""
    by_symbol: dict[str, list[Candle]] = defaultdict(list)
    for row in rows:
        by_symbol[row.values.symbol].append(row.values)
    tape = Tape({symbol: columns_from(candles) for symbol, candles in by_symbol.items()}, finest)
    return Market(tape, instruments, tuple(sorted(by_symbol)), start, end)


def columns_from(candles: Sequence[Candle]) -> Candles:
    """Return candles of one symbol and timeframe, in order, as exact columns. Raises ValueError where there are none.

    A volume that has more digits after the point than fit is refused like on any tape.
    """
    if not candles:
        raise ValueError("no candles: there are no columns of nothing")
    first = candles[0]
    return Candles(
        first.symbol,
        first.timeframe,
        np.array([candle.open_time for candle in candles], dtype=np.int64),
        _units([candle.open for candle in candles]),
        _units([candle.high for candle in candles]),
        _units([candle.low for candle in candles]),
        _units([candle.close for candle in candles]),
        _units([candle.volume for candle in candles]),
    )


def first_instant(store: Store, completed: Time) -> Time:
    """Return the T from which on a run may have traded: its first opinion's, else the one it begins at."""
    return min((signal.timestamp for signal in journal(store, "signals")), default=completed)


def _units(numbers: Sequence[Decimal]) -> Ints:
    return np.array([int(number.scaleb(UNITS_DIGITS)) for number in numbers], dtype=np.int64)
