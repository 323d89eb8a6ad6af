"""A share of the seeds in every test run: as many as fit into SIMULATION_SECONDS seconds of two workers.

`make simulate SEEDS=10000` plays as many as one likes.
"""

import os
from time import monotonic

import pytest

from tests.simulation.run_seed import run_seed

SECONDS = float(os.environ.get("SIMULATION_SECONDS", "90"))
SHARES = 4
LEAST = 5  # on however slow a machine


@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_dies_the_trades_are_the_same(share: int) -> None:
    until = monotonic() + SECONDS * 2 / SHARES
    for seed in range(share, 1_000_000, SHARES):
        if monotonic() > until and seed >= LEAST * SHARES:
            return
        run_seed(seed)
