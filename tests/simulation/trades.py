"""What two runs must agree on, and the run that nothing disturbs."""

from collections.abc import Iterable
from typing import Any

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit
from roottrading.messages.service import Resumed
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.session import Session, play
from roottrading.runtimes.settle import wire
from roottrading.runtimes.step import Unit
from tests.simulation.exchange_door import Door
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

ROLES = ("gateway", "analyzer", "signal_aggregator", "coordinator", "trader", "portfolio")
Trades = dict[str, list[Any]]


def undisturbed(scenario: Scenario, seed: int, timeouts: float, lost: frozenset[str]) -> Trades:
    """Play the scenario in one process; the same requests time out, and those in `lost` never reach the exchange."""
    exchange = scenario.exchange()
    door = Door(exchange, seed, timeouts, lost)
    wiring = wire({role: Unit(role, 0, scenario.fresh(role, {})) for role in ROLES}, door)
    session = Session(wiring, exchange, scenario.decision_step, Deadlines())
    store = MemoryStore(ALL_TABLES)
    session.give([(unit, Resumed()) for unit in wiring.units.values()], scenario.market.start)
    play(session, scenario.instants, lambda _: True)
    store.commit(Commit(session.flush()))
    tables = {table.name: table for table in ALL_TABLES}
    return comparable({name: store.journal(tables[name]) for name in ("trade_cycles", "orders", "fills")})


def of_world(world: World) -> Trades:
    """Return what the world's database says of cycles, orders and fills."""
    kept = world.database
    return comparable(
        {
            "trade_cycles": kept.journal("coordinator", "trade_cycles").values(),
            "orders": kept.journal("trader", "orders").values(),
            "fills": kept.journal("trader", "fills").values(),
        }
    )


def comparable(journals: dict[str, Iterable[Any]]) -> Trades:
    """Bring the records into one order."""
    return {name: sorted(records, key=lambda record: record.id) for name, records in journals.items()}


def first_difference(expected: Trades, found: Trades) -> str:
    """Say where two runs' trades part, or nothing."""
    for name, records in expected.items():
        other = {record.id: record for record in found[name]}
        for record in records:
            if record != other.get(record.id):
                return f"{name}: expected {record}\n   found {other.get(record.id)}"
        if extra := other.keys() - {record.id for record in records}:
            return f"{name}: not expected: {other[min(extra)]}"
    return ""
