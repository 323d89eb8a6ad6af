"""`roottrading gateway`, `roottrading trader` and so on: one service as a process of its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roottrading.cli import options
from roottrading.cli.errors import CommandError
from roottrading.pipeline import ROLES

if TYPE_CHECKING:
    from roottrading.config.settings import Settings

ExchangeAt = Annotated[
    str | None, typer.Option("--exchange", metavar="URL", help="Trade on the exchange server at this address.")
]
AdminAt = Annotated[
    str | None, typer.Option("--admin", metavar="URL", help="Its admin door, where its clock is stepped.")
]
PANEL: Final = "Services"


def add_to(app: typer.Typer) -> None:
    """Add a command for each service."""
    for role in ROLES:
        shown = role.name.replace("_", "-")
        app.command(shown, help=f"Run the service that {role.purpose}.", rich_help_panel=PANEL)(_command(role.name))
        if shown != role.name:
            app.command(role.name, hidden=True)(_command(role.name))


def _command(role: str) -> Callable[..., None]:
    def command(
        exchange: ExchangeAt = None,
        admin: AdminAt = None,
        symbols: options.Symbols = None,
        timeframe: options.Timeframe = None,
        strategies: options.Strategies = None,
        capital: options.Capital = None,
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
        from roottrading.cli.service_running import run_service

        run_service(role, loaded.settings)

    return command


def check_settings(settings: "Settings") -> None:
    """Raise CommandError for settings that a service cannot have."""
    run = settings.run
    if run.exchange is None:
        raise CommandError("a service needs --exchange: the address of a server of `roottrading exchange`")
    if not run.symbols:
        raise CommandError("a service needs --symbols: there is no tape to take them from")
