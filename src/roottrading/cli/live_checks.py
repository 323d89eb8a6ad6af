"""What stands before real orders whoever sends them: a name that is confirmed, and a doctor without problems."""

import re
import secrets
import string
import sys
from collections.abc import Iterable, Mapping
from typing import Final

import typer
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.cli.errors import CommandError
from roottrading.cli.places import BINANCE
from roottrading.config.settings import Settings
from roottrading.operations.doctor.finding import Finding, problems

NAME: Final = re.compile(r"[a-z0-9]{1,8}")
_ALPHABET: Final = string.ascii_lowercase + string.digits
_LENGTH: Final = 6


class Unfit(Exception):
    """The doctor found a problem: nothing is traded before it is mended."""


def made_name() -> str:
    """Return a name for a deployment that has none."""
    letter = secrets.choice(string.ascii_lowercase)
    return letter + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))


def check_confirmed(confirmed: str | None, name: str, is_new: bool) -> None:
    """Raise CommandError where the name was not confirmed, and nobody can be asked for it."""
    if confirmed == name and not is_new:
        return
    how = f"--set account.deployment={name} --confirm {name}" if is_new else f"--confirm {name}"
    if confirmed is None:
        if not sys.stdin.isatty():
            raise CommandError(f"nobody can confirm here: add {how} to trade with real orders")
    elif is_new:
        raise CommandError(
            f"--confirm {confirmed}: this deployment has no name yet; choose one, 1 to 8 small letters or digits: {how}"
        )
    else:
        raise CommandError(f"--confirm {confirmed}: this deployment is called {name}; nothing was sent")


def check_findings(found: Iterable[Finding]) -> None:
    """Print what the doctor found. Raises Unfit where there is a problem."""
    found = list(found)
    for each in found:
        typer.echo(str(each), err=True)
    if wrong := problems(found):
        named = "; ".join(f"{each.check}: {each.text} - {each.advice}" for each in wrong)
        raise Unfit(f"nothing is traded before this is mended: {named}")


def ask(settings: Settings, places: Places, kept: Mapping[str, str]) -> None:
    """Show what is about to happen, and wait until the deployment's name is typed; nothing else begins it.

    `kept` is where its state is, by what that is called.
    """
    account = settings.account
    lines = {
        "exchange": places.rest,
        "symbols": ", ".join(settings.run.symbols),
        "capital": f"{account.capital} {account.quote_asset}",
        **kept,
        "deployment": account.deployment,
    }
    typer.echo("Real orders, real money:")
    for name, text in lines.items():
        typer.echo(f"  {name:<10}  {text}")
    typed = str(typer.prompt("Type the deployment's name to begin", default="", show_default=False))
    if typed.strip() != account.deployment:
        raise CommandError("not confirmed: nothing was sent")


def called(settings: Settings, name: str) -> Settings:
    """Return the settings with this name of the deployment."""
    return replace(settings, account=replace(settings.account, deployment=name))


def streams_of(settings: Settings, places: Places, named: str) -> StreamSettings | None:
    """Return how Binance's market is listened to; None for a server of ours, whose pace says it."""
    return replace(settings.binance.streams, url=places.streams) if named == BINANCE else None
