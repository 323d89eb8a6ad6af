"""One seed from beginning to end: a disturbed world, the invariants at every rest, and the trades in the end."""

from msgspec import Struct

from tests.simulation.chaos import WILD, Chaos
from tests.simulation.invariants import Observer, check_end
from tests.simulation.scenario import Scenario
from tests.simulation.trades import first_difference, of_world, undisturbed
from tests.simulation.world import HONEST, Parts, World

MINUTES = 16


class SimulationFailed(AssertionError):
    """A seed whose trades, books or protection were not what they must be; the message repeats it."""


class Outcome(Struct, frozen=True):
    """What a seed went through; `unprotected` is the longest span without a stop, in microseconds."""

    crashes: int
    heirs: int
    lost_commits: int
    refetched: int
    relayed: int
    lost_requests: int
    commits: int
    fills: int
    cycles: int
    unprotected: int


def run_seed(seed: int, chaos: Chaos = WILD, parts: Parts = HONEST, minutes: int = MINUTES) -> Outcome:
    """Play one seed; raises SimulationFailed naming what went wrong and the seed."""
    scenario = Scenario(seed, minutes)
    world = World(seed, scenario, chaos, parts)
    observer = Observer(world)
    try:
        world.play(scenario.instants, observer)
        check_end(world)
    except Exception as error:
        raise SimulationFailed(f"seed {seed}: {type(error).__name__}: {error}") from error
    found = of_world(world)
    lost = frozenset(world.committed - set(world.door.reached))
    if not scenario.parted:  # a trader who may act between two events does something else than one who hears both
        expected = undisturbed(scenario, seed, chaos.timeouts, lost, frozenset(world.door.refusals.values()))
        if difference := first_difference(expected, found):
            raise SimulationFailed(f"seed {seed}: {difference}")
    return Outcome(
        world.scheduler.crashes,
        world.scheduler.heirs,
        world.lost_commits,
        world.carriers.refetched,
        world.carriers.relayed,
        len(lost),
        world.database.commits,
        len(found.journals["fills"]),
        len(found.journals["trade_cycles"]),
        observer.longest,
    )
