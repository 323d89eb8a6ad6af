"""Secrets: from the environment, or from a file that it names; they are no settings and are never shown.

Nothing in here puts a secret into a message, an error or a repr.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

KEY: Final = "ROOTTRADING_EXCHANGE_KEY"
SECRET: Final = "ROOTTRADING_EXCHANGE_SECRET"
SECRET_FILE: Final = "ROOTTRADING_EXCHANGE_SECRET_FILE"
VARIABLES: Final = frozenset({KEY, SECRET, SECRET_FILE})
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
    """Return the account's key. Raises SecretError where two places name its secret, or its file cannot be read."""
    file = environment.get(SECRET_FILE)
    if file is None:
        return ExchangeKey(environment.get(KEY, DEMO), environment.get(SECRET, DEMO))
    if SECRET in environment:
        raise SecretError(f"{SECRET} and {SECRET_FILE} are both set: keep one of them")
    try:
        return ExchangeKey(environment.get(KEY, DEMO), Path(file).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SecretError(f"{SECRET_FILE}: cannot read {file}: {why}") from None
