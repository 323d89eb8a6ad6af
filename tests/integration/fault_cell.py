"""One cell of the fault matrix: a bot trades over the wire, and something goes wrong at one step of a cycle."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from functools import cache
from typing import ClassVar, Final

import numpy as np
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.settings import places_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.tape.shipped import shipped_instruments, shipped_tape
from roottrading.config.settings import Settings
from roottrading.domain.columns import Columns
from roottrading.domain.position import Position
from roottrading.domain.time import MINUTE, SECOND, Time, iso, parse_time
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.assembly import Exchange, Terms, assemble
from roottrading.exchange_server.faults.fault import Fault
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.opening import open_market
from roottrading.exchange_server.opening_accounts import open_accounts, read_accounts
from roottrading.messages.exchange import ENTRY, OrderSpec, PlaceOrder
from roottrading.runtimes.assembly import ALL_TABLES, cast
from roottrading.runtimes.linked.connecting import Connections, LinkedMarket, linked_run
from roottrading.services.analyzer import StrategyUse
from roottrading.services.coordinator.settings import NO_BOUNDS
from roottrading.strategies.contract import HOLD, Adjustment, Evaluation, Strategy
from roottrading.strategies.indicators import talib
from tests.integration.virtual_time import local_time, run_virtually

SYMBOL: Final = "LTCUSDT"
KEY, SECRET = "matrix-key", "matrix-secret"
PREFIX: Final = "sim-"
FOREIGN_ORDER: Final = "by-hand"
FOREIGN_USDT: Final = Decimal(500)
TURN: Final = 4  # minutes: buy, trail, sell, rest
START: Final = parse_time("2021-04-17T00:03:00Z")
ENTRY_AT: Final = START + 2 * MINUTE  # the T of the first entry; trailing and exit follow, a minute each
NEXT_ENTRY_AT: Final = ENTRY_AT + TURN * MINUTE
END: Final = START + 7 * MINUTE + 40 * SECOND  # in the second cycle, between trailing and exit
LASTS: Final = 40 * SECOND  # of the exchange's, from the step on: then whatever is wrong is mended


class Restless(Strategy, frozen=True):
    """Buys, raises its stop, sells and rests in turns of a minute; with a `width` below 1 the market meets its stop."""

    manages: ClassVar[bool] = True
    width: float = 4.0

    @property
    def lookback(self) -> int:
        return 28

    def evaluate(self, columns: Columns) -> Evaluation:
        turn = columns.open_time // MINUTE % TURN
        width = np.maximum(np.nan_to_num(talib.ATR(columns.high, columns.low, columns.close, 14)), 0.2)
        conviction = np.where(turn == 0, 1.0, np.where(turn == 2, -1.0, 0.0))
        return Evaluation(conviction, self.width * width, 20 * width, columns={"width": width})

    def manage(self, position: Position, row: dict[str, Decimal]) -> Adjustment:  # type: ignore[override]
        return Adjustment(stop=position.stop_price + row["width"] / 2) if self.width >= 1 else HOLD


class Cell(Struct, frozen=True):
    """What goes wrong: faults from `at` on, and what mends them; with `alone` an entry comes without its protection.

    With a `tight` stop the market sells the first cycle.
    """

    name: str
    at: Time
    faults: tuple[Fault, ...]
    mended_by: tuple[Fault, ...] = ()
    alone: bool = False
    tight: bool = False
    foreign: tuple[tuple[str, Decimal], ...] = ()  # what a person puts in or takes out meanwhile


class Played(Struct):
    """What is left of a cell: the exchange and the bot's store, how often faults struck, and what was raised."""

    exchange: Exchange
    store: MemoryStore
    foreign: dict[str, Decimal]
    struck: int
    raised: list[str]


class _Raised(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.said.append(record.getMessage() + (f" ({error!r})" if error else ""))


@cache
def _settings() -> Settings:
    settings = Settings()
    coordinator = replace(
        settings.coordinator,
        cooldown_candles=None,
        stops_in_a_row=None,
        abnormal=NO_BOUNDS,
    )
    aggregator = replace(settings.aggregator, weighting="equal", quorum=Decimal(0))
    return replace(settings, coordinator=coordinator, aggregator=aggregator)


def play(cell: Cell) -> Played:
    """Play a cell to its end."""
    random.seed(cell.name)  # the pauses before connecting again
    raised = _Raised()
    logger = logging.getLogger()
    logger.addHandler(raised)
    try:
        return run_virtually(_played(cell, raised))
    finally:
        logger.removeHandler(raised)


async def _played(cell: Cell, raised: _Raised) -> Played:
    exchange, foreign = _exchange(cell)
    store = MemoryStore(ALL_TABLES)
    clock = asyncio.create_task(exchange.run())
    try:
        async with _served(build_app(exchange.server)) as url:
            struck = await _trade(cell, exchange, store, url)
    finally:
        clock.cancel()
        with suppress(asyncio.CancelledError):
            await clock
    for asset, change in cell.foreign:
        foreign[asset] = foreign.get(asset, Decimal(0)) + change
    return Played(exchange, store, foreign, struck, raised.said)


async def _trade(cell: Cell, exchange: Exchange, store: MemoryStore, url: str) -> int:
    settings = _settings()
    strategy = Restless(width=0.3) if cell.tight else Restless()
    acting = cast(settings, (StrategyUse("restless", strategy, "1m"),), LinkedMarket((SYMBOL,)))
    connections = Connections(places_at(url), credentials(KEY, SECRET), (SYMBOL,), local=local_time)
    run = linked_run(settings, acting, (SYMBOL,), connections, store)
    running = asyncio.create_task(run.run())
    struck = 0
    try:
        for fault in cell.faults:
            exchange.agenda.add(replace(fault, at=iso(cell.at)))
        await _until(exchange, cell.at + LASTS, running)
        counted = replace(cell.faults[-1], at=iso(cell.at)) if cell.faults else None
        struck = sum(each.struck for each in exchange.meddling.register if each.fault == counted)
        exchange.agenda.clear()
        exchange.meddling.register.clear()
        for fault in cell.mended_by:
            exchange.agenda.add(fault)
        await _until(exchange, END, running)
    finally:
        run.stop.set()
        await running
    return struck


async def _until(exchange: Exchange, at: Time, running: asyncio.Task[object]) -> None:
    while exchange.clock.now() < at and not running.done():
        await asyncio.sleep(0.25)


def _exchange(cell: Cell) -> tuple[Exchange, dict[str, Decimal]]:
    """Open an exchange with foreign coins and a foreign order on the account.

    Of base, too, where entry and protection are to be two requests (trading-rules 1.3).
    """
    settings = _settings()
    foreign = {"USDT": FOREIGN_USDT, "XRP": Decimal(77), **({"LTC": Decimal(5)} if cell.alone else {})}
    opened = open_market(shipped_tape(), shipped_instruments(), settings.exchange, symbols=(SYMBOL,), start=START)
    terms = Terms("real", settings.fees, settings.exchange, LimitSettings())
    exchange = assemble(opened, terms, asyncio.get_running_loop().time)
    held = {**foreign, "USDT": foreign["USDT"] + settings.account.capital}
    open_accounts(
        exchange.server,
        read_accounts([f"{KEY}:{SECRET}"], [f"{asset}={amount}" for asset, amount in held.items()]),
        START,
    )
    spec = OrderSpec(FOREIGN_ORDER, "BUY", "LIMIT", quantity=Decimal(1), price=Decimal(100), time_in_force="GTC")
    exchange.venue.execute(KEY, PlaceOrder(SYMBOL, FOREIGN_ORDER, ENTRY, START, spec), START)
    return exchange, foreign


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
