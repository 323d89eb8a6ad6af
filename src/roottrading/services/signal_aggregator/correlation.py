"""Which strategies say the same: how their opinions' directions correlate, over all symbols (trading-rules 3.7).

Opinions are steps in time, so their directions (1, 0, -1) are read at every T of the fastest timeframe. Sums per day
are exact integers: they can be added in any order, and the answer does not depend on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import Floats, Ints
from roottrading.domain.open_times import OpenTimes
from roottrading.domain.time import DAY, Time

MINIMUM: Final = 100  # instants; fewer say nothing


class Directions(Struct, frozen=True):
    """A strategy's directions on one symbol: `direction` holds from `at` until the next row, 0 before the first."""

    at: Ints
    direction: Ints


class CoMovement(Struct, frozen=True):
    """What the directions of `names` add up to over the Ts of one UTC day: sums, and sums of products."""

    day: Time
    names: tuple[str, ...]
    count: int
    sums: Floats  # whole numbers, exact
    products: Floats


def co_movements(instants: Ints, directions: Mapping[str, Directions]) -> list[CoMovement]:
    """Return the sums of one symbol, a day each; `instants` are the fastest timeframe's Ts in the order of time."""
    names = tuple(sorted(directions))
    if not names or not len(instants):
        return []
    rows = OpenTimes(instants, _beat(instants))
    held = np.stack([_held(directions[name], rows) for name in names])
    days = instants // DAY
    starts = np.flatnonzero(np.concatenate(([True], days[1:] != days[:-1])))
    found: list[CoMovement] = []
    for start, end in zip(starts, np.append(starts[1:], len(days)), strict=True):
        part = held[:, start:end].astype(np.float32)  # less than 2^24 whole numbers: products and sums are exact
        sums, products = part.sum(axis=1, dtype=np.float64), (part @ part.T).astype(np.float64)
        found.append(CoMovement(int(days[start]) * DAY, names, int(end - start), sums, products))
    return found


def correlated_groups(
    names: Sequence[str], movements: Iterable[CoMovement], limit: float
) -> tuple[tuple[str, ...], ...]:
    """Return the groups of strategies that correlate above `limit`, directly or through others, by name.

    Raises ValueError where movements of other strategies than `names` are among them.
    """
    ordered = tuple(sorted(names))
    count = 0
    sums = np.zeros(len(ordered))
    products = np.zeros((len(ordered), len(ordered)))
    for movement in movements:
        if movement.names != ordered:
            raise ValueError(f"movements of {', '.join(movement.names)} do not tell about {', '.join(ordered)}")
        count += movement.count
        sums += movement.sums
        products += movement.products
    if count < MINIMUM:
        return ()
    covariance = count * products - np.outer(sums, sums)
    variance = np.diag(covariance)
    scale = np.sqrt(np.outer(variance, variance))
    return _connected(ordered, (covariance > limit * scale).tolist())


def _beat(instants: Ints) -> int:
    return int(instants[1] - instants[0]) if len(instants) > 1 else 1


def _held(directions: Directions, instants: OpenTimes) -> npt.NDArray[np.int8]:
    """Return the direction that stands at every T: a byte each, since there are many."""
    lasting = np.diff(instants.rows_from(directions.at), prepend=0, append=len(instants))
    return np.repeat(np.concatenate((np.zeros(1, dtype=np.int8), directions.direction.astype(np.int8))), lasting)


def _connected(names: Sequence[str], alike: Sequence[Sequence[bool]]) -> tuple[tuple[str, ...], ...]:
    left = set(range(len(names)))
    groups: list[tuple[str, ...]] = []
    while left:
        group = {min(left)}
        reached = group
        while reached:
            reached = {other for one in reached for other in left if alike[one][other]} - group
            group = group | reached
        left -= group
        if len(group) > 1:
            groups.append(tuple(names[place] for place in sorted(group)))
    return tuple(groups)
