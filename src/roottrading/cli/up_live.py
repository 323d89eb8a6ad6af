"""`roottrading up --live`: real orders by seven services, after an examination and a person's confirmation."""

import asyncio
import os
from collections.abc import Mapping

from roottrading.adapters.exchange.binance.account_number import account_number
from roottrading.adapters.store.postgres.errors import shown
from roottrading.adapters.store.postgres.identity import identity_of
from roottrading.cli.errors import CommandError
from roottrading.cli.linked import key_of
from roottrading.cli.live_checks import ask, called, check_confirmed, made_name, streams_of
from roottrading.cli.live_options import RealOrders
from roottrading.cli.live_ownership import (
    ACCOUNT,
    check_account,
    check_owner,
    check_real,
    check_simulated,
    name_of,
    owner,
)
from roottrading.cli.places import places_of
from roottrading.cli.service_examining import check_prefix, examine, record
from roottrading.cli.service_target import ServiceTarget
from roottrading.config.secrets import POSTGRES_URL, own_key
from roottrading.config.settings import Settings


def check_kept(settings: Settings, local_servers: bool) -> None:
    """Raise CommandError for settings that real orders cannot have."""
    if not settings.run.symbols:
        raise CommandError("--live needs --symbols")
    if local_servers and settings.run.state is None:
        raise CommandError(
            "--live with --local-servers needs --state DIR: without its ledger nobody knows what was sent"
        )
    own_key(os.environ)  # before servers are started for nothing


def keep_apart(settings: Settings, environment: Mapping[str, str]) -> None:
    """Raise CommandError where simulated money is to be traded with in a database of real orders."""
    url = environment[POSTGRES_URL]
    check_simulated(asyncio.run(identity_of(url, settings.postgres)), shown(url))


def confirmed(settings: Settings, real: RealOrders, environment: Mapping[str, str]) -> Settings:
    """Return the settings with the deployment's name once everything holds; the database is that deployment's then.

    Raises CommandError for what was not confirmed or belongs to another, Unfit where the doctor finds a problem,
    PrefixTaken where another deployment of the name trades, LinkError and StoreError.
    """
    named, url = settings.run.exchange or "", environment[POSTGRES_URL]
    credentials = key_of(own_key(environment))
    places = places_of(settings, named)
    target = ServiceTarget(named, places, credentials, streams_of(settings, places, named))
    found = asyncio.run(identity_of(url, settings.postgres))
    check_real(found, shown(url))
    name = name_of(settings, found)
    settings = called(settings, name or made_name())
    ours = owner(settings, named)
    if found:
        check_owner(found, ours, shown(url))
    check_confirmed(real.confirmed, settings.account.deployment, name is None)

    async def look() -> str:
        await examine(settings, places, credentials, environment)
        rate = await target.rate()
        number = await account_number(places.rest, credentials, rate)
        if found:
            check_account(found, number, shown(url))
        await check_prefix(settings, places, credentials, url, rate)
        return number

    number = asyncio.run(look())
    if real.confirmed is None:
        ask(settings, places, {"database": shown(url)})
    asyncio.run(record(settings, url, {**ours, ACCOUNT: number}))
    return settings
