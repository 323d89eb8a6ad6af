"""Which exchange a service trades on: a server on this machine, or with real orders what was confirmed for them."""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from roottrading.adapters.exchange.binance.account_number import account_number
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.store.postgres.errors import shown
from roottrading.adapters.store.postgres.identity import identity_of
from roottrading.cli.errors import CommandError
from roottrading.cli.linked import key_of
from roottrading.cli.live_checks import NAME, called, check_confirmed, streams_of
from roottrading.cli.live_options import RealOrders
from roottrading.cli.live_ownership import ACCOUNT, NotConfirmed, check_account, check_owner, owner
from roottrading.cli.places import is_here, places_of
from roottrading.cli.service_examining import check_prefix, examine, record
from roottrading.config.secrets import (
    PORTFOLIO_KEY,
    PORTFOLIO_SECRET,
    POSTGRES_URL,
    exchange_key,
    own_key,
    portfolio_key,
)
from roottrading.config.settings import SIMULATED, Settings
from roottrading.pipeline import Role
from roottrading.runtimes.linked.pace import pace_of

_LOG: Final = logging.getLogger("roottrading.service")


class Gate:
    """Stands before real orders: they are confirmed once for an exchange and an account, and compared ever after.

    The trader examines and confirms where nobody has yet; all others wait for it. What is under its name at the
    exchange it looks at once in its life. All that is left to whoever started it where that has `examined` it.
    """

    def __init__(
        self, role: Role, settings: Settings, target: "ServiceTarget", environment: Mapping[str, str], examined: bool
    ) -> None:
        self._role = role
        self._settings = settings
        self._target = target
        self._environment = environment
        self._url = environment[POSTGRES_URL]
        self._examined = examined
        self._number: str | None = None  # of the account, once it was compared

    async def passed(self, rate: int) -> Mapping[str, str]:
        """Return whose the database is. Raises CommandError where it is another's or of simulated money.

        NotConfirmed where it is nobody's yet; the trader's raises Unfit and PrefixTaken, too. What is away is told by
        StoreError and LinkError.
        """
        settings, target, where = self._settings, self._target, shown(self._url)
        ours = owner(settings, target.named)
        found = await identity_of(self._url, settings.postgres)
        examines = self._role.keys == "trade" and not self._examined
        if found:
            check_owner(found, ours, where)
        elif not examines:
            raise NotConfirmed(f"nobody has confirmed real orders in {where} yet: the trader does, or `roottrading up`")
        if target.credentials is None:
            return {**ours, ACCOUNT: found[ACCOUNT]}
        if found and self._number is not None:
            return {**ours, ACCOUNT: self._number}
        places, credentials = target.places, target.credentials
        if not found:
            await examine(settings, places, credentials, self._environment)
        number = await account_number(places.rest, credentials, rate)
        if found:
            check_account(found, number, where)
        if examines:
            await check_prefix(settings, places, credentials, self._url, rate)
        identity = {**ours, ACCOUNT: number}
        if not found:
            await record(settings, self._url, identity)
        _LOG.info("real orders on %s as %s", target.named, settings.account.deployment)
        self._number = number
        return identity


class ServiceTarget(Struct, frozen=True):
    """An exchange by its name and where it is, the key for it, and how its market is listened to."""

    named: str
    places: Places
    credentials: Credentials | None
    streams: StreamSettings | None = None

    async def rate(self) -> int:
        """Return how many of the exchange's seconds pass in one of ours: only a server of ours goes faster."""
        return await pace_of(self.places.rest) if is_here(self.named) else 1


def target_of(role: Role, settings: Settings, real: RealOrders | None, environment: Mapping[str, str]) -> ServiceTarget:
    """Return what a service trades on. Raises CommandError for what needs real orders, SecretError without a key."""
    named = settings.run.exchange or ""
    if real is None and not is_here(named):
        raise CommandError(
            f"--exchange {named}: real orders need --live; without it name a server of `roottrading exchange` on this "
            "machine"
        )
    places = places_of(settings, named)
    credentials = _credentials(role, environment, real is not None)
    return ServiceTarget(named, places, credentials, None if real is None else streams_of(settings, places, named))


def named_by(settings: Settings, real: RealOrders) -> Settings:
    """Return the settings with the name that was confirmed: a service asks nobody for it.

    Raises CommandError where there is none, or another than the settings have.
    """
    given, confirmed = settings.account.deployment, real.confirmed
    if confirmed is None:
        raise CommandError("--live needs --confirm NAME, the deployment's name: a service asks nobody")
    if given != SIMULATED:
        check_confirmed(confirmed, given, False)
    elif confirmed == SIMULATED or NAME.fullmatch(confirmed) is None:
        raise CommandError(f"--confirm {confirmed}: this is no name of a deployment: 1 to 8 small letters or digits")
    return called(settings, confirmed)


def _credentials(role: Role, environment: Mapping[str, str], real: bool) -> Credentials | None:
    """Return the key of a service: who only looks may have one of his own, that can do nothing else."""
    if role.keys == "none":
        return None
    own = portfolio_key(environment) if role.keys == "read" else None
    if own is not None:
        return key_of(own, f"{PORTFOLIO_KEY}, {PORTFOLIO_SECRET}")
    return key_of(own_key(environment) if real else exchange_key(environment))
