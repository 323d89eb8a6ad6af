"""Before a partition counts as read past a forged message, all that is said there has been asked for."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from roottrading.adapters.bus.port import Delivery, PassedOver
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Loaded
from roottrading.messages.channels import TRADE_COMMANDS
from roottrading.messages.commands import CancelEntry
from roottrading.messages.envelope import Envelope
from roottrading.runtimes.distributed import forgeries
from roottrading.runtimes.distributed.forgeries import Forgeries
from roottrading.runtimes.distributed.granting import told_to
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.reading import Reading
from roottrading.runtimes.distributed.served import Served
from roottrading.runtimes.distributed.sharding import ROLE, shard_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given, HeadHeard
from roottrading.runtimes.distributed.unit.ways import Ways
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.step import Unit
from roottrading.services.dispatcher import Dispatcher
from tests.contract.bus_carriers import going

SYMBOL = "LTCUSDT"
SHARD = shard_of(SYMBOL)
PLACE = (TRADE_COMMANDS, SHARD)
STREAM = f"{TRADE_COMMANDS}/{SYMBOL}"


def command(number: int) -> Envelope:
    return Envelope("coordinator", STREAM, number, number - 1, number, "", CancelEntry("cycle", SYMBOL, "because"))


class Bench:
    """A trader's shard that reads, and is not worked off."""

    def __init__(self) -> None:
        units, self.observed = MemoryUnits(()), Observed()
        seen = {("coordinator", f"{TRADE_COMMANDS}/{each}"): 3 for each in same_shard_as(SYMBOL)[:1]}
        self.other = next(iter(seen))[1]
        unit = Unit("trader", SHARD, Dispatcher(), 1, seen)

        async def publish(sent: Sequence[object]) -> None:
            assert not sent

        ways = Ways(publish, units.said, lambda: 5, lambda requests: None, lambda envelope: ())
        self.actor = Actor(unit, units.unit(f"trader/{SHARD}"), Loaded({}, {}, (), None, 0, 1), ways)
        self.forgeries = Forgeries(ROLE["trader"], [SYMBOL], units.said, self.observed, lambda: 5)
        self.reading = Reading(ROLE["trader"], {SHARD: self.actor}, None, self.forgeries.unasked)
        self.reading.take(Served(self.actor, {PLACE: 7}, ()))

    def pass_over(self, after: int, count: int = 1) -> None:
        self.forgeries.hear(PassedOver(PLACE, count, after, "a reason"))

    def read(self, offset: int, number: int) -> None:
        self.reading.hear([Delivery(TRADE_COMMANDS, command(number), SHARD, offset)])

    def given(self) -> list[Given]:
        return [each for each in self.actor.inbox.take(100) if each.given or each.places or each.rows]


def same_shard_as(symbol: str) -> list[str]:
    names = (f"COIN{number}USDT" for number in range(1_000))
    return [name for name in names if shard_of(name) == shard_of(symbol)]


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not reached():
            await asyncio.sleep(0.001)


def test_what_may_be_missing_is_asked_for_before_anything_counts_as_read() -> None:
    async def main() -> None:
        bench = Bench()
        bench.given()
        bench.read(7, 1)
        bench.pass_over(9)
        bench.read(9, 2)
        first = bench.given()
        assert [(each.given, each.places) for each in first] == [(command(1), {PLACE: 8}), (command(2), {})]
        async with going(bench.forgeries.run(bench.reading, lambda: None)):
            await until(lambda: not bench.forgeries.unasked)
            bench.read(10, 3)
        *asked, passed, told, after = bench.given()
        assert [each.given for each in asked] == [
            HeadHeard("coordinator", bench.other),  # it was heard before, so it may go on
            HeadHeard("coordinator", STREAM),
        ]
        assert (passed.given, passed.places) == (None, {PLACE: 10})
        assert [row.table for row in told.rows] == [ALERTS.name]
        assert (after.given, after.places) == (command(3), {PLACE: 11})

    asyncio.run(main())


def test_what_is_passed_over_last_counts_as_read_too() -> None:
    async def main() -> None:
        bench = Bench()
        async with going(bench.forgeries.run(bench.reading, lambda: None)):
            bench.pass_over(9)
            await until(lambda: not bench.forgeries.unasked)
        assert bench.reading.behind({PLACE: 9}) == {TRADE_COMMANDS: 0}
        assert {PLACE: 9} in [each.places for each in bench.given()]

    asyncio.run(main())


def test_a_partition_that_is_another_instances_by_now_is_left_alone() -> None:
    async def main() -> None:
        bench = Bench()
        bench.given()
        bench.reading.leave([SHARD])
        async with going(bench.forgeries.run(bench.reading, lambda: None)):
            bench.pass_over(9)
            await until(lambda: not bench.forgeries.unasked)
        assert [each.places for each in bench.given() if not each.rows] == []
        assert bench.reading.offsets == {}

    asyncio.run(main())


def test_it_is_told_at_once_and_then_no_more_often_than_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgeries, "_PAUSES", (0.001, 0.001))

    def texts(bench: Bench) -> list[str]:
        return [row.values.text for each in bench.given() for row in each.rows]

    async def main() -> None:
        bench = Bench()
        async with going(bench.forgeries.run(bench.reading, lambda: None)):
            bench.pass_over(8)
            await until(lambda: bench.observed.forgery_told_at > 0)
            (first,) = texts(bench)
            assert "trader passed over a message on Kafka that nobody of ours said" in first
            assert "(a reason)" in first
            for after in range(9, 20):
                bench.pass_over(after, 3)
                await until(lambda: not bench.forgeries.unasked)
            assert texts(bench) == []
            bench.observed.forgery_told_at -= forgeries.ALERT_SECONDS  # a minute later, say
            bench.pass_over(21, 2)
            await until(lambda: bench.observed.forged.total() == 36 and not bench.forgeries.unasked)
            (second,) = texts(bench)
            assert "trader passed over 35 messages" in second
        assert bench.observed.forged == {TRADE_COMMANDS: 36}

    asyncio.run(main())


def test_who_may_say_what_is_asked_by_the_map() -> None:
    assert told_to(ROLE["trader"], ["A"]) == {("coordinator", "trade.commands/A")}
    assert told_to(ROLE["gateway"], ["A"]) == set()
    verdict, events = ("signal_aggregator", "signals:aggregated/A"), "trade.events/A"
    assert told_to(ROLE["coordinator"], ["A"]) == {verdict, ("trader", events)}
    assert told_to(ROLE["portfolio"], ["A"]) == {verdict, ("trader", events), ("coordinator", events)}
