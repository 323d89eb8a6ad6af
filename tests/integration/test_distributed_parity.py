"""One truth over seven processes: each service on its own, over carriers that keep and carriers that forget."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

from msgspec.structs import replace

from roottrading.adapters.bus.memory import MemoryLog, MemoryPubSub
from roottrading.adapters.bus.port import Sent
from roottrading.adapters.exchange.binance.settings import places_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Unreachable
from roottrading.adapters.tape.shipped import shipped_instruments, shipped_tape
from roottrading.config.settings import Settings
from roottrading.domain.time import Time, parse_time
from roottrading.exchange_server.admin import Admin
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.assembly import Terms
from roottrading.exchange_server.assembly import assemble as assemble_exchange
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.opening import open_market
from roottrading.exchange_server.opening_accounts import open_accounts, read_accounts
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
from roottrading.runtimes.evidence import Said
from roottrading.runtimes.market import Market
from roottrading.services.analyzer.state import SignalRow
from tests.integration.memory_opinions import MemoryOpinions
from tests.integration.test_wire_parity import KEY, SECRET, served
from tests.parity.learning_runs import Left, learning_run, left_by


@asynccontextmanager
async def stepped_exchange(
    settings: Settings, market: Market, instances: Mapping[str, int] | None = None
) -> AsyncIterator[tuple[str, str]]:
    """Serve the market under a stepped clock that waits for seven processes, or for more `instances`."""
    opened = open_market(
        shipped_tape(),
        shipped_instruments(),
        settings.exchange,
        symbols=market.symbols,
        start=market.start,
        end=market.end,
    )
    expected = {role.name: 1 for role in ROLES} | dict(instances or {})
    terms = Terms("stepped", settings.fees, settings.exchange, LimitSettings(), expected)
    exchange = assemble_exchange(opened, terms, lambda: 0.0)
    open_accounts(
        exchange.server,
        read_accounts([f"{KEY}:{SECRET}"], [f"USDT={settings.account.capital}"]),
        market.start,
    )
    async with served(build_app(exchange.server)) as url, served(Admin(exchange).app()) as admin:
        yield url, admin


class LosesMany(MemoryPubSub):
    """One message of twenty nobody ever hears, or as many as are said to be lost."""

    def __init__(self, dice: Random, share: float = 0.05) -> None:
        super().__init__()
        self.dice = dice
        self.share = share
        self.lost = 0

    def say(self, sent: Sequence[Sent]) -> None:
        for each in sent:
            if self.dice.random() < self.share:
                self.lost += 1
            else:
                super().say([each])


class AwayOnce(MemoryOpinions):
    """The database goes away in the middle of learning, once each day: whoever asks dies of it."""

    def __init__(self, days: set[Time], units: MemoryUnits) -> None:
        super().__init__(units)
        self.days = days

    async def changes(self, said: Sequence[Said], since: Time, until: Time) -> Sequence[SignalRow]:
        if until not in self.days:
            self.days.add(until)
            raise Unreachable("the database is away")
        return await super().changes(said, since, until)


async def kept_alive(role: str, around: Surroundings, deaths: list[Time]) -> None:
    """Run a service to the market's end, and again wherever it dies: of an error, or at these times."""
    while True:
        process = ServiceProcess(role, around)
        running = asyncio.create_task(process.run())
        while not running.done():
            await asyncio.wait([running], timeout=0.005)
            if deaths and process.serving is not None and process.side.now() >= deaths[0]:
                del deaths[0]
                running.cancel()
        try:
            await running
        except (asyncio.CancelledError, Unreachable):
            continue
        return


async def as_services(
    settings: Settings,
    cast: Cast,
    market: Market,
    pubsub: MemoryPubSub,
    deaths: Mapping[str, list[Time]] | None = None,
    opinions: Callable[[MemoryUnits], MemoryOpinions] = MemoryOpinions,
) -> MemoryUnits:
    """Run the seven services, each of which dies at its times; return what they kept."""
    units = MemoryUnits((*TABLES, COMPLETED, LEARNING))
    carriers = Carriers(pubsub, MemoryLog(partition_of))
    async with stepped_exchange(settings, market) as (url, admin):
        around = Surroundings(
            settings,
            cast,
            places_at(url),
            credentials(KEY, SECRET),
            units.unit,
            units,
            opinions(units),
            carriers,
            admin,
        )
        async with asyncio.timeout(300), asyncio.TaskGroup() as running:
            for role in ROLES:
                running.create_task(kept_alive(role.name, around, (deaths or {}).get(role.name, [])))
    return units


def deaths_in(market: Market, dice: Random, each: int) -> dict[str, list[Time]]:
    """Return when services die, each so many times."""
    return {role.name: sorted(dice.randrange(market.start, market.end) for _ in range(each)) for role in ROLES}


def by_key(left: Left) -> dict[str, dict[str, Any]]:
    """Index what was written down: the order of rows is the database's own affair."""
    return {
        name: {str(row.verdict_id if name == "refusals" else row.id): row for row in rows}
        for name, rows in left.items()
    }


def test_the_same_trades_as_services() -> None:
    settings, cast, market = equal_run("2021-04-17T10:00:00Z")
    alone = by_key(left_by(run_backtest(settings, cast, market)))
    assert len(alone["trade_cycles"]) > 3
    assert by_key(left_by(asyncio.run(as_services(settings, cast, market, MemoryPubSub())))) == alone


def test_the_same_trades_where_messages_are_lost_and_services_die() -> None:
    settings, cast, market = equal_run("2021-04-17T00:00:00Z")
    alone = by_key(left_by(run_backtest(settings, cast, market)))
    assert len(alone["trade_cycles"]) > 1
    pubsub = LosesMany(Random(3))
    deaths = deaths_in(market, Random(4), 1)
    assert by_key(left_by(asyncio.run(as_services(settings, cast, market, pubsub, deaths)))) == alone
    assert pubsub.lost > 5
    assert not any(deaths.values())


def test_the_same_trades_as_services_that_learn() -> None:
    settings, cast, market = learning_run("2021-04-15T23:30:00Z", "2021-04-17T02:00:00Z")  # twice past 01:00
    left = left_by(run_backtest(settings, cast, market))
    assert left != left_by(run_backtest(*equally(settings, cast, market)))
    deaths = deaths_in(market, Random(5), 2)
    deaths["signal_aggregator"] += [parse_time("2021-04-16T00:45:00Z"), parse_time("2021-04-17T01:00:00Z")]
    deaths["signal_aggregator"].sort()
    pubsub = LosesMany(Random(6), 0.001)  # each costs a second: it is noticed by the heads
    days: set[Time] = set()
    units = asyncio.run(as_services(settings, cast, market, pubsub, deaths, partial(AwayOnce, days)))
    assert by_key(left_by(units)) == by_key(left)
    assert days == {parse_time("2021-04-16"), parse_time("2021-04-17")}
    assert pubsub.lost > 2
    assert not any(deaths.values())


def equal_run(end: str) -> tuple[Settings, Cast, Market]:
    return equally(*learning_run("2021-04-16T22:00:00Z", end))


def equally(settings: Settings, cast: Cast, market: Market) -> tuple[Settings, Cast, Market]:
    return replace(settings, aggregator=replace(settings.aggregator, weighting="equal")), cast, market
