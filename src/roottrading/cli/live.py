"""`roottrading run --exchange ... --live`: real orders, after an examination and a person's confirmation."""

import asyncio
import os
from pathlib import Path
from typing import Final

from roottrading.adapters.exchange.binance.orders_by_prefix import orders_by_prefix
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.store.database import FILE
from roottrading.adapters.store.inspection import inspect_folder
from roottrading.cli.errors import CommandError
from roottrading.cli.linked import Target, key_of, trade
from roottrading.cli.live_checks import NAME, ask, called, check_confirmed, check_findings, made_name, streams_of
from roottrading.cli.places import is_here, places_of
from roottrading.config.secrets import own_key
from roottrading.config.settings import SIMULATED, Settings
from roottrading.operations.doctor.examining import examine_machine
from roottrading.operations.doctor.exchange import examine_exchange
from roottrading.operations.doctor.finding import problems
from roottrading.runtimes.linked.one_deployment import LEDGER, Known, known_of, refuse, strangers
from roottrading.runtimes.linked.pace import pace_of

NAME_FILE: Final = "deployment"  # in the state folder: what the deployment was called when it was made


def run_live(settings: Settings, named: str, confirmed: str | None) -> None:
    """Trade with real orders on `binance` or the exchange at an address, once everything holds.

    `confirmed` is the deployment's name where it was given beforehand; else it is asked for on the terminal. Raises
    CommandError for what was left out or not confirmed, SecretError without a key, Unfit where the doctor finds a
    problem, PrefixTaken where another deployment of the name trades.
    """
    folder = _state_folder(settings)
    credentials = key_of(own_key(os.environ))
    places = places_of(settings, named)
    name, is_new = _name_of(settings, folder)
    settings = called(settings, name)
    check_confirmed(confirmed, name, is_new)
    _examine(settings, folder, places, credentials)
    _check_prefix(settings, folder, places, credentials, named)
    if confirmed is None:
        ask(settings, places, {"state": str(settings.run.state)})
    if is_new:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME_FILE).write_text(f"{name}\n", encoding="utf-8")
    trade(settings, Target(named, places, credentials, streams_of(settings, places, named)))


def _state_folder(settings: Settings) -> Path:
    run = settings.run
    if run.state is None:
        raise CommandError("--live needs --state DIR: without its ledger nobody knows what was sent")
    if not run.symbols:
        raise CommandError("--live needs --symbols")
    return Path(run.state)


def _name_of(settings: Settings, folder: Path) -> tuple[str, bool]:
    """Return the deployment's name, and whether it was made just now: once, and then it stands with the state (7.2)."""
    given = settings.account.deployment
    if given != SIMULATED:
        return given, False
    try:
        kept = (folder / NAME_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return made_name(), True
    if NAME.fullmatch(kept) is None:
        raise CommandError(
            f"{folder / NAME_FILE} holds no name of a deployment: set account.deployment to the one it had"
        )
    return kept, False


def _examine(settings: Settings, folder: Path, places: Places, credentials: Credentials) -> None:
    account = settings.account
    found = examine_machine(folder, os.environ, exchange=True)
    if not problems(found):
        found += asyncio.run(examine_exchange(places, credentials, (account.quote_asset, account.capital)))
    check_findings(found)


def _check_prefix(settings: Settings, folder: Path, places: Places, credentials: Credentials, named: str) -> None:
    deployment = settings.account.deployment
    known = known_of(deployment, inspect_folder(folder, LEDGER).records) if (folder / FILE).exists() else Known()

    async def look() -> None:
        rate = await pace_of(places.rest) if is_here(named) else 1
        placed = await orders_by_prefix(places.rest, credentials, f"{deployment}-", settings.run.symbols, rate)
        refuse(strangers(placed, known), deployment, str(folder))

    asyncio.run(look())
