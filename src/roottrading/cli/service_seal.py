"""With what a service signs its messages, and where it may go without."""

import logging
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from roottrading.adapters.bus.redis_wire import place_of
from roottrading.adapters.bus.signing import Seal
from roottrading.cli.errors import CommandError
from roottrading.config.secrets import BUS_SECRET, BUS_SECRET_FILE, SecretError, bus_secrets
from roottrading.config.settings import Settings
from roottrading.runtimes.distributed.granting import seal_of
from roottrading.runtimes.distributed.installation import Addresses
from roottrading.runtimes.distributed.sharding import ROLE

_LOG: Final = logging.getLogger("roottrading.service")
_FILE: Final = "bus-secret"


def seal_for(role: str, settings: Settings, addresses: Addresses, environment: Mapping[str, str]) -> Seal:
    """Return the seal of a service's messages.

    Raises CommandError where the secret cannot be had, and where there is none although Redis or Kafka is elsewhere.
    """
    try:
        found = bus_secrets(environment)
        seal = seal_of(ROLE[role], settings.account.deployment, found)
    except (SecretError, ValueError) as error:
        raise CommandError(str(error)) from None
    if found:
        return seal
    redis = place_of(addresses.redis)
    hosts = [host.rpartition(":")[0] for host in addresses.kafka.split(",")]
    away = [host for host in (*([] if redis.path else [redis.host]), *hosts) if not is_loopback(host)]
    if away:
        raise CommandError(
            f"messages over {away[0]} have to be signed: set {BUS_SECRET}, or {BUS_SECRET_FILE} to the path of a file "
            "that holds it, to the same for all services"
        )
    _LOG.warning("messages are not signed, which does for this machine alone: %s is not set", BUS_SECRET)
    return seal


def own_secret(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what services of servers in a folder of ours are told: a secret made once and kept there.

    Nothing where the environment names one.
    """
    if BUS_SECRET in environment or BUS_SECRET_FILE in environment:
        return {}
    path = folder / _FILE
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return {BUS_SECRET_FILE: str(path.absolute())}


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by its name or number."""
    name = host.strip("[]")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
