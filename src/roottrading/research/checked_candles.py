"""Which candles are looked at more closely: the choice is random, but the same whenever it is made again."""

from collections.abc import Iterable
from zlib import crc32

import numpy as np

from roottrading.domain.columns import Ints
from roottrading.domain.time import Time


def choose(at: Ints, opened: Iterable[Time], changed: Iterable[Time], count: int, seed: str) -> list[int]:
    """Return up to `count` rows of `at`, in order: a third each at `opened` and at `changed`, the others anywhere.

    Where there are fewer of a kind, the next kind gets more. Instants that are not among `at` are passed over.
    """
    random = np.random.default_rng(crc32(seed.encode()))
    chosen: set[int] = set()
    kinds = (_rows(at, opened), _rows(at, changed), np.arange(len(at)))
    for place, rows in enumerate(kinds, start=1):
        fresh = rows[~np.isin(rows, np.fromiter(chosen, dtype=np.int64, count=len(chosen)))]
        wanted = min(count * place // len(kinds) - len(chosen), len(fresh))
        chosen.update(random.choice(fresh, wanted, replace=False).tolist())
    return sorted(chosen)


def _rows(at: Ints, instants: Iterable[Time]) -> Ints:
    wanted = np.unique(np.fromiter(instants, dtype=np.int64))
    return np.flatnonzero(np.isin(at, wanted, assume_unique=True))
