"""One seed from beginning to end: a disturbed world, the invariants at every rest, and the trades in the end."""

from msgspec import Struct

from tests.simulation.exchange_door import Door
from tests.simulation.scenario import Scenario
from tests.simulation.trades import first_difference, of_world, undisturbed
from tests.simulation.world import Chaos, World

CHAOS = Chaos(timeouts=0.02)


class SimulationFailed(AssertionError):
    """A seed whose trades, books or protection were not what they must be; the message repeats it."""


class Outcome(Struct, frozen=True):
    """What a seed went through."""

    crashes: int
    heirs: int
    lost_commits: int
    refetched: int
    commits: int
    fills: int
    cycles: int


def run_seed(seed: int, chaos: Chaos = CHAOS, defects: frozenset[str] = frozenset(), minutes: int = 48) -> Outcome:
    """Play one seed; raises SimulationFailed naming what went wrong and the seed."""
    scenario = Scenario(seed, minutes)
    exchange = scenario.exchange()
    door = Door(exchange, seed, chaos.timeouts)
    world = World(seed, scenario, door, chaos, defects)
    try:
        world.play(scenario.instants, lambda _: None)
    except Exception as error:
        raise SimulationFailed(f"seed {seed}: {type(error).__name__}: {error}") from error
    found = of_world(world)
    lost = frozenset(world.committed - set(door.executed))
    expected = undisturbed(scenario, seed, chaos.timeouts, lost)
    if difference := first_difference(expected, found):
        raise SimulationFailed(f"seed {seed}: {difference}")
    return Outcome(
        world.crashes,
        world.heirs,
        world.lost_commits,
        world.refetched,
        world.database.commits,
        len(found["fills"]),
        len(found["trade_cycles"]),
    )
