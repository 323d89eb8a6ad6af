"""`roottrading up`: all seven services as processes of this machine, over the three servers."""

from typing import Annotated

import typer

from roottrading.cli import options
from roottrading.cli.live_options import Confirm, Live, real_orders
from roottrading.cli.service import ExchangeAt, Realtime

LocalServers = Annotated[
    bool, typer.Option("--local-servers", help="Start Redis, Kafka and PostgreSQL, too, on loopback.")
]
Clock = Annotated[
    str, typer.Option("--clock", metavar="real|60x|stepped", help="How the time of the exchange that is started goes.")
]
Instances = Annotated[
    str | None,
    typer.Option("--instances", metavar="SERVICE=N,...", help="How many of a service, such as analyzer=2 (else one)."),
]
Folder = Annotated[
    str | None, typer.Option("--state", metavar="DIR", help="Keep the data of --local-servers here (else nowhere).")
]


def up(
    tape: options.Tape = None,
    instruments: options.Instruments = None,
    symbols: options.Symbols = None,
    timeframe: options.Timeframe = None,
    start: options.From = None,
    end: options.To = None,
    strategies: options.Strategies = None,
    capital: options.Capital = None,
    clock: Clock = "60x",
    exchange: ExchangeAt = None,
    live: Live = False,
    confirm: Confirm = None,
    instances: Instances = None,
    local_servers: LocalServers = False,
    realtime: Realtime = False,
    state: Folder = None,
    output: options.Output = None,
    report: options.Report = None,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Run all seven services as processes over Redis, Kafka and PostgreSQL; Ctrl-C ends them.

    Without --exchange they trade on an exchange server that plays the tape. With --clock stepped it waits for them at
    every step: at the tape's end they stop, and the report is that of a backtest. With --exchange and --live they send
    real orders, after an examination and a confirmation.
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
        exchange=exchange,
        state=state,
        output=output,
        report=report,
    )
    real = real_orders(loaded.settings, live=live, confirm=confirm)
    given = [] if config is None else ["--config", str(config)]
    for assignment in assignments or ():
        given += ["--set", assignment]
    from roottrading.cli.instances import instances_of
    from roottrading.cli.up_running import Wanted, run_up

    run_up(loaded.settings, Wanted(clock, local_servers, tuple(given), instances_of(instances, clock), realtime, real))
