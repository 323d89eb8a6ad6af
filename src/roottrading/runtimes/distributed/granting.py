"""Who may say what to whom, by the map: the keys that a service is given for the messages, and no others."""

from collections.abc import Iterable, Sequence
from typing import Final

from roottrading.adapters.bus.signing import Grant, Seal, Signed, Unsigned, derive
from roottrading.pipeline import BRIDGES, ROLES, Channel, Role


def grants_of(channel: Channel) -> tuple[Grant, ...]:
    """Return who may speak on a channel; who carries messages over a bridge speaks for their authors only."""
    origins = [bridge.origin for bridge in BRIDGES if bridge.destination == channel]
    authors = frozenset(role.name for role in ROLES for origin in origins if origin in role.produces)
    speakers = (role.name for role in ROLES if channel in role.produces)
    return tuple(Grant(name, channel.name, authors or frozenset({name})) for name in speakers)


def grants(role: Role) -> tuple[Grant, ...]:
    """Return the grants whose keys a service needs: its own, and those of whomever it hears."""
    heard = {channel.name: channel for channel in (*role.consumes, *role.timed_by, *role.early)}
    found = [grant for channel in role.produces for grant in grants_of(channel) if grant.sender == role.name]
    found += [grant for channel in heard.values() for grant in grants_of(channel)]
    return tuple(dict.fromkeys(found))


def told_to(role: Role, symbols: Iterable[str]) -> set[tuple[str, str]]:
    """Return what is said of these symbols to a service over Kafka, by others than itself: (author, stream)."""
    found: set[tuple[str, str]] = set()
    symbols = tuple(symbols)
    for channel in (*role.consumes, *role.timed_by):
        if channel.carrier == "kafka" and channel.per == "symbol":
            (name,) = [bridge.origin.name for bridge in BRIDGES if bridge.destination == channel] or [channel.name]
            authors = {author for grant in grants_of(channel) for author in grant.authors} - {role.name}
            found.update((author, f"{name}/{symbol}") for author in authors for symbol in symbols)
    return found


def seal_of(role: Role, deployment: str, secrets: Sequence[str]) -> Seal:
    """Return how a service's messages are sealed: not at all without a secret. Raises ValueError for a short one."""
    return Signed(deployment, role.name, derive(secrets, deployment, grants(role))) if secrets else _OPEN


_OPEN: Final = Unsigned()
