"""One truth over the wire: Binance's protocol both ways, a stepped clock, and the trades of a backtest."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from roottrading.adapters.exchange.binance.settings import places_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Store
from roottrading.config.settings import Settings
from roottrading.domain.time import Time, duration, parse_time
from roottrading.exchange_server.admin import Admin
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.assembly import Terms
from roottrading.exchange_server.assembly import assemble as assemble_exchange
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.candle_source import CandleSource
from roottrading.exchange_server.market.opening import OpenedMarket
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.market.tick_prices import TickPrices
from roottrading.exchange_server.opening_accounts import open_accounts, read_accounts
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import ALL_TABLES, Cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.linked.connecting import Connections, linked_run
from roottrading.runtimes.linked.running import LinkedRun
from roottrading.runtimes.linked.stepping import SERVICE
from roottrading.runtimes.market import Market
from roottrading.runtimes.session import Position
from tests.parity.learning_runs import learning_run, left_by

KEY, SECRET = "wire-key", "wire-secret"


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def opened_of(settings: Settings, market: Market) -> OpenedMarket:
    """Open the very tape of a run as the exchange opens one that it has read from a file."""
    model = settings.exchange
    ticks = {
        symbol: TickPrices(market.instruments[symbol], model.slippage, model.volume_share) for symbol in market.symbols
    }
    sources = [CandleSource(market.tape[symbol], ticks[symbol]) for symbol in market.symbols]
    instruments = {symbol: market.instruments[symbol] for symbol in market.symbols}
    return OpenedMarket(PublicMarket(sources), instruments, market.start, duration(market.finest), frozenset())


@asynccontextmanager
async def stepped_exchange(settings: Settings, market: Market) -> AsyncIterator[tuple[str, str]]:
    """Serve the market of a run under a stepped clock; yields the addresses of exchange and admin door."""
    opened = opened_of(settings, market)
    terms = Terms("stepped", settings.fees, settings.exchange, LimitSettings(), {SERVICE: 1})
    exchange = assemble_exchange(opened, terms, lambda: 0.0)
    open_accounts(
        exchange.server,
        read_accounts([f"{KEY}:{SECRET}"], [f"USDT={settings.account.capital}"]),
        market.start,
    )
    async with served(build_app(exchange.server)) as url, served(Admin(exchange).app()) as admin:
        yield url, admin


async def over_the_wire(settings: Settings, cast: Cast, market: Market, *pauses: Time) -> MemoryStore:
    """Trade to the market's end; at each pause the run ends, and another one goes on from what was kept."""
    store = MemoryStore(ALL_TABLES)
    async with stepped_exchange(settings, market) as (url, admin):
        for until in (*pauses, market.end):
            run = run_until(until, settings, cast, market, store, url, admin)
            assert await asyncio.wait_for(run.run(), 300) == Position(until, "candles")
    return store


def run_until(
    until: Time, settings: Settings, cast: Cast, market: Market, store: Store, url: str, admin: str
) -> LinkedRun:
    """Return a run that ends as soon as it has decided this T."""
    connections = Connections(places_at(url), credentials(KEY, SECRET), market.symbols, stepped=True)

    def watch(position: Position, rows: Sequence[Row]) -> None:
        if position.at >= until:
            run.stop.set()

    run = linked_run(settings, cast, market.symbols, connections, store, watch, admin)
    return run


def test_the_same_trades_over_the_wire() -> None:
    settings, cast, market = learning_run("2021-04-15T23:00:00Z", "2021-04-17T08:00:00Z")
    alone = left_by(run_backtest(settings, cast, market))
    assert len(alone["trade_cycles"]) > 3
    learning = parse_time("2021-04-17T00:30:00Z")  # the run ends while it makes the weights of that day
    assert left_by(asyncio.run(over_the_wire(settings, cast, market, learning))) == alone
