"""What every store keeps: run over each of them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Commit, ControlWaiting, OutboxEntry, Store, StoreError, UnitState
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import AlertRaised, EntryRefused, TradeProgressed
from roottrading.messages.market import CandleClosed
from roottrading.messages.service import AccountAdjusted, ControlChanged, Row, Table
from tests.contract.unit_stores import MemoryUnitStore, PostgresProcess, PostgresStore

pytestmark = pytest.mark.usefixtures("either_loop")

Key = tuple[str | int, ...]


class Leg(Struct, frozen=True, gc=False):
    """A nested value."""

    name: str
    price: Decimal


class Everything(Struct, frozen=True):
    """A record with a field of every kind that services use."""

    id: str
    at: int
    price: Decimal
    side: Literal["BUY", "SELL"]
    done: bool
    ratio: float
    stop: Decimal | None
    leg: Leg
    maybe: Leg | None
    legs: tuple[Leg, ...]
    counts: Mapping[str, int]
    amounts: Mapping[str, Decimal]
    pairs: tuple[tuple[str, int], ...]
    names: frozenset[str] = frozenset()


class Standing(Struct, frozen=True):
    """A record that does not carry its key."""

    value: Decimal


class Numbered(Struct, frozen=True):
    """A record whose key is one number."""

    id: int


STATE = Table("everything", ("id",), Everything, "state")
KEYED = Table("standing", ("symbol", "at"), Standing, "state")
NAMED = Table("named", ("name",), Leg, "journal")
NUMBERED = Table("numbered", ("id",), Numbered, "journal")
TABLES = (STATE, KEYED, NAMED, NUMBERED)

Reopen = Callable[[], Store]


UNIT = "trader/0"


@pytest.fixture(params=["memory", "sqlite", "memory units", "postgres"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Return the store after its process ended and came again (in memory: the store itself)."""
    with ExitStack() as ending:
        make: Reopen
        if request.param == "memory":
            kept = MemoryStore(TABLES)
            make = lambda: kept  # noqa: E731
        elif request.param == "sqlite":
            make = partial(SqliteStore.open, tmp_path / "state", TABLES, {"tape": "one"})
        elif request.param == "memory units":
            make = partial(MemoryUnitStore, ending.enter_context(asyncio.Runner()), MemoryUnits(TABLES), UNIT)
        else:
            process = ending.enter_context(closing(PostgresProcess(request.getfixturevalue("postgres_url"), TABLES)))
            make = partial(PostgresStore, process, UNIT)
        opened: list[Store] = []

        def again() -> Store:
            while opened:
                opened.pop().close()
            opened.append(make())
            return opened[0]

        yield again
        for store in opened:
            store.close()


# built from digits: the process's own context traps the rounding that hypothesis' own decimals are made with
decimals = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(-(10**20), 10**20), st.integers(-18, 6)
)
integers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
legs = st.builds(Leg, texts, decimals)
records = st.builds(
    Everything,
    id=texts,
    at=integers,
    price=decimals,
    side=st.sampled_from(["BUY", "SELL"]),
    done=st.booleans(),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    stop=st.none() | decimals,
    leg=legs,
    maybe=st.none() | legs,
    legs=st.lists(legs, max_size=3).map(tuple),
    counts=st.dictionaries(texts, integers, max_size=3),
    amounts=st.dictionaries(texts, decimals, max_size=3),
    pairs=st.lists(st.tuples(texts, integers), max_size=3).map(tuple),
    names=st.frozensets(texts, max_size=3),
)


def rows_of(store: Store, table: Table) -> dict[Key, Any]:
    return {row.key: row.values for row in store.load().rows[table.name]}


def test_a_new_store_is_empty(reopen: Reopen) -> None:
    loaded = reopen().load()
    assert loaded.rows == {"everything": (), "standing": ()}
    assert (loaded.units, loaded.deadlines, loaded.position, loaded.control) == ({}, (), None, 0)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(records, max_size=4, unique_by=lambda record: record.id))
def test_records_come_back_the_very_same(reopen: Reopen, found: list[Everything]) -> None:
    store = reopen()
    emptied = [Row("everything", key, None) for key in rows_of(store, STATE)]
    store.commit(Commit([*emptied, *[Row("everything", (record.id,), record) for record in found]]))
    again = [row.values for row in reopen().load().rows["everything"]]
    assert again == found


Change = tuple[Literal["put", "delete"], int, int]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    commits=st.lists(
        st.lists(st.tuples(st.sampled_from(["put", "delete"]), st.integers(0, 4), st.integers(0, 9)), max_size=8),
        max_size=6,
    )
)
def test_what_comes_back_is_what_a_dictionary_would_hold_in_its_order(
    reopen: Reopen, commits: Sequence[Sequence[Change]]
) -> None:
    store = reopen()
    store.commit(Commit([Row("standing", key, None) for key in rows_of(store, KEYED)]))
    expected: dict[Key, Standing] = {}
    for changes in commits:
        rows = []
        for kind, name, value in changes:
            key: Key = (f"S{name}", name)
            record = Standing(Decimal(value)) if kind == "put" else None
            rows.append(Row("standing", key, record))
            if record is None:
                expected.pop(key, None)
            else:
                expected[key] = record
        store.commit(Commit(rows))
    assert [(row.key, row.values) for row in reopen().load().rows["standing"]] == list(expected.items())


def test_a_journal_is_not_loaded_and_reads_in_the_order_of_its_first_writes(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Commit([Row("named", (name,), Leg(name, Decimal(1))) for name in ("b", "a")]))
    store.commit(Commit([Row("named", ("b",), Leg("b", Decimal(2))), Row("named", ("c",), Leg("c", Decimal(3)))]))
    store = reopen()
    assert list(store.journal(NAMED)) == [Leg("b", Decimal(2)), Leg("a", Decimal(1)), Leg("c", Decimal(3))]
    assert "named" not in store.load().rows


def test_a_journal_keyed_by_a_number_reads_in_the_order_of_its_first_writes_too(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Commit([Row("numbered", (number,), Numbered(number)) for number in (2**63 - 1, 5, 7)]))
    assert list(reopen().journal(NUMBERED)) == [Numbered(2**63 - 1), Numbered(5), Numbered(7)]


def test_places_deadlines_position_and_control_come_back(reopen: Reopen) -> None:
    store = reopen()
    gateway, coordinator = ("gateway", "market/BTCUSDT/1m"), ("coordinator", "trade.commands/BTCUSDT")
    seen = {coordinator: 1, gateway: 1_700_000_000_000_000}
    store.commit(
        Commit(
            units={UNIT: UnitState(seen, {"trade.events/BTCUSDT": 7})},
            deadlines=[("trader", "limit", 50), ("trader", "query", 60), ("trader", "midnight", 40)],
            position=(30, "fills"),
            control=3,
        )
    )
    store = reopen()
    store.commit(
        Commit(
            units={UNIT: UnitState(seen | {coordinator: 2}, {"trade.events/BTCUSDT": 7})},
            deadlines=[("trader", "query", None), ("trader", "limit", 70), ("trader", "unknown", None)],
        )
    )
    loaded = reopen().load()
    assert loaded.units == {UNIT: UnitState(seen | {coordinator: 2}, {"trade.events/BTCUSDT": 7})}
    assert sorted(loaded.deadlines) == [("trader", "limit", 70), ("trader", "midnight", 40)]
    assert (loaded.position, loaded.control) == ((30, "fills"), 3)


def test_what_is_given_is_copied(reopen: Reopen) -> None:
    store = reopen()
    seen = {("gateway", "market/BTCUSDT/1m"): 1}
    store.commit(Commit(units={UNIT: UnitState(seen)}))
    seen["gateway", "market/BTCUSDT/1m"] = 2
    assert reopen().load().units[UNIT].seen == {("gateway", "market/BTCUSDT/1m"): 1}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_store_of_one_process_keeps_several_services(kind: str, tmp_path: Path) -> None:
    opened = SqliteStore.open(tmp_path, TABLES, {}) if kind == "sqlite" else MemoryStore(TABLES)
    units = {"analyzer": UnitState({("gateway", "market/X/1m"): 5}), "trader": UnitState()}
    opened.commit(Commit(units=units, deadlines=[("coordinator", "a", 2), ("trader", "a", 1)]))
    loaded = opened.load()
    opened.close()
    assert loaded.units == units
    assert sorted(loaded.deadlines) == [("coordinator", "a", 2), ("trader", "a", 1)]


def test_a_row_for_a_table_nobody_declared_keeps_nothing_of_its_commit(reopen: Reopen) -> None:
    store = reopen()
    rows = [Row("standing", ("S", 1), Standing(Decimal(1))), Row("strange", ("x",), Standing(Decimal(1)))]
    with pytest.raises(StoreError, match=r"'strange', which nobody declared"):
        store.commit(Commit(rows, position=(1, "fills")))
    loaded = reopen().load()
    assert loaded.rows["standing"] == ()
    assert loaded.position is None


def test_control_commands_are_numbered_and_polled_in_order(reopen: Reopen) -> None:
    store = reopen()
    halt = ControlChanged(0, "state", "halted", "", "", "anna", "news")
    more = AccountAdjusted(0, "capital", "", Decimal("12.50"), None, 0)
    assert store.poll_control(0) == ()
    assert [store.post_control(halt), store.post_control(more)] == [1, 2]
    first, second = reopen().poll_control(0)
    assert first == ControlChanged(1, "state", "halted", "", "", "anna", "news")
    assert second == AccountAdjusted(2, "capital", "", Decimal("12.50"), None, 0)
    assert reopen().poll_control(1) == (second,)
    assert reopen().poll_control(2) == ()


ALERT = AlertRaised("warning", "clock", "slow", "BTCUSDT", 5)
CANDLE = Candle("BTCUSDT", "1m", 0, Decimal("0.10"), Decimal(1), Decimal("1E-7"), Decimal("1.00"), Decimal(0))


def said(stream: str, sequence: int, body: Message) -> tuple[str, Envelope]:
    channel = stream.partition("/")[0]
    return channel, Envelope("trader", stream, sequence, sequence - 1, 7, "cause", body)


def test_the_outbox_keeps_what_the_bus_has_not_confirmed_in_its_order(reopen: Reopen) -> None:
    store = reopen()
    first = said("trade.events/BTCUSDT", 1, ALERT)
    second = said("market/BTCUSDT/1m", MINUTE, CandleClosed(CANDLE))
    third = said(
        "trade.events/BTCUSDT", 2, TradeProgressed((ALERT, EntryRefused("X", "X/1", "no", {"b": "1", "a": "2"}, 1)))
    )
    store.commit(Commit(outbox=[first, second]))
    store.commit(Commit(outbox=[third]))
    store = reopen()
    loaded = store.load()
    assert loaded.outbox == (OutboxEntry(1, *first), OutboxEntry(2, *second), OutboxEntry(3, *third))
    assert loaded.outbox_number == 3
    store.commit(Commit(published=2))
    assert reopen().load().outbox == (OutboxEntry(3, *third),)
    store = reopen()
    store.load()
    store.commit(Commit(outbox=[said("trade.events/BTCUSDT", 3, ALERT)], published=3))
    loaded = reopen().load()
    assert [entry.number for entry in loaded.outbox] == [4]
    assert loaded.outbox_number == 4


def test_numbers_go_on_where_everything_was_confirmed(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Commit(outbox=[said("trade.events/BTCUSDT", 1, ALERT)]))
    store.commit(Commit(published=1))
    loaded = reopen().load()
    assert (loaded.outbox, loaded.outbox_number) == ((), 1)


def test_offsets_are_kept_by_partition(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Commit(offsets={("trade.events", 0): 10, ("trade.events", 1): 3}))
    store.commit(Commit(offsets={("trade.events", 1): 4, ("trade.commands", 1): 9}))
    assert reopen().load().offsets == {("trade.events", 0): 10, ("trade.events", 1): 4, ("trade.commands", 1): 9}


def test_a_commit_that_heeds_control_stands_only_where_no_command_waits(reopen: Reopen) -> None:
    store = reopen()
    store.commit(Commit(position=(1, "fills"), heeds_control=True))
    store.post_control(ControlChanged(0, "state", "halted", "", "", "anna", "news"))
    store.commit(Commit(position=(2, "fills")))
    with pytest.raises(ControlWaiting, match="command 1 waits, 0 was the last one taken"):
        store.commit(
            Commit([Row("standing", ("S", 1), Standing(Decimal(1)))], position=(3, "fills"), heeds_control=True)
        )
    loaded = store.load()
    assert (loaded.rows["standing"], loaded.position) == ((), (2, "fills"))
    store.commit(Commit(position=(4, "fills"), control=1, heeds_control=True))
    assert reopen().load().position == (4, "fills")


def test_two_tables_of_one_name_are_refused() -> None:
    with pytest.raises(StoreError, match="two tables are named 'named'"):
        MemoryStore([NAMED, Table("named", ("price",), Leg, "state")])
