"""Accounts as a person gives them, by flags or in a file: keys with secrets or public keys, and balances."""

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.time import Time
from roottrading.exchange_server.keys import HmacSecret, Verifier, read_public_key
from roottrading.exchange_server.server import ExchangeServer

FILE: Final = "@"
STEP: Final = Decimal("1E-8")
MOST: Final = Decimal(10) ** 15


class AccountError(ValueError):
    """An account cannot be opened as it was asked for."""


class Opening(Struct, frozen=True):
    """An account to open: it is called by its key; `readers` are more keys of it, which may only read."""

    key: str
    verifier: Verifier
    balances: Mapping[str, Decimal]
    readers: Mapping[str, Verifier] = {}


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


def with_readers(openings: Sequence[Opening], readers: Sequence[str]) -> list[Opening]:
    """Return the accounts with more keys that may only read: `OWNER:KEY:SECRET` or `OWNER:KEY:@FILE`.

    Raises AccountError naming what is wrong; never with a secret in its text.
    """
    found = {opening.key: opening for opening in openings}
    keys = set(found)
    for place, text in enumerate(readers, 1):
        owner, _, rest = text.partition(":")
        key, _, secret = rest.partition(":")
        if not owner or not key or not secret:
            raise AccountError(f"reader number {place} is not OWNER:KEY:SECRET, nor OWNER:KEY:@FILE with a public key")
        if owner not in found:
            raise AccountError(f"reader {key!r}: no account has the key {owner!r}")
        if key in keys:
            raise AccountError(f"the key {key!r} is given twice")
        keys.add(key)
        opening = found[owner]
        found[owner] = replace(opening, readers={**opening.readers, key: _verifier(secret)})
    return list(found.values())


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """An `[[account]]` of a file: the amounts are texts, so that they stay exact; `readers` are secrets by key."""

    key: str
    secret: str = ""
    public_key: str = ""
    balances: dict[str, str] = {}
    readers: dict[str, str] = {}


class _Entries(Struct, frozen=True, forbid_unknown_fields=True):
    account: list[_Entry]


def read_accounts_file(path: Path) -> list[Opening]:
    """Read `[[account]]` tables with `key`, `secret` or `public_key` (a file's path), and `balances`, from TOML.

    Raises AccountError naming file and fault; never with a secret in its text.
    """
    try:
        entries = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Entries).account
    except OSError as error:
        raise AccountError(f"accounts {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise AccountError(f"accounts {path}: no TOML") from None
    except msgspec.ValidationError as error:
        raise AccountError(f"accounts {path}: {error}") from None
    for place, entry in enumerate(entries, 1):
        if not entry.key or ":" in entry.key or bool(entry.secret) is bool(entry.public_key):
            raise AccountError(f"accounts {path}: number {place} needs a key, and a secret or a public_key")
        if entry.secret.startswith(FILE):
            raise AccountError(f"accounts {path}: the secret of number {place} begins with {FILE}: use public_key")
    given = [f"{each.key}:{each.secret or FILE + str(path.parent / each.public_key)}" for each in entries]
    balances = [f"{each.key}:{asset}={number}" for each in entries for asset, number in each.balances.items()]
    readers = [f"{each.key}:{key}:{secret}" for each in entries for key, secret in each.readers.items()]
    try:
        return with_readers(read_accounts(given, balances), readers)
    except AccountError as error:
        raise AccountError(f"accounts {path}: {error}") from None


def open_accounts(server: ExchangeServer, openings: Sequence[Opening], now: Time) -> None:
    """Open the accounts at the exchange."""
    for opening in openings:
        server.keys.add(opening.key, opening.verifier, opening.key)
        for key, verifier in opening.readers.items():
            server.keys.add(key, verifier, opening.key, trades=False)
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
