"""Who works next, who dies, who gets an heir: the dice decide, until nobody has anything left to do."""

from typing import TYPE_CHECKING, Final

from roottrading.domain.time import MINUTE, SECOND
from tests.simulation.chaos import Chaos
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

MOST_TURNS: Final = 20_000
PAUSES: Final = (3 * SECOND + 1, MINUTE, 3 * MINUTE)


class Scheduler:
    """Gives each process its turns; `idle` are those that said they have nothing to do and heard nothing since."""

    def __init__(self, world: "World", chaos: Chaos) -> None:
        self.world = world
        self.chaos = chaos
        self.idle: set[Process] = set()
        self.crashes = 0
        self.heirs = 0

    def work_until_idle(self) -> bool:
        """Let everybody work, in an order and with accidents that the dice decide; say whether anybody did."""
        processes, dice = self.world.processes, self.world.dice
        worked = False
        self.idle.clear()
        for _ in range(MOST_TURNS):
            ready = [p for living in processes.values() for p in living if p not in self.idle and not p.is_frozen()]
            if not ready or not self.may_go_on():
                return worked
            process = dice.choice(ready)
            if self._meets_accident(process):
                continue
            if process.work is None and not process.begin():
                self.idle.add(process)
                continue
            worked = True
            assert process.work is not None
            if next(process.work, None) is None:
                process.work = None
            self._bury(process)
        raise RuntimeError(f"no rest at {self.world.now} after {MOST_TURNS} turns")

    def may_go_on(self) -> bool:
        """Say whether one may wait for rest: always."""
        return True

    def _meets_accident(self, process: Process) -> bool:
        chaos = self.chaos
        if process.role in chaos.spared:
            return False
        share = self.world.dice.random()
        if share < chaos.crash:
            self.crashes += 1
            process.die()
            return True
        if share < chaos.crash + chaos.heir and len(self.world.processes[process.role]) == 1:
            self._replace(process)
            return True
        return False

    def _replace(self, process: Process) -> None:
        """Begin a successor beside a process that does not know yet that it has been replaced."""
        self.heirs += 1
        world = self.world
        if world.dice.random() < self.chaos.freeze:
            process.frozen_until = world.now + world.dice.choice(PAUSES)
        world.processes[process.role].append(type(process)(world, process.role, process.number + 1))

    def _bury(self, process: Process) -> None:
        """Remove a zombie that has noticed: it lost its memory while a successor lives."""
        living = self.world.processes[process.role]
        if process.unit is None and process.work is None and len(living) > 1 and process is not living[-1]:
            living.remove(process)
