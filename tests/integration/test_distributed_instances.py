"""One truth over two instances of each sharded service, between which shards move all the while."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from random import Random

from roottrading.adapters.bus.memory import MemoryLog, MemoryPubSub
from roottrading.adapters.exchange.binance.settings import places_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.postgres.shard_locks import Shift
from roottrading.config.settings import Settings
from roottrading.domain.time import Time
from roottrading.pipeline import ROLES
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.service import ServiceProcess
from roottrading.runtimes.distributed.sharding import partition_of
from roottrading.runtimes.distributed.surroundings import Surroundings
from roottrading.runtimes.distributed.unit.journaling import TABLES
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED
from roottrading.runtimes.distributed.weighing.weigher import LEARNING
from roottrading.runtimes.market import Market
from tests.integration.memory_opinions import MemoryOpinions
from tests.integration.test_distributed_parity import LosesMany, by_key, stepped_exchange
from tests.integration.test_wire_parity import KEY, SECRET
from tests.parity.learning_runs import Left, learning_run, left_by

SHARED = [role.name for role in ROLES if role.sharding == "by symbol"]


class Table:
    """Who is to hold each shard of a service, and who does."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.wanted: dict[int, Seat] = {}
        self.held: dict[int, Seat] = {}
        self.seats = [Seat(self), Seat(self)]
        self.moves = 0

    def deal(self) -> None:
        """Give each shard to anybody."""
        self.wanted = {shard: self.dice.choice(self.seats) for shard in self.wanted}

    def begin(self, shards: Sequence[int]) -> None:
        for place, shard in enumerate(shards):
            self.wanted.setdefault(shard, self.seats[place % 2])


class Seat:
    """An instance's: `Shares` that change whenever the table is dealt, and all of them when another ends."""

    def __init__(self, table: Table) -> None:
        self.table = table

    async def shifts(self, shards: Sequence[int], members: int) -> AsyncGenerator[Shift, None]:
        assert members == 2
        table = self.table
        table.begin(shards)
        try:
            while True:
                leaving = tuple(shard for shard, seat in table.held.items() if seat is self is not table.wanted[shard])
                taken = tuple(shard for shard, seat in table.wanted.items() if seat is self and shard not in table.held)
                if leaving:
                    yield Shift(leaving=leaving)
                    for shard in leaving:
                        del table.held[shard]
                elif taken:
                    table.held.update(dict.fromkeys(taken, self))
                    table.moves += len(taken)
                    yield Shift(taken=taken)
                else:
                    await asyncio.sleep(0.001)
        finally:
            await self.close()

    @property
    def is_settled(self) -> bool:
        """Whether all hold what they are to hold: time may not move while a shard is in nobody's hands."""
        return bool(self.table.wanted) and self.table.held == self.table.wanted

    async def close(self) -> None:
        (other,) = (seat for seat in self.table.seats if seat is not self)
        table = self.table
        table.wanted = dict.fromkeys(table.wanted, other)
        table.held = {shard: seat for shard, seat in table.held.items() if seat is not self}


async def kept_alive(role: str, around: Surroundings, seat: Seat | None, deals: list[Time], deaths: list[Time]) -> None:
    """Run an instance to the market's end: it dies at some times, and has its table dealt anew at others."""
    while True:
        process = ServiceProcess(role, around, seat)
        running = asyncio.create_task(process.run())
        while not running.done():
            await asyncio.wait([running], timeout=0.005)
            now = 0 if process.serving is None else process.side.now()
            if deals and now >= deals[0] and seat is not None and seat.is_settled:
                del deals[0]
                seat.table.deal()
            if deaths and now >= deaths[0]:
                del deaths[0]
                running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            continue
        return


async def as_instances(
    settings: Settings, cast: Cast, market: Market, pubsub: MemoryPubSub, dice: Random
) -> tuple[MemoryUnits, dict[str, Table]]:
    """Run the services, two instances of those that are shared; return what they kept, and the tables."""
    units = MemoryUnits((*TABLES, COMPLETED, LEARNING))
    carriers = Carriers(pubsub, MemoryLog(partition_of))
    tables = {service: Table(dice) for service in SHARED}
    async with stepped_exchange(settings, market, dict.fromkeys(SHARED, 2)) as (url, admin):
        around = Surroundings(
            settings,
            cast,
            places_at(url),
            credentials(KEY, SECRET),
            units.unit,
            units,
            MemoryOpinions(units),
            carriers,
            admin,
        )
        moments = range(market.start, market.end)
        async with asyncio.timeout(300), asyncio.TaskGroup() as running:
            for role in ROLES:
                seats: list[Seat | None] = [*tables[role.name].seats] if role.name in tables else [None]
                for seat in seats:
                    deals, deaths = sorted(dice.sample(moments, 4)), sorted(dice.sample(moments, 1))
                    running.create_task(kept_alive(role.name, around, seat, deals, deaths))
    return units, tables


def test_the_same_trades_while_shards_move_instances_die_and_messages_are_lost() -> None:
    settings, cast, market = learning_run("2021-04-16T22:00:00Z", "2021-04-17T02:00:00Z")
    alone: Left = left_by(run_backtest(settings, cast, market))
    assert len(alone["trade_cycles"]) > 1
    pubsub = LosesMany(Random(11), 0.02)
    units, tables = asyncio.run(as_instances(settings, cast, market, pubsub, Random(12)))
    assert by_key(left_by(units)) == by_key(alone)
    assert pubsub.lost
    assert all(table.moves > 6 for table in tables.values()), {name: table.moves for name, table in tables.items()}
