"""Candles for the strategies' tests, and what another library computed of them."""

import gzip
from collections.abc import Mapping
from functools import cache

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.domain.time import MINUTE
from tests.recorded import SAMPLES

FOLDER = SAMPLES.parent / "strategies"


@cache
def recorded() -> Columns:
    """Return 2,000 real 5m candles of BTCUSDT, a crash among them."""
    with gzip.open(FOLDER / "BTCUSDT-5m.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    return Columns((table[:, 0] * 1000).astype(np.int64), *table[:, 1:].T.copy())


@cache
def references() -> Mapping[str, Floats]:
    """Return the reference values of the last candles, by name."""
    with np.load(FOLDER / "references.npz") as stored:
        return dict(stored)


def rows(columns: Columns, first: int, last: int) -> Columns:
    """Return the rows `first:last`."""
    return Columns(
        columns.open_time[first:last],
        columns.open[first:last],
        columns.high[first:last],
        columns.low[first:last],
        columns.close[first:last],
        columns.volume[first:last],
    )


def priced(columns: Columns, price: float, volume: float = 1.0) -> Columns:
    """Return the same market at other prices and volumes."""
    return Columns(
        columns.open_time,
        columns.open * price,
        columns.high * price,
        columns.low * price,
        columns.close * price,
        columns.volume * volume,
    )


def standstill(length: int, price: float, volume: float) -> Columns:
    """Return candles in which nothing moves."""
    flat = np.full(length, price)
    return Columns(19_000 * 1440 * MINUTE + np.arange(length) * 5 * MINUTE, flat, flat, flat, flat, flat * 0 + volume)
