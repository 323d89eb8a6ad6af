"""A market made of a seed: random walks with thin books, minutes without volume, gaps, a halt, other filters."""

from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from roottrading.domain.columns import UNITS, Candles
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import MINUTE, SECOND, Time

WARM_UP: Final = 780  # what windows on 3m look back; they begin a little before the market does
BLOCKS: Final = 6_144 * MINUTE  # the blocks of windows on 1m and on 3m begin together here
START: Final = 1_618_704_000_000_000 // BLOCKS * BLOCKS - (WARM_UP - 6) * MINUTE
INSTRUMENT: Final = Instrument(
    "",
    "",
    "USDT",
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(100_000),
    min_notional=Decimal(10),
)


def random_walk(symbol: str, seed: int, minutes: int, thin: bool) -> Candles:
    """Return a random walk of five-second steps; now and then a minute without volume, and a gap in the market."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((minutes, 12)) * 0.0015
    path = 100 * np.exp(np.cumsum(steps).reshape(minutes, 12))
    opened = np.concatenate(([100.0], path[:-1, -1]))
    columns = [opened, np.maximum(path.max(1), opened), np.minimum(path.min(1), opened), path[:, -1]]
    prices = [np.round(column * 100).astype(np.int64) * (UNITS // 100) for column in columns]
    volume = (rng.random(minutes) * 400 + 20).astype(np.int64) * UNITS // (8 if thin else 1)
    still = rng.random(minutes) < 0.02
    volume[still] = 0
    times = START + MINUTE * np.arange(minutes, dtype=np.int64)
    there = rng.random(minutes) >= 0.01
    there[: WARM_UP + 1] = True
    opened_at, high, low, closed = (price[there] for price in prices)
    return Candles(symbol, "1m", times[there], opened_at, high, low, closed, volume[there])


def halts_of(dice: Random, symbols: tuple[str, ...], start: Time, minutes: int) -> dict[tuple[str, Time], str]:
    """Return one halt: (symbol, instant) -> status from there on, inside a candle; the tape goes on meanwhile."""
    symbol, begin = dice.choice(symbols), start + dice.randrange(2, max(3, minutes - 4)) * MINUTE + 30 * SECOND
    status = dice.choice(("HALT", "CANCEL_ONLY", "BREAK"))
    return {(symbol, begin): status, (symbol, begin + dice.choice((1, 2)) * MINUTE): "TRADING"}


def filters_of(
    dice: Random, symbols: tuple[str, ...], start: Time, minutes: int, flags: Mapping[str, Any]
) -> dict[tuple[str, Time], Instrument]:
    """Return other filters for a while: (symbol, instant) -> all of them from there on, inside a candle."""
    symbol, begin = dice.choice(symbols), start + dice.randrange(2, max(3, minutes - 5)) * MINUTE + 45 * SECOND
    usual = instrument_of(symbol, flags)
    other = dice.choice(
        (
            {"min_notional": Decimal(10_000)},  # than any position
            {"min_notional": Decimal(10_000)},
            {"min_notional": dice.choice((Decimal(100), Decimal(400)))},
            {"step_size": Decimal(1_000), "min_quantity": Decimal(1_000)},
            {"step_size": dice.choice((Decimal("0.0001"), Decimal("0.01"), Decimal(1)))},
            {"tick_size": dice.choice((Decimal("0.001"), Decimal("0.05"), Decimal("0.4")))},
        )
    )
    changes = {(symbol, begin): replace(usual, **other)}
    if dice.random() < 0.8:
        changes[symbol, begin + dice.choice((1, 2, 3)) * MINUTE] = usual
    return changes


def instrument_of(symbol: str, flags: Mapping[str, Any]) -> Instrument:
    """Return the filters of a symbol, and what its flags allow."""
    return replace(INSTRUMENT, symbol=symbol, base_asset=symbol.removesuffix("USDT"), **flags)
