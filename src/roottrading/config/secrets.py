"""Secrets: from the environment, or from a file that it names; they are no settings and are never shown.

Nothing in here puts a secret into a message, an error or a repr.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

KEY: Final = "ROOTTRADING_EXCHANGE_KEY"
KEY_FILE: Final = "ROOTTRADING_EXCHANGE_KEY_FILE"
SECRET: Final = "ROOTTRADING_EXCHANGE_SECRET"
SECRET_FILE: Final = "ROOTTRADING_EXCHANGE_SECRET_FILE"
PORTFOLIO_KEY: Final = "ROOTTRADING_PORTFOLIO_KEY"  # of the portfolio alone, which only reads
PORTFOLIO_KEY_FILE: Final = "ROOTTRADING_PORTFOLIO_KEY_FILE"
PORTFOLIO_SECRET: Final = "ROOTTRADING_PORTFOLIO_SECRET"
PORTFOLIO_SECRET_FILE: Final = "ROOTTRADING_PORTFOLIO_SECRET_FILE"
BUS_SECRET: Final = "ROOTTRADING_BUS_SECRET"
BUS_SECRET_FILE: Final = "ROOTTRADING_BUS_SECRET_FILE"
FILES: Final = frozenset({KEY_FILE, SECRET_FILE, PORTFOLIO_KEY_FILE, PORTFOLIO_SECRET_FILE, BUS_SECRET_FILE})
VARIABLES: Final = frozenset({KEY, SECRET, KEY_FILE, SECRET_FILE})
PORTFOLIO_VARIABLES: Final = frozenset({PORTFOLIO_KEY, PORTFOLIO_SECRET, PORTFOLIO_KEY_FILE, PORTFOLIO_SECRET_FILE})
# whole addresses of servers, which may hold passwords
REDIS_URL: Final = "ROOTTRADING_REDIS_URL"
KAFKA_URL: Final = "ROOTTRADING_KAFKA_URL"
POSTGRES_URL: Final = "ROOTTRADING_POSTGRES_URL"
POSTGRES_REPLICA_URL: Final = "ROOTTRADING_POSTGRES_REPLICA_URL"
ADDRESSES: Final = frozenset({REDIS_URL, KAFKA_URL, POSTGRES_URL, POSTGRES_REPLICA_URL})
NO_SETTINGS: Final = VARIABLES | PORTFOLIO_VARIABLES | ADDRESSES | {BUS_SECRET, BUS_SECRET_FILE}
DEMO: Final = "demo"  # key and secret of the account that our own exchange opens where none is named


class SecretError(Exception):
    """A secret cannot be had; the text says where it was looked for."""


class ExchangeKey(Struct, frozen=True):
    """An account's key, and the secret that signs for it."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return f"ExchangeKey({self.key!r}, ...)"


def exchange_key(environment: Mapping[str, str]) -> ExchangeKey:
    """Return the account's key, that of our own exchange's where none is named.

    Raises SecretError where two places name the same, or a file cannot be read.
    """
    key, secret = _named(environment, KEY, KEY_FILE), _named(environment, SECRET, SECRET_FILE)
    return ExchangeKey(DEMO if key is None else key, DEMO if secret is None else secret)


def portfolio_key(environment: Mapping[str, str]) -> ExchangeKey | None:
    """Return the portfolio's own key; None where it has none, and uses the account's.

    Raises SecretError where only half of it is named, two places name the same, or a file cannot be read.
    """
    key = _named(environment, PORTFOLIO_KEY, PORTFOLIO_KEY_FILE)
    secret = _named(environment, PORTFOLIO_SECRET, PORTFOLIO_SECRET_FILE)
    if key is None and secret is None:
        return None
    if key is None or secret is None:
        there, missing = ("secret", PORTFOLIO_KEY) if key is None else ("key", PORTFOLIO_SECRET)
        raise SecretError(f"the portfolio has a {there} only: set {missing}, or {missing}_FILE to the path of a file")
    return ExchangeKey(key, secret)


def withheld(keys: str, environment: Mapping[str, str]) -> frozenset[str]:
    """Return the variables that a service must not be given: `keys` is what it needs, none, read or trade."""
    own = any(name in environment for name in PORTFOLIO_VARIABLES)
    needed = VARIABLES if keys == "trade" or (keys == "read" and not own) else frozenset()
    return (VARIABLES | PORTFOLIO_VARIABLES) - needed - (PORTFOLIO_VARIABLES if keys == "read" else frozenset())


def own_key(environment: Mapping[str, str]) -> ExchangeKey:
    """Return the key of an account of one's own. Raises SecretError also where key or secret is not named."""
    for name, file in ((KEY, KEY_FILE), (SECRET, SECRET_FILE)):
        if name not in environment and file not in environment:
            raise SecretError(f"no key for the exchange: set {name}, or {file} to the path of a file that holds it")
    return exchange_key(environment)


def names_key(environment: Mapping[str, str]) -> bool:
    """Say whether anything of an account's key is named."""
    return any(name in environment for name in VARIABLES)


def bus_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets that messages are signed with, one a line: the first signs, the others are retired.

    None where none is named. Raises SecretError where two places name some, or a file cannot be read.
    """
    lines = (_named(environment, BUS_SECRET, BUS_SECRET_FILE) or "").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def postgres_url(environment: Mapping[str, str], setting: str | None) -> str:
    """Return the database's address: the environment's, which may hold a password, else the setting's.

    Raises SecretError where neither names one.
    """
    found = environment.get(POSTGRES_URL) or setting
    if found is None:
        raise SecretError(f"no address of a database: set {POSTGRES_URL}, or postgres.url in the settings")
    return found


def postgres_replica_url(environment: Mapping[str, str], setting: str | None) -> str | None:
    """Return the address of the copy to read from, None where there is none."""
    return environment.get(POSTGRES_REPLICA_URL) or setting


def _named(environment: Mapping[str, str], name: str, file_name: str) -> str | None:
    """Return what the variable holds, or the file that another names."""
    file = environment.get(file_name)
    if file is None:
        return environment.get(name)
    if name in environment:
        raise SecretError(f"{name} and {file_name} are both set: keep one of them")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SecretError(f"{file_name}: cannot read {file}: {why}") from None
