"""What two runs must agree on, and the run that nothing disturbs."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit
from roottrading.domain.time import Time
from roottrading.messages.service import ControlChanged, WeightsSet
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.controlling import Controls, SimulatedAccount
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.session import Position, Session, play
from roottrading.runtimes.settle import wire
from roottrading.runtimes.step import Unit
from roottrading.services.coordinator.state import OPEN_CYCLES, Refusal
from roottrading.services.coordinator.verdicts_to_commands import Coordinator
from tests.simulation.exchange_door import Door
from tests.simulation.hands import Given, aimed
from tests.simulation.scenario import PATIENCE, Scenario
from tests.simulation.world import World

ROLES = ("gateway", "analyzer", "signal_aggregator", "coordinator", "trader", "portfolio")
JOURNALS = {"coordinator": ("trade_cycles", "refusals"), "trader": ("orders", "fills")}


class Trades(Struct, frozen=True):
    """The journals' records by table and id, and what the exchange was made to do at each instant."""

    journals: dict[str, dict[Any, Any]]
    executed: list[tuple[Time, str]]


def undisturbed(
    scenario: Scenario, seed: int, timeouts: float, lost: frozenset[str], unheard: frozenset[str]
) -> Trades:
    """Play the scenario in one process, with the same time-outs.

    The requests in `lost` never reach the exchange, the refusals of those in `unheard` never come back.
    """
    venue = scenario.venue()
    door = Door(venue, seed, timeouts, lost, unheard)
    wiring = wire({role: Unit(role, 0, scenario.fresh(role, {})) for role in ROLES}, door)
    session = Session(wiring, venue, scenario.decision_step, Deadlines())
    store = MemoryStore(ALL_TABLES)
    session.resume(scenario.start)
    account = SimulatedAccount(venue.exchange)
    controls = Controls(session, account, scenario.market.instruments, scenario.settings.account.quote_asset)

    def at_rest(position: Position) -> bool:
        if position.phase == "candles":
            for given in scenario.hands.get(position.at, ()):
                _take(session, controls, given, position.at)
        return True

    play(session, scenario.instants, at_rest)
    while (when := session.deadlines.next()) is not None and when <= scenario.end + PATIENCE:
        session.due(when)
    store.commit(Commit(session.flush()))
    tables = {table.name: table for table in ALL_TABLES}
    journals = {
        name: {record_id(record): comparable(record) for record in store.journal(tables[name])}
        for names in JOURNALS.values()
        for name in names
    }
    return Trades(journals, sorted(door.executed))


def _take(session: Session, controls: Controls, given: Given, now: Time) -> None:
    units = session.wiring.units
    if isinstance(given, WeightsSet):
        session.give([(units["signal_aggregator"], given)], now)
        return
    if isinstance(given, ControlChanged):
        coordinator = units["coordinator"].service
        assert isinstance(coordinator, Coordinator)
        cycles = coordinator.state()[OPEN_CYCLES].values()
        given = aimed(given, {cycle.symbol: cycle.id for cycle in cycles})
    controls.take(given, now)


def of_world(world: World) -> Trades:
    """Return what the world's database says of cycles, orders and fills, and what its exchange did."""
    journals = {
        name: {record_id(record): comparable(record) for record in world.database.journal(role, name).values()}
        for role, names in JOURNALS.items()
        for name in names
    }
    return Trades(journals, sorted(world.door.executed))


def record_id(record: Any) -> Any:
    """Return what names a record in both runs."""
    return getattr(record, "id", None) or record.verdict_id


def comparable(record: Any) -> Any:
    """Leave out the status of the cycle that a refusal names: news of the same instant may come after it."""
    if isinstance(record, Refusal):
        return replace(record, numbers={name: told for name, told in record.numbers.items() if name != "status"})
    return record


def first_difference(expected: Trades, found: Trades) -> str:
    """Say where two runs' trades part, or nothing."""
    if expected.executed != found.executed:
        differing = sorted(set(expected.executed) ^ set(found.executed))[0]
        return f"requests at the exchange: {differing} was {'not ' * (differing in found.executed)}expected"
    for name, records in expected.journals.items():
        others = found.journals[name]
        for key in sorted(records.keys() | others.keys(), key=str):
            if records.get(key) != others.get(key):
                return f"{name}: expected {records.get(key)}\n   found {others.get(key)}"
    return ""
