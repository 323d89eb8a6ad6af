"""Each deliberate defect makes the simulation fail within a few seeds: else it would prove nothing."""

import pytest

from tests.simulation.chaos import ROUGH
from tests.simulation.defects import DEFECTS
from tests.simulation.run_seed import SimulationFailed, run_seed
from tests.simulation.world import HONEST, Parts

SEEDS = range(60)


def test_without_a_defect_the_same_seeds_run_clean() -> None:
    assert [failure for seed in SEEDS if (failure := _failure(seed, HONEST))] == []


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_the_simulation_notices(name: str) -> None:
    assert any(_failure(seed, DEFECTS[name]) for seed in SEEDS), f"{len(SEEDS)} seeds with the defect ran clean"


def _failure(seed: int, parts: Parts) -> str:
    try:
        run_seed(seed, ROUGH, parts)
    except SimulationFailed as failure:
        return str(failure)
    return ""
