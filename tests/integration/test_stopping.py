"""Services that are told to end in the middle of an order leave ledger, books and account equal, many times in a row.

They run here in one process, over carriers in memory, and trade on an exchange server of ours at twenty times the pace.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.bus.memory import MemoryLog, MemoryPubSub
from roottrading.adapters.exchange.binance.settings import places_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Control
from roottrading.config.settings import AccountSettings, RunSettings, Settings
from roottrading.domain.columns import Columns, Floats
from roottrading.domain.time import parse_time
from roottrading.exchange_server.admin import Admin
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.assembly import Terms
from roottrading.exchange_server.assembly import assemble as assemble_exchange
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.opening_accounts import open_accounts, read_accounts
from roottrading.messages.service import AccountAdjusted
from roottrading.pipeline import ROLES
from roottrading.runtimes.assembly import ALL_TABLES, Cast, cast
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.finishing import turn_of
from roottrading.runtimes.distributed.running import serve_on
from roottrading.runtimes.distributed.service import ServiceProcess
from roottrading.runtimes.distributed.sharding import partition_of, unit_name
from roottrading.runtimes.distributed.surroundings import Surroundings
from roottrading.runtimes.distributed.unit.journaling import TABLES
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED
from roottrading.runtimes.distributed.weighing.weigher import LEARNING
from roottrading.runtimes.market import Market, open_market
from roottrading.services.analyzer import StrategyUse
from roottrading.services.signal_aggregator import AggregatorSettings
from roottrading.strategies.contract import Strategy
from tests.e2e.wire_account import Account, books_of, compare_books
from tests.integration.cutting import wire_to
from tests.integration.memory_opinions import MemoryOpinions
from tests.integration.test_wire_parity import KEY, SECRET, opened_of, served

PACE: Final = 20
STOPS: Final = 8
PATIENCE: Final = 90.0  # seconds for whatever must happen, on a machine however busy


class Restless(Strategy, frozen=True):
    """A minute in, a minute out."""

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Floats:
        turn = columns.open_time // 60_000_000 % 2
        conviction: Floats = np.where(turn == 0, 1.0, -1.0)
        return conviction


class Wall:
    """Seconds that pass, unless they stand still."""

    def __init__(self) -> None:
        self._lost = 0.0
        self._stood: float | None = None

    def __call__(self) -> float:
        return (time.monotonic() if self._stood is None else self._stood) - self._lost

    def stand(self) -> None:
        self._stood = time.monotonic()

    def go_on(self) -> None:
        assert self._stood is not None
        self._lost += time.monotonic() - self._stood
        self._stood = None


class Far(Struct):
    """How far traders are."""

    said: dict[str, int]
    taken: int


class NoCommands:
    """Nobody commands anything; how far units are, memory tells."""

    def __init__(self, units: MemoryUnits) -> None:
        self._units = units

    async def poll(self, after: int) -> Sequence[Control]:
        return ()

    async def post(self, control: Control) -> int:
        raise AssertionError(f"{control}: nothing is to be set aside")

    async def unanswered(self) -> Sequence[AccountAdjusted]:
        return ()

    async def progress_of(self, service: str, shards: Collection[int]) -> Far:
        names = [unit_name(service, shard) for shard in shards]
        places = [self._units.store(name).load().units.get(name) for name in names]
        return Far({stream: last for each in places if each for stream, last in each.sent.items()}, 0)

    async def woken(self) -> AsyncGenerator[None, None]:
        yield
        await asyncio.Event().wait()


class Services:
    """All seven, as `roottrading up` runs them: those upstream end first."""

    def __init__(self, settings: Settings, acting: Cast, url: str) -> None:
        self.units = MemoryUnits((*TABLES, COMPLETED, LEARNING))
        self._around = Surroundings(
            settings,
            acting,
            places_at(url),
            credentials(KEY, SECRET),
            self.units.unit,
            self.units,
            MemoryOpinions(self.units),
            Carriers(MemoryPubSub(), MemoryLog(partition_of)),
            rate=PACE,
            commands=NoCommands(self.units),
            requests=NoCommands(self.units),
        )
        self._running: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self.processes: dict[str, ServiceProcess] = {}

    def start(self) -> None:
        for role in ROLES:
            stop = asyncio.Event()
            running = asyncio.create_task(serve_on(role.name, self._connect, None, stop, self._began))
            self._running[role.name] = (running, stop)

    async def stop(self) -> None:
        for turn in range(3):
            names = [role.name for role in ROLES if turn_of(role) == turn]
            for name in names:
                self._running[name][1].set()
            await asyncio.gather(*[self._running[name][0] for name in names])

    def orders_under_way(self) -> bool:
        trader = self.processes.get("trader")
        return trader is not None and any(
            type(request).__name__ in {"PlaceOrder", "PlaceOrderList", "CancelReplace"} for request in trader.under_way
        )

    def _began(self, process: ServiceProcess) -> None:
        self.processes[process.role.name] = process

    def failed(self) -> bool:
        return any(running.done() for running, _ in self._running.values())

    def records(self) -> dict[str, Sequence[Any]]:
        states = [self.units.store(f"{name}/0").load().rows for name in ("coordinator", "portfolio")]
        return {
            table.name: self.units.journal(table)
            if table.kept == "journal"
            else [row.values for rows in states for row in rows.get(table.name, ())]
            for table in ALL_TABLES
        }

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Surroundings]:
        yield self._around


def restless() -> tuple[Settings, Cast, Market]:
    run = RunSettings(symbols=("LTCUSDT", "XRPUSDT"), start=parse_time("2021-04-17"), end=parse_time("2021-04-18"))
    settings = Settings(
        run=run, account=AccountSettings(), aggregator=AggregatorSettings(weighting="equal", quorum=Decimal(0))
    )
    free = replace(settings.coordinator, cooldown_candles=None, stops_in_a_row=None, daily_loss=None, max_drawdown=None)
    market = open_market(run, settings.account.quote_asset)
    settings = replace(settings, coordinator=free)
    return settings, cast(settings, (StrategyUse("restless", Restless(), "1m"),), market), market


async def until(what: str, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.001)
    assert what


async def stopped_again_and_again(dice: Random) -> tuple[list[list[str]], int, int]:
    """Return what did not agree after each stop, how many orders there were, and stops in the middle of one."""
    settings, acting, market = restless()
    wall = Wall()
    terms = Terms(f"{PACE}x", settings.fees, settings.exchange, LimitSettings())
    exchange = assemble_exchange(opened_of(settings, market), terms, wall)
    open_accounts(exchange.server, read_accounts([f"{KEY}:{SECRET}"], ["USDT=10000"]), market.start)
    found: list[list[str]] = []
    orders = middle = 0
    async with (
        served(build_app(exchange.server)) as url,
        served(Admin(exchange).app()) as admin,
        wire_to(int(url.rpartition(":")[2])) as (wire, port),
    ):
        wire.answers_take = 0.05
        moving = asyncio.create_task(exchange.run())
        account = Account(url, admin, KEY, SECRET)
        services = Services(settings, acting, f"http://127.0.0.1:{port}")
        for _ in range(STOPS):
            services.start()
            await until("an order", lambda: services.orders_under_way() or services.failed())
            await asyncio.sleep(dice.choice((0.0, dice.uniform(0.0, 0.15))))
            middle += services.orders_under_way()
            await services.stop()
            wall.stand()
            books = books_of(services.records())
            agreed = await asyncio.to_thread(compare_books, account, books, market.symbols, {}, "")
            wall.go_on()
            found.append(agreed.problems)
            orders = agreed.orders
        moving.cancel()
    return found, orders, middle


def test_who_is_told_to_end_finishes_what_is_under_way() -> None:
    found, orders, middle = asyncio.run(stopped_again_and_again(Random(11)))
    assert found == [[]] * STOPS
    assert orders >= STOPS
    assert middle >= 2
