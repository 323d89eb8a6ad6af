"""Many seeds over all cores, and what they went through together."""

import os
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from time import monotonic
from typing import Final

import msgspec
from msgspec import Struct

from tests.simulation.run_seed import Outcome, SimulationFailed, run_seed

CHUNK: Final = 5


class Played(Struct, frozen=True):
    """A seed's outcome, or why it failed."""

    seed: int
    outcome: Outcome | None
    failure: str = ""


class Total:
    """The sums of many outcomes."""

    def __init__(self) -> None:
        self.seeds = 0
        self.sums: dict[str, int] = {}
        self.unprotected = 0
        self.failures: list[Played] = []
        self._begun = monotonic()

    def add(self, played: Played) -> None:
        """Count one more seed."""
        self.seeds += 1
        if played.outcome is None:
            self.failures.append(played)
            return
        counted = msgspec.structs.asdict(played.outcome)
        self.unprotected = max(self.unprotected, counted.pop("unprotected"))
        for name, number in counted.items():
            self.sums[name] = self.sums.get(name, 0) + number

    def __str__(self) -> str:
        told = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in self.sums.items())
        span = f"longest unprotected span {self.unprotected / 1e6:.2f} s"
        return (
            f"{self.seeds:,} seeds in {monotonic() - self._begun:,.0f} s, {len(self.failures)} failed: {told}; {span}"
        )


def play_one(seed: int) -> Played:
    """Play a seed; a failure is a result too."""
    try:
        return Played(seed, run_seed(seed))
    except SimulationFailed as failure:
        return Played(seed, None, str(failure))


def play_many(seeds: Iterable[int], workers: int = 0) -> Iterator[Played]:
    """Play seeds, in their order, over so many processes (0: one a core)."""
    with get_context("spawn").Pool(workers or os.cpu_count()) as pool:
        yield from pool.imap(play_one, seeds, chunksize=CHUNK)
