"""Small markets for shadow outcomes: hand-written candles of an hour, and random ones."""

from collections.abc import Sequence

import numpy as np

from roottrading.domain.columns import UNITS, Candles, Floats
from roottrading.domain.time import HOUR, Time
from roottrading.services.signal_aggregator.buy_opinions import NEVER, BuyOpinions

START: Time = 1_700_000_000_000_000 // (24 * HOUR) * 24 * HOUR
NAN = float("nan")


def candles_of(rows: Sequence[tuple[float, float, float, float]], volumes: Sequence[int] | None = None) -> Candles:
    """Return hourly candles from START on: (open, high, low, close) each, volume 1 unless said otherwise."""
    columns = np.rint(np.array(rows, dtype=np.float64) * UNITS).astype(np.int64).T
    volume = np.array([1] * len(rows) if volumes is None else volumes, dtype=np.int64) * UNITS
    times = START + np.arange(len(rows), dtype=np.int64) * HOUR
    return Candles("BTCUSDT", "1h", times, columns[0], columns[1], columns[2], columns[3], volume)


def without(candles: Candles, gone: int) -> Candles:
    """Return the candles less one row."""
    kept = np.arange(len(candles)) != gone
    return Candles(
        candles.symbol,
        candles.timeframe,
        candles.open_time[kept],
        candles.open[kept],
        candles.high[kept],
        candles.low[kept],
        candles.close[kept],
        candles.volume[kept],
    )


def one_opinion(
    at: Time = START + HOUR,
    close: float = 100.0,
    stop: float = 10.0,
    target: float = NAN,
    limit: int = 0,
    sell_at: Time = NEVER,
    atr: float = NAN,
) -> BuyOpinions:
    """Return a single BUY opinion; by default after the first candle, at a close of 100, with its stop at 90."""

    def floats(value: float) -> Floats:
        return np.array([value])

    return BuyOpinions(
        np.array([at]), floats(close), floats(stop), floats(target), np.array([limit]), np.array([sell_at]), floats(atr)
    )


def random_candles(random: np.random.Generator, count: int) -> Candles:
    """Return a wild walk with gaps between candles, missing candles and candles without volume."""
    close = 100 + np.cumsum(random.integers(-3, 4, count)) * 0.5
    opened = np.roll(close, 1) + random.choice([0, 0, 0, 1, -1], count) * 0.5
    opened[0] = 100
    high = np.maximum(opened, close) + random.integers(0, 4, count) * 0.5
    low = np.minimum(opened, close) - random.integers(0, 4, count) * 0.5
    rows = np.clip(np.stack([opened, high, low, close], axis=1), 1, None)
    volumes = random.choice([0, 1, 1, 1, 1], count)
    found = candles_of([(a, b, c, d) for a, b, c, d in rows.tolist()], volumes.tolist())
    for _ in range(random.integers(0, 3)):
        found = without(found, int(random.integers(0, len(found))))
    return found
