"""For which exchange and account a deployment was confirmed: what `--live` compares before real orders (7.2).

It stands with the database's identity, and is written once, when a person has confirmed it. A database of simulated
money has none, so that neither can go on with what the other began.
"""

from collections.abc import Mapping
from typing import Final

from roottrading.adapters.store.port import StoreError
from roottrading.cli.errors import CommandError
from roottrading.config.settings import SIMULATED, Settings

DEPLOYMENT: Final = "deployment"
EXCHANGE: Final = "exchange"
ACCOUNT: Final = "account"  # the exchange's number of it


class NotConfirmed(StoreError):
    """Nobody has confirmed real orders in this database yet: whoever waits for that tries again."""


def owner(settings: Settings, named: str) -> dict[str, str]:
    """Return what a database of this deployment says of it, but for the account."""
    account = settings.account
    return {DEPLOYMENT: account.deployment, "quote_asset": account.quote_asset, EXCHANGE: named.rstrip("/")}


def name_of(settings: Settings, found: Mapping[str, str]) -> str | None:
    """Return the deployment's name: that of the settings, else that of the database; None where it has none yet."""
    given = settings.account.deployment
    return given if given != SIMULATED else found.get(DEPLOYMENT)


def check_real(found: Mapping[str, str], where: str) -> None:
    """Raise CommandError for a database in which simulated money was begun with."""
    if found and EXCHANGE not in found:
        raise CommandError(
            f"{where} is of simulated money (deployment {found.get(DEPLOYMENT)}): give real orders a database of their "
            "own"
        )


def check_simulated(found: Mapping[str, str], where: str) -> None:
    """Raise CommandError for a database of real orders where simulated money is to be traded with."""
    if EXCHANGE in found:
        raise CommandError(
            f"{where} has the books of real orders (deployment {found.get(DEPLOYMENT)} on {found[EXCHANGE]}): name "
            "another database, or add --live"
        )


def check_owner(found: Mapping[str, str], ours: Mapping[str, str], where: str) -> None:
    """Raise CommandError where a database that somebody owns is another's than ours."""
    check_real(found, where)
    others = [
        f"{name} is {found.get(name)} there and {value} here"
        for name, value in ours.items()
        if found.get(name) != value
    ]
    if others:
        raise CommandError(f"{where} belongs to another deployment: {'; '.join(others)}; nothing was sent")


def check_account(found: Mapping[str, str], number: str, where: str) -> None:
    """Raise CommandError where the key is of another account than the one that was confirmed."""
    if found[ACCOUNT] != number:
        raise CommandError(
            f"the key is of account {number}, and {where} has the books of account {found[ACCOUNT]}: name that one's "
            "key, or another database; nothing was sent"
        )
