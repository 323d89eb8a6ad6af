"""Which candles are looked at more closely: the choice is random, but the same whenever it is made again."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from roottrading.domain.columns import Ints
from roottrading.domain.time import Time


def choose(at: Ints, opened: Sequence[Time] | Ints, changed: Sequence[Time] | Ints, count: int, seed: str) -> list[int]:
    """Return up to `count` rows of `at`, in order: a third each at `opened` and at `changed`, the others anywhere.

    Where there are fewer of a kind, the next kind gets more. Instants that are not among `at` are passed over.
    """
    random = np.random.default_rng(crc32(seed.encode()))
    chosen: set[int] = set()
    drawn = (_rows(at, _drawn(random, count, opened)), _rows(at, _drawn(random, count, changed)))
    for place, rows in enumerate((*drawn, _places(random, count, len(at))), start=1):
        for row in rows.tolist():
            if len(chosen) >= count * place // 3:
                break
            chosen.add(row)
    return sorted(chosen)


def _drawn(random: np.random.Generator, count: int, instants: Sequence[Time] | Ints) -> Ints:
    every = np.asarray(instants, dtype=np.int64)
    return every[_places(random, count, len(every))]


def _places(random: np.random.Generator, count: int, among: int) -> Ints:
    """Draw `count` places: enough even where all that were chosen before are drawn again."""
    if not among:
        return np.zeros(0, dtype=np.int64)
    return np.asarray(random.choice(among, min(count, among), replace=False), dtype=np.int64)


def _rows(at: Ints, instants: Ints) -> Ints:
    rows = at.searchsorted(instants)
    found = rows < len(at)
    found[found] = at[rows[found]] == instants[found]
    return np.asarray(rows[found], dtype=np.int64)
