"""`roottrading gateway`, `roottrading trader` and so on: one service as a process of its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roottrading.cli import options
from roottrading.cli.errors import CommandError
from roottrading.cli.live_options import Confirm, Examined, Live, real_orders

if TYPE_CHECKING:
    from roottrading.config.settings import Settings

ExchangeAt = Annotated[
    str | None, typer.Option("--exchange", metavar="URL|binance", help="Send orders to the exchange at this address.")
]
AdminAt = Annotated[
    str | None, typer.Option("--admin", metavar="URL", help="Its admin door, where its clock is stepped.")
]
HealthPort = Annotated[
    int | None,
    typer.Option(
        "--health-port",
        metavar="PORT",
        min=0,
        max=65_535,
        help="Serve /health/live, /health/ready and /metrics on this port of loopback (0: any free one).",
    ),
]
Instance = Annotated[
    str | None, typer.Option("--instance", metavar="NAME", help="Its name in the log, where it is one of several.")
]
Realtime = Annotated[
    bool, typer.Option("--realtime", help="Go before all ordinary programs (SCHED_RR), on cores that stay awake.")
]
PANEL: Final = "Services"
# As the pipeline has them, written again so that help is there without loading it; a test holds them equal.
PURPOSES: Final = {
    "gateway": "turns the market's finest candles into closed candles of every timeframe",
    "analyzer": "turns candles into opinions of every strategy",
    "signal_aggregator": "weighs the opinions into one verdict per symbol and close",
    "dispatcher": "carries verdicts to Kafka and events back to Redis; it has no thoughts",
    "coordinator": "turns verdicts into trade cycles, within the limits of risk",
    "trader": "turns commands into orders, and guards every position with its stop",
    "portfolio": "keeps the books: balances, positions, profit",
}


def add_to(app: typer.Typer) -> None:
    """Add a command for each service."""
    for name, purpose in PURPOSES.items():
        shown = name.replace("_", "-")
        app.command(shown, help=f"Run the service that {purpose}.", rich_help_panel=PANEL)(_command(name))
        if shown != name:
            app.command(name, hidden=True)(_command(name))


def _command(role: str) -> Callable[..., None]:
    def command(
        exchange: ExchangeAt = None,
        admin: AdminAt = None,
        live: Live = False,
        confirm: Confirm = None,
        examined: Examined = False,
        symbols: options.Symbols = None,
        timeframe: options.Timeframe = None,
        strategies: options.Strategies = None,
        capital: options.Capital = None,
        health_port: HealthPort = None,
        instance: Instance = None,
        realtime: Realtime = False,
        log: options.Log = None,
        config: options.ConfigFile = None,
        assignments: options.Set = None,
    ) -> None:
        loaded = options.load_settings(
            config,
            assignments,
            exchange=exchange,
            admin=admin,
            symbols=symbols,
            timeframe=timeframe,
            strategies=strategies,
            capital=capital,
            log=log,
        )
        real = real_orders(loaded.settings, live=live, confirm=confirm, examined=examined)
        from roottrading.cli.service_running import run_service
        from roottrading.operations.precedence import PrecedenceRefused, keep_cores_awake, take_precedence

        if realtime:
            try:
                take_precedence()
            except PrecedenceRefused as error:
                raise CommandError(str(error)) from None
            keep_cores_awake()
        run_service(role, loaded.settings, health_port, instance or role, real)

    return command


def check_settings(settings: "Settings") -> None:
    """Raise CommandError for settings that a service cannot have."""
    run = settings.run
    if run.exchange is None:
        raise CommandError("a service needs --exchange: the address of an exchange server, or binance")
    if not run.symbols:
        raise CommandError("a service needs --symbols: there is no tape to take them from")
