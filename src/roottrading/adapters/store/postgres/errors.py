"""PostgreSQL's errors in words a person can act on, and what they mean for what was under way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from roottrading.adapters.store.port import CommitUnknown, ControlWaiting, Fenced, StoreError, StoreFull, Unreachable

FENCED: Final = "RT001"  # raised by check_unit, in our own schema
WAITING: Final = "RT002"
_NO_ROOM: Final = frozenset({"53100", "53200"})
_MISSING: Final = frozenset({"42P01", "42703", "42883", "3F000"})
_GONE: Final = ("08", "57P")  # the connection, or the server: what was under way may have been done or not
LOST: Final = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError, EOFError)


def shown(url: str) -> str:
    """Return the address as it may be shown: never with its password, nor with what else stands in its options."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "postgresql://..."
    user, at, hosts = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{hosts}{parts.path}"


@contextmanager
def reaching(where: str) -> Iterator[None]:
    """Turn what fails before anything was asked for into Unreachable or StoreError."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if _is_gone(error) or error.sqlstate == "53300":  # too many connections
            raise Unreachable(f"{where} cannot be reached: {error}") from error
        raise StoreError(f"{where} does not let us in: {error}") from error
    except asyncpg.ClientConfigurationError as error:
        raise StoreError(f"{where}: the address is not a good one: {error}") from error
    except LOST as error:
        raise Unreachable(f"{where} cannot be reached: {_told(error)}") from error


@contextmanager
def asking(where: str) -> Iterator[None]:
    """Turn what fails where nothing is changed for good, or may be asked again: Unreachable or StoreError."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if _is_gone(error):
            raise Unreachable(f"{where} was lost: {error}") from error
        raise _refused(where, error) from error
    except LOST as error:
        raise Unreachable(f"{where} was lost: {_told(error)}") from error


@contextmanager
def committing(where: str) -> Iterator[None]:
    """Turn what fails under a commit: refused for sure, or of unknown outcome (CommitUnknown)."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if _is_gone(error):
            raise CommitUnknown(f"{where} was lost under a commit: {error}") from error
        raise _refused(where, error) from error
    except LOST as error:
        raise CommitUnknown(f"{where} was lost under a commit: {_told(error)}") from error


def _is_gone(error: asyncpg.PostgresError) -> bool:
    return (error.sqlstate or "").startswith(_GONE)


def _refused(where: str, error: asyncpg.PostgresError) -> StoreError:
    state = error.sqlstate or ""
    if state == FENCED:
        return Fenced(f"{where}: {error}")
    if state == WAITING:
        return ControlWaiting(f"{where}: {error}")
    if state in _NO_ROOM:
        return StoreFull(f"{where} has no room left ({error}): make some, nothing is lost")
    if state in _MISSING:
        return StoreError(f"{where}: the schema is not this version's ({error}): `roottrading db upgrade` makes it so")
    return StoreError(f"{where}: {error}")


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
