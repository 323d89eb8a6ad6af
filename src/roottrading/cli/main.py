"""The `roottrading` command: its groups, and what becomes of errors.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted. What can go wrong is said in one line
(a configuration in one line each); `--debug`, anywhere on the line, shows the traceback.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from roottrading import __version__
from roottrading.cli import (
    account,
    bench,
    config,
    control,
    data,
    database,
    kafka_topics,
    quarantine,
    redis_keys,
    research,
    service,
    strategies,
)
from roottrading.cli.backtest import backtest
from roottrading.cli.doctor import doctor
from roottrading.cli.errors import exit_code, explain
from roottrading.cli.exchange import exchange
from roottrading.cli.run import run
from roottrading.cli.up import up

app = typer.Typer(
    help="Automated trading on Binance spot: recorded markets at any speed, with simulated money.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run)
app.command()(backtest)
app.command()(exchange)
app.command()(doctor)
app.command()(up)
app.add_typer(strategies.app, name="strategies")
app.add_typer(research.app, name="research")
app.add_typer(data.app, name="data")
app.add_typer(control.app, name="control")
app.add_typer(account.capital_app, name="capital")
app.command()(account.adopt)
app.add_typer(config.app, name="config")
app.add_typer(database.app, name="db")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(redis_keys.app, name="redis")
app.add_typer(kafka_topics.app, name="kafka")
app.add_typer(bench.app, name="bench")
service.add_to(app)

DEBUG = "--debug"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"roottrading {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error.")] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; `arguments` are those of the process where none are given."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG in given
    try:
        app([argument for argument in given if argument != DEBUG], prog_name="roottrading")
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        for line in explain(error):
            print(line, file=sys.stderr)
        sys.exit(exit_code(error))
