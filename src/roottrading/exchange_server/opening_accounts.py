"""Accounts as a person gives them: KEY:SECRET, KEY:@FILE with a public key, and balances."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.exchange_server.keys import HmacSecret, Verifier, read_public_key
from roottrading.exchange_server.server import ExchangeServer

FILE: Final = "@"
STEP: Final = Decimal("1E-8")
MOST: Final = Decimal(10) ** 15


class AccountError(ValueError):
    """An account cannot be opened as it was asked for."""


class Opening(Struct, frozen=True):
    """An account to open: it is called by its key."""

    key: str
    verifier: Verifier
    balances: Mapping[str, Decimal]


def read_accounts(accounts: Sequence[str], balances: Sequence[str]) -> list[Opening]:
    """Read accounts `KEY:SECRET` or `KEY:@FILE`, and balances `ASSET=AMOUNT` (of all) or `KEY:ASSET=AMOUNT`.

    Raises AccountError naming what is wrong; never with a secret in its text.
    """
    given: dict[str, Verifier] = {}
    for place, text in enumerate(accounts, 1):
        key, found, secret = text.partition(":")
        if not found or not key or not secret:
            raise AccountError(f"account number {place} is not KEY:SECRET, nor KEY:@FILE with a public key")
        if key in given:
            raise AccountError(f"the key {key!r} is given twice")
        given[key] = _verifier(secret)
    held: dict[str, dict[str, Decimal]] = {key: {} for key in given}
    for text in balances:
        owner, found, rest = text.partition(":")
        asset, equals, number = (rest if found else text).partition("=")
        if found and owner not in given:
            raise AccountError(f"balance {text!r}: no account has the key {owner!r}")
        if not equals or not asset.isalnum() or asset != asset.upper():
            raise AccountError(f"balance {text!r}: write ASSET=AMOUNT, such as USDT=10000, or KEY:ASSET=AMOUNT")
        for key in [owner] if found else list(given):
            held[key][asset] = _amount(text, number)
    return [Opening(key, verifier, held[key]) for key, verifier in given.items()]


def open_accounts(server: ExchangeServer, openings: Sequence[Opening], now: Time) -> None:
    """Open the accounts at the exchange."""
    for opening in openings:
        server.keys.add(opening.key, opening.verifier, opening.key)
        server.venue.open_account(opening.key, opening.balances, now)


def _verifier(secret: str) -> Verifier:
    if not secret.startswith(FILE):
        return HmacSecret(secret)
    path = Path(secret.removeprefix(FILE))
    try:
        return read_public_key(path.read_bytes())
    except OSError as error:
        raise AccountError(f"public key {path}: {error.strerror or error}") from None
    except ValueError:
        raise AccountError(f"public key {path}: not an Ed25519 or RSA public key in PEM") from None


def _amount(text: str, number: str) -> Decimal:
    try:
        amount = Decimal(number)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount <= MOST and amount % STEP == 0):
        raise AccountError(f"balance {text!r}: the amount is a number of 0 or more with at most 8 decimals")
    return amount
