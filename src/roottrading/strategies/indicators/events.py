"""Events and what holds since: crosses, and columns that keep a level until the next event."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from roottrading.domain.columns import Floats, Ints

Flags = npt.NDArray[np.bool_]


def crosses(fast: Floats, slow: Floats) -> tuple[Ints, Flags]:
    """Return the rows at which `fast` has just come to lie on the other side of `slow`, and whether above it.

    A touch is no cross: what touches and turns back has not crossed. NaN crosses nothing.
    """
    above = fast > slow
    crossed = above[1:] & (fast <= slow)[:-1]
    crossed |= (fast < slow)[1:] & (fast >= slow)[:-1]
    rows = np.flatnonzero(crossed) + 1
    return rows, above[rows]


def held(rows: Ints, levels: Floats, length: int) -> Floats:
    """Return a column that takes each level at its row (ascending) and holds it until the next; 0 before the first."""
    lasting = np.diff(rows, prepend=0, append=length)
    return np.repeat(np.concatenate(([0.0], levels)), lasting)


def held_direction(up: Sequence[int], down: Sequence[int], length: int) -> Floats:
    """Return 1 from rows `up` on, -1 from rows `down` on; a row that is both turns the direction round."""
    rows = np.array([*up, *down], dtype=np.int64)
    levels = np.repeat((1.0, -1.0), (len(up), len(down)))
    order = np.argsort(rows, kind="stable")
    rows, levels = rows[order], levels[order]
    for second in np.flatnonzero(rows[1:] == rows[:-1]) + 1:
        before = levels[second - 2] if second > 1 else 0.0
        levels[second] = levels[second - 1] = -before
    return held(rows, levels, length)
