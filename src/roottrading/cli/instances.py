"""How many processes of each service there are to be."""

from collections.abc import Mapping
from typing import Final

from roottrading.cli.errors import CommandError
from roottrading.pipeline import ROLES

STEPPED: Final = "stepped"
MOST: Final = 48  # more than there are shards would have nothing to do


def instances_of(given: str | None, clock: str) -> Mapping[str, int]:
    """Return the number of processes of each service; CommandError where the text is not SERVICE=N,..."""
    found = {role.name: 1 for role in ROLES}
    for part in (given or "").split(",") if given else ():
        name, _, number = part.strip().partition("=")
        service = name.replace("-", "_")
        if service not in found:
            raise CommandError(f"--instances {part}: there is no service {name!r}, only {', '.join(found)}")
        if not number.isdecimal() or not 1 <= int(number) <= MOST:
            raise CommandError(f"--instances {part}: write SERVICE=N, such as {service}=2 (at most {MOST})")
        found[service] = int(number)
    alone = [role.name for role in ROLES if role.sharding == "one active" and found[role.name] > 1]
    if alone and clock == STEPPED:
        raise CommandError(
            f"--instances: of {alone[0]} one serves and others stand by; a stepped clock would wait for them for ever"
        )
    return found


def names_of(service: str, count: int) -> tuple[str, ...]:
    """Return the names of a service's processes: its own, and with numbers where there are several."""
    return (service,) if count == 1 else tuple(f"{service}-{number}" for number in range(1, count + 1))
