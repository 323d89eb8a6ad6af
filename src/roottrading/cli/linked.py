"""`roottrading run --exchange`: all services in one process, trading on an exchange server over Binance's protocol."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import closing

import typer
from msgspec import Struct
from rich.console import Console

from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials, credentials
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.store.port import Store
from roottrading.cli.errors import INTERRUPTED, CommandError
from roottrading.cli.live_view import PlainLines
from roottrading.cli.pacing import Pace
from roottrading.cli.places import is_here, places_of
from roottrading.cli.preparing import Prepared, check_timeframes, known_strategies, strategy_uses
from roottrading.cli.reporting import begin_log, check_outputs, claim_outputs, finish, warn
from roottrading.cli.tally import Tally
from roottrading.cli.watching import StopWish, Watcher
from roottrading.cli.wire_runs import open_store, until_stopped
from roottrading.config.secrets import KEY, SECRET, ExchangeKey, exchange_key
from roottrading.config.settings import Settings
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import Cast, cast
from roottrading.runtimes.embedded import Progress
from roottrading.runtimes.linked.connecting import FINEST, Connections, LinkedMarket, linked_run
from roottrading.runtimes.linked.pace import pace_of
from roottrading.runtimes.linked.recorded import recorded_market
from roottrading.runtimes.linked.running import LinkedRun
from roottrading.runtimes.result import journal
from roottrading.runtimes.session import Position


class Target(Struct, frozen=True):
    """The exchange that is traded on: its name as it is kept with the state, where it is, and whose key is used.

    `streams` says how its market is listened to; None as its clock's pace, measured at the start, wants it.
    """

    name: str
    places: Places
    credentials: Credentials
    streams: StreamSettings | None = None


def run_linked(settings: Settings, url: str) -> None:
    """Trade on the exchange server at `url`, on this machine.

    Raises CommandError for settings that such a run cannot have, LinkError where there is no exchange.
    """
    if not is_here(url):
        raise CommandError(
            f"--exchange {url}: real orders need --live; without it name a server of `roottrading exchange` on this "
            "machine"
        )
    trade(settings, Target(url, places_of(settings, url), key_of(exchange_key(os.environ))))


def trade(settings: Settings, target: Target) -> None:
    """Trade on an exchange until its market ends or a person says so; then report.

    Raises CommandError for settings that such a run cannot have, LinkError where there is no exchange.
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
    heard = tuple(sorted({symbol for symbol, _ in acting.plan.streams}))
    stepped = settings.run.admin is not None
    rate = 1 if stepped or target.streams else asyncio.run(pace_of(target.places.rest))
    connections = Connections(
        target.places, target.credentials, heard, stepped=stepped, rate=rate, streams=target.streams
    )
    with closing(open_store(settings, {"exchange": target.name}, acting, "full")) as store:
        tally = Tally(journal(store, "trade_cycles"))
        console, stop = Console(), StopWish()
        watcher = Watcher(PlainLines(console, tally, paced=True), tally, Pace("max"), stop, log is not None)
        run = _run(settings, acting, market.symbols, connections, store, watcher)
        reached = asyncio.run(until_stopped(run))
        traded = {symbol: connections.link.instruments[symbol] for symbol in market.symbols}
        played = recorded_market(run.candles, traded, FINEST, run.started_at, reached.at)
        finish(Prepared(settings, acting, played, faults), store, console, log=log)
    if run.interrupted:
        raise typer.Exit(INTERRUPTED)


def _check(settings: Settings) -> None:
    """Raise CommandError for what cannot be."""
    if not settings.run.symbols:
        raise CommandError("--exchange needs --symbols: there is no tape to take them from")


def key_of(known: ExchangeKey, names: str = f"{KEY}, {SECRET}") -> Credentials:
    """Return what signs with this key; CommandError, with these names, for a secret that is none."""
    try:
        return credentials(known.key, known.secret)
    except ValueError as error:
        raise CommandError(f"{names}: {error}") from None


def _run(
    settings: Settings,
    acting: Cast,
    symbols: tuple[str, ...],
    connections: Connections,
    store: Store,
    watcher: Watcher,
) -> LinkedRun:
    def observe(position: Position, rows: Sequence[Row]) -> None:
        if run.linked is not None and not watcher(Progress(position, rows, run.linked.session)):
            run.stop.set()

    run = linked_run(settings, acting, symbols, connections, store, observe, settings.run.admin)
    return run
