"""Benchmark tapes: seeded 1m candles shaped like BTCUSDT, made once into a cache folder.

Prices follow a mean-reverting log price with stochastic volatility and a season of the day, in twelve steps a minute;
the same seed gives the same candles everywhere (numpy's generators promise that).
"""

import gzip
import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from roottrading.adapters.tape.write import write_candles
from roottrading.domain.columns import UNITS, Candles, Floats, Ints
from roottrading.domain.time import MILLISECOND, MINUTE

START: Final = 1_640_995_200_000 * MILLISECOND  # 2022-01-01 00:00 UTC
MINUTES_A_YEAR: Final = 525_600
TICK: Final = 0.01
VOLUME_DIGITS: Final = 5
SINGLE: Final = "BTCUSDT"
SECOND: Final = "ETHUSDT"
MANY: Final = tuple(f"C{number:02d}USDT" for number in range(20))
CHUNK: Final = 100_000  # candles whose prices are made at once
STEPS: Final = 12  # five-second steps inside a minute


def candles(symbol: str, count: int, seed: int, first_price: float) -> Candles:
    """Return `count` candles of a symbol."""
    random = np.random.default_rng(seed)
    level, season = _log_volatility(random.standard_normal(count)), _season(count)
    sigma = 0.60 / np.sqrt(MINUTES_A_YEAR) * np.exp(level - 0.125) * season
    opened, high, low, close, volume = (np.empty(count) for _ in range(5))
    last = 0.0
    for begin in range(0, count, CHUNK):
        rows = slice(begin, min(count, begin + CHUNK))
        length = rows.stop - begin
        returns = random.standard_normal((length, STEPS)) * (sigma[rows, None] / np.sqrt(STEPS))
        pull = (1 - 0.5 ** (np.arange(length * STEPS) / STEPS / (90 * 1440))) * last
        path = (last + np.cumsum(returns.reshape(-1)) - pull).reshape(length, STEPS)
        first, final = np.concatenate(([last], path[:-1, -1])), path[:, -1]
        highest, lowest = np.maximum(path.max(1), first), np.minimum(path.min(1), first)
        for column, log_price in ((opened, first), (high, highest), (low, lowest), (close, final)):
            column[rows] = first_price * np.exp(log_price)
        noise = np.exp(0.6 * random.standard_normal(length) + 0.5 * level[rows])
        volume[rows] = 25.0 * season[rows] * noise * (0.5 + np.abs(final - first) / sigma[rows])
        last = float(final[-1])
    times = START + MINUTE * np.arange(count, dtype=np.int64)
    return Candles(
        symbol,
        "1m",
        times,
        _prices(opened),
        _prices(high),
        _prices(low),
        _prices(close),
        _units(np.round(volume, VOLUME_DIGITS), VOLUME_DIGITS),
    )


def make(folder: Path) -> tuple[Path, Path, Path]:
    """Make what is not there yet; returns the folders of the single symbol, of the many, and of one more for a year."""
    single, many, second = folder / "single", folder / "many", folder / "second"
    _write(single, SINGLE, 1_000_000, 20_240_501, 40_000.0)
    _write(second, SECOND, MINUTES_A_YEAR, 20_240_502, 3_000.0)
    for number, symbol in enumerate(MANY):
        _write(many, symbol, 100_000, 1_000 + number, 40_000.0 / (1 + number))
    return single, many, second


def instruments(folder: Path) -> Path:
    """Write an exchangeInfo of the benchmark's symbols and return its path."""
    path = folder / "exchange_info.json.gz"
    answer = {"symbols": [_listed(symbol) for symbol in (SINGLE, SECOND, *MANY)]}
    path.write_bytes(gzip.compress(json.dumps(answer).encode(), mtime=0))
    return path


def _log_volatility(shocks: Floats) -> Floats:
    keep = 0.999
    spread = np.sqrt(1 - keep * keep) * 0.5
    level, levels = 0.0, np.empty(len(shocks))
    for row, shock in enumerate(shocks):
        level = keep * level + spread * shock
        levels[row] = level
    return levels


def _season(count: int) -> Floats:
    return np.asarray(1.0 + 0.25 * np.cos(2 * np.pi * (np.arange(count) % 1440 - 870) / 1440))


def _prices(values: Floats) -> Ints:
    return _units(np.round(np.round(values / TICK) * TICK, 8), 2)


def _units(values: npt.NDArray[np.float64], digits: int) -> Ints:
    return np.asarray(np.round(values * 10**digits).astype(np.int64) * (UNITS // 10**digits))


def _write(folder: Path, symbol: str, count: int, seed: int, first_price: float) -> None:
    path = folder / f"{symbol}-1m-benchmark.parquet"
    if not path.exists():
        partial = path.with_name(f"partial-{path.name}")
        write_candles(candles(symbol, count, seed, first_price), partial)
        partial.rename(path)


def _listed(symbol: str) -> dict[str, object]:
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "baseCommissionPrecision": 8,
        "quoteAsset": "USDT",
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"],
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "cancelReplaceAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "1000", "stepSize": "0"},
            {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True, "maxNotional": "9000000"},
        ],
    }
