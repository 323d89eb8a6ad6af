"""What a linked run was played on, as a recorded market: reports read it like any other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from roottrading.adapters.tape.tape import Tape
from roottrading.domain.candle import Candle
from roottrading.domain.columns import MAX_UNITS, UNITS_DIGITS, Candles, Ints
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time, duration
from roottrading.messages.service import Row
from roottrading.runtimes.market import Market


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
    """Return candles of one symbol and timeframe, in order, as exact columns.

    Raises ValueError where there are none, and where a number has more digits after the point than fit.
    """
    if not candles:
        raise ValueError("no candles: there are no columns of nothing")
    first = candles[0]
    digits = _volume_digits(max(candle.volume for candle in candles))
    return Candles(
        first.symbol,
        first.timeframe,
        np.array([candle.open_time for candle in candles], dtype=np.int64),
        _units([candle.open for candle in candles]),
        _units([candle.high for candle in candles]),
        _units([candle.low for candle in candles]),
        _units([candle.close for candle in candles]),
        _units([candle.volume for candle in candles], digits),
        digits,
    )


def began_at(streams: Iterable[Row], finest: str, completed: Time) -> Time:
    """Return the instant at which a run first began: before the first candle that its gateway heard.

    `streams` are the gateway's own rows; a run that has heard none begins at `completed`.
    """
    firsts = [row.values.first for row in streams if row.values.timeframe == finest]
    return min(firsts) - duration(finest) if firsts else completed


def _volume_digits(largest: Decimal) -> int:
    """Return how many digits after the point a volume may have: fewer of coins that are counted in billions."""
    digits = UNITS_DIGITS
    while largest.scaleb(digits) > MAX_UNITS:
        digits -= 1
    return digits


def _units(numbers: Sequence[Decimal], digits: int = UNITS_DIGITS) -> Ints:
    exact = [number.scaleb(digits) for number in numbers]
    units = [int(number) for number in exact]
    if units != exact:
        number = next(each for each, scaled in zip(numbers, exact, strict=True) if int(scaled) != scaled)
        raise ValueError(f"{number} has more than {digits} digits after the point: look at where the candle came from")
    return np.array(units, dtype=np.int64)
