"""`roottrading run`: a recorded market at any speed through all services, with a state that goes on after any end."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roottrading.cli import options
from roottrading.cli.errors import INTERRUPTED
from roottrading.cli.live_options import Confirm, Live, real_orders

if TYPE_CHECKING:
    from roottrading.adapters.store.port import Store
    from roottrading.cli.json_log import LogFile
    from roottrading.cli.preparing import Prepared

Speed = Annotated[str | None, typer.Option("--speed", metavar="max|60x", help="How fast the tape is replayed.")]
StateFolder = Annotated[
    str | None, typer.Option("--state", metavar="DIR", help="Keep the state here, so that the run can go on.")
]
Exchange = Annotated[
    str | None, typer.Option("--exchange", metavar="URL|binance", help="Send orders to the exchange at this address.")
]
Market = Annotated[
    str | None,
    typer.Option("--market", metavar="binance|URL", help="Trade simulated money on this live market, without a key."),
]
Admin = Annotated[
    str | None, typer.Option("--admin", metavar="URL", help="Its admin door, where its clock is stepped.")
]


def run(
    tape: options.Tape = None,
    instruments: options.Instruments = None,
    symbols: options.Symbols = None,
    timeframe: options.Timeframe = None,
    start: options.From = None,
    end: options.To = None,
    strategies: options.Strategies = None,
    capital: options.Capital = None,
    speed: Speed = None,
    state: StateFolder = None,
    exchange: Exchange = None,
    market: Market = None,
    admin: Admin = None,
    live: Live = False,
    confirm: Confirm = None,
    output: options.Output = None,
    report: options.Report = None,
    equity: options.Equity = None,
    log: options.Log = None,
    ledger: options.Ledger = None,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Trade a recorded market with simulated money, as if it happened now.

    With --state the run can be stopped at any moment, by Ctrl-C or harder: the same command goes on where it was.
    With --market it follows a live market instead, Binance's or that of a server of `roottrading exchange`.
    With --exchange it trades on a server of `roottrading exchange` instead, over Binance's protocol; with --live as
    well on Binance, with real orders.
    """
    loaded = options.load_settings(
        config,
        assignments,
        tape=tape,
        instruments=instruments,
        symbols=symbols,
        timeframe=timeframe,
        start=start,
        end=end,
        strategies=strategies,
        capital=capital,
        speed=speed,
        state=state,
        exchange=exchange,
        market=market,
        admin=admin,
        output=output,
        report=report,
        equity=equity,
        log=log,
        ledger=ledger,
    )
    real = real_orders(loaded.settings, live=live, confirm=confirm)
    if loaded.settings.run.market is not None:
        from roottrading.cli.market import run_on_market

        run_on_market(loaded.settings, loaded.settings.run.market)
        return
    if loaded.settings.run.exchange is not None:
        if real is not None:
            from roottrading.cli.live import run_live

            run_live(loaded.settings, loaded.settings.run.exchange, real.confirmed)
            return
        from roottrading.cli.linked import run_linked

        run_linked(loaded.settings, loaded.settings.run.exchange)
        return
    from roottrading.cli.preparing import prepare
    from roottrading.cli.reporting import begin_log, check_outputs, claim_outputs, warn

    check_outputs(loaded.settings.run)
    log_file = begin_log(loaded.settings.run)
    prepared = prepare(loaded.settings)
    warn(prepared.faults)
    claim_outputs(loaded.settings.run)
    with closing(_open_store(prepared)) as store:
        _play(prepared, store, log_file)


def _open_store(prepared: "Prepared") -> "Store":
    from roottrading.adapters.store.memory import MemoryStore
    from roottrading.adapters.store.sqlite import SqliteStore
    from roottrading.runtimes.assembly import ALL_TABLES

    folder = prepared.settings.run.state
    if folder is None:
        return MemoryStore(ALL_TABLES)
    return SqliteStore.open(Path(folder), ALL_TABLES, prepared.identity)


def _play(prepared: "Prepared", store: "Store", log: "LogFile | None") -> None:
    from rich.console import Console

    from roottrading.cli.live_view import PlainLines, TerminalView, View
    from roottrading.cli.pacing import Pace
    from roottrading.cli.reporting import finish
    from roottrading.cli.tally import Tally
    from roottrading.cli.watching import Watcher, stop_on_signals
    from roottrading.domain.time import iso
    from roottrading.runtimes.embedded import run_embedded
    from roottrading.runtimes.result import journal

    settings, market = prepared.settings, prepared.market
    console = Console()
    tally = Tally(journal(store, "trade_cycles"))
    pace = Pace(settings.run.speed)
    view: View
    if console.is_terminal and not console.is_dumb_terminal:
        view = TerminalView(console, tally, market.start, market.end)
    else:
        view = PlainLines(console, tally, pace.factor is not None)
    with stop_on_signals() as stop:
        watcher = Watcher(view, tally, pace, stop, log is not None)
        try:
            finished = run_embedded(settings, prepared.cast, market, store, watcher)
        finally:
            view.close()
    if not finished:
        kept = (
            f"--state {settings.run.state} goes on from there" if settings.run.state else "nothing was kept: no --state"
        )
        typer.echo(f"stopped at {iso(watcher.reached or market.start)}; {kept}", err=True)
        raise typer.Exit(INTERRUPTED)
    finish(prepared, store, console, log=log)
