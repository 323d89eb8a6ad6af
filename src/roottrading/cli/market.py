"""`roottrading run --market`: simulated money on a live market, followed over Binance's protocol without a key."""

import asyncio
from contextlib import closing

import typer
from rich.console import Console

from roottrading.adapters.exchange.binance.streams.binance_market import MarketEndpoints, market_endpoints_at
from roottrading.cli.errors import INTERRUPTED, CommandError
from roottrading.cli.live_view import PlainLines
from roottrading.cli.pacing import Pace
from roottrading.cli.places import BINANCE
from roottrading.cli.preparing import Prepared, check_timeframes, known_strategies, strategy_uses
from roottrading.cli.reporting import begin_log, check_outputs, claim_outputs, finish, warn
from roottrading.cli.tally import Tally
from roottrading.cli.watching import StopWish, Watcher
from roottrading.cli.wire_runs import open_store, until_stopped
from roottrading.config.settings import Settings
from roottrading.runtimes.assembly import cast
from roottrading.runtimes.linked.connecting import FINEST, LinkedMarket
from roottrading.runtimes.linked.market_connection import MarketConnection
from roottrading.runtimes.linked.market_running import Connect, MarketRun
from roottrading.runtimes.linked.pace import pace_of
from roottrading.runtimes.linked.recorded import recorded_market
from roottrading.runtimes.result import journal


def run_on_market(settings: Settings, named: str) -> None:
    """Trade simulated money on this market until it ends or a person says so; then report.

    Raises CommandError for settings that such a run cannot have, LinkError where there is no such market.
    """
    _check(settings)
    check_outputs(settings.run)
    log = begin_log(settings.run)
    known = known_strategies(settings)
    uses = strategy_uses(settings, known)
    market = LinkedMarket(tuple(sorted(settings.run.symbols)))
    check_timeframes(uses, market)
    acting = cast(settings, uses, market)
    faults = tuple(map(str, (*known.broken, *known.warnings)))
    warn(faults)
    claim_outputs(settings.run)
    connect = _connecting(settings, named)
    with closing(open_store(settings, {"market": named}, acting)) as store:
        tally = Tally(journal(store, "trade_cycles"))
        console, stop = Console(), StopWish()
        watcher = Watcher(PlainLines(console, tally, paced=True), tally, Pace("max"), stop, log is not None)
        run = MarketRun(settings, acting, connect, store, watcher, settings.run.admin)
        market_of = f"simulated money on the market of {run.connection.endpoints.rest}, a candle behind it"
        typer.echo(f"{market_of}; Ctrl-C ends it and reports")
        reached = asyncio.run(until_stopped(run))
        if not run.candles:
            typer.echo("stopped before the first candles were over: nothing was played")
            raise typer.Exit(INTERRUPTED)
        traded = {symbol: run.connection.instruments[symbol] for symbol in market.symbols}
        played = recorded_market(run.candles, traded, FINEST, run.started_at, reached.at)
        finish(Prepared(settings, acting, played, faults), store, console, log=log)
    if run.interrupted:
        raise typer.Exit(INTERRUPTED)


def _check(settings: Settings) -> None:
    """Raise CommandError for what cannot be."""
    if settings.run.exchange is not None:
        raise CommandError(
            "--market trades simulated money, --exchange sends orders to an exchange: give one of the two"
        )
    if not settings.run.symbols:
        raise CommandError("--market needs --symbols: there is no tape to take them from")


def _connecting(settings: Settings, named: str) -> Connect:
    """Return how the market is opened: Binance's public doors at their pace, a server of ours at its own."""
    stepped = settings.run.admin is not None
    if named == BINANCE:
        if stepped:
            raise CommandError("--admin is for an exchange server whose clock is stepped, not for --market binance")
        told = settings.binance
        endpoints, rate = MarketEndpoints(told.public_rest.rstrip("/"), told.public_stream.rstrip("/")), 1
    else:
        endpoints = market_endpoints_at(named)
        rate = 1 if stepped else asyncio.run(pace_of(named))
    return lambda symbols, hear: MarketConnection(
        endpoints, symbols, hear, settings.binance.streams, stepped=stepped, rate=rate
    )
