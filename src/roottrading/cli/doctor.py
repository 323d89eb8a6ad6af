"""`roottrading doctor`: is everything there that a run needs? One line for each thing, and what to do about it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roottrading.cli import options
from roottrading.cli.errors import FAILED, CommandError

if TYPE_CHECKING:
    from roottrading.adapters.exchange.binance.signing import Credentials
    from roottrading.config.settings import Settings
    from roottrading.operations.doctor.finding import Finding

USUAL_PORT: Final = 8080  # of `roottrading exchange`

Exchange = Annotated[str | None, typer.Option("--exchange", metavar="URL|binance", help="Look at this exchange, too.")]
State = Annotated[str | None, typer.Option("--state", metavar="DIR", help="Look at this state folder, too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")]


def doctor(
    exchange: Exchange = None,
    state: State = None,
    as_json: AsJson = False,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Check machine, settings, secrets and exchange; ends with 1 where something keeps a run from beginning.

    The key is taken from the environment as `run --exchange` takes it; without one only what needs none is asked.
    """
    from roottrading.operations.doctor.finding import problems

    found = examine(exchange, state, config, assignments)
    _print(found, as_json)
    if problems(found):
        raise typer.Exit(FAILED)


def examine(
    exchange: str | None, state: str | None, config: Path | None, assignments: list[str] | None
) -> "list[Finding]":
    """Return all findings, those that keep others from being made among them."""
    from roottrading.config.load import ConfigError
    from roottrading.operations.doctor.examining import examine_machine, examine_settings
    from roottrading.operations.doctor.finding import problem, problems
    from roottrading.operations.doctor.machine import port

    try:
        loaded = options.load_settings(config, assignments, exchange=exchange, state=state)
    except (ConfigError, CommandError) as error:
        wrong = (
            examine_settings(error)
            if isinstance(error, ConfigError)
            else [problem("settings", str(error), "mend it, or do not name it")]
        )
        return [*examine_machine(None if state is None else Path(state), os.environ, False), *wrong]
    run = loaded.settings.run
    folder = None if run.state is None else Path(run.state)
    found = [*examine_machine(folder, os.environ, run.exchange is not None), *examine_settings(loaded)]
    found += _examine_servers(loaded.settings)
    if run.exchange is None:
        return [*found, port(USUAL_PORT)]
    if any(each.check == "packages" for each in problems(found)):
        return found  # what asks the exchange is not there
    return [*found, *_examine_exchange(loaded.settings, run.exchange)]


def _examine_servers(settings: "Settings") -> "list[Finding]":
    """Look at the three servers of services, as far as the environment names them."""
    from roottrading.config.secrets import ADDRESSES

    if not any(os.environ.get(name) for name in ADDRESSES):
        return []
    import asyncio

    from roottrading.operations.doctor.servers import examine_servers

    return asyncio.run(examine_servers(os.environ, settings.postgres))


def _examine_exchange(settings: "Settings", named: str) -> "list[Finding]":
    import asyncio

    from roottrading.cli.places import places_of
    from roottrading.operations.doctor.exchange import examine_exchange

    credentials, said = _key(named)
    reader, said_of_reader = _reader()
    capital = settings.account.quote_asset, settings.account.capital
    found = asyncio.run(examine_exchange(places_of(settings, named), credentials, capital, reader))
    return [*said, *said_of_reader, *found]


def _key(named: str) -> "tuple[Credentials | None, list[Finding]]":
    """Return the key, or what is wrong with it; without one an exchange can be looked at, too."""
    from roottrading.adapters.exchange.binance.signing import credentials
    from roottrading.cli.places import is_here
    from roottrading.config.secrets import KEY, SECRET_FILE, SecretError, exchange_key, names_key, own_key
    from roottrading.operations.doctor.finding import problem, warning

    if not names_key(os.environ) and not is_here(named):
        return None, [warning("key", "none is set", f"real orders need one: set {KEY} and {SECRET_FILE}")]
    try:
        known = exchange_key(os.environ) if is_here(named) else own_key(os.environ)
        return credentials(known.key, known.secret), []
    except (SecretError, ValueError) as error:
        return None, [problem("key", str(error), "no secret is shown here; check where it stands")]


def _reader() -> "tuple[Credentials | None, list[Finding]]":
    """Return the portfolio's own key where it has one, or what is wrong with it."""
    from roottrading.adapters.exchange.binance.signing import credentials
    from roottrading.config.secrets import SecretError, portfolio_key
    from roottrading.operations.doctor.finding import problem

    try:
        known = portfolio_key(os.environ)
        return (None if known is None else credentials(known.key, known.secret)), []
    except (SecretError, ValueError) as error:
        return None, [problem("portfolio key", str(error), "no secret is shown here; check where it stands")]


def _print(found: "Iterable[Finding]", as_json: bool) -> None:
    if as_json:
        import msgspec

        from roottrading.operations.doctor.finding import problems

        told = {"healthy": not problems(found), "findings": list(found)}
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
        return
    for each in found:
        typer.echo(str(each))
