"""API keys: whose they are, and whether a signature was made with one (HMAC, Ed25519 or RSA)."""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from roottrading.exchange_server.errors import ApiError

_FORM: Final = re.compile(r"[\x21-\x7e]{1,200}")


class Verifier(Protocol):
    """One kind of key."""

    def verify(self, payload: bytes, signature: str) -> bool:
        """Say whether the signature is the payload's."""


class HmacSecret:
    """A shared secret; signatures are hexadecimal, in letters of any size."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def verify(self, payload: bytes, signature: str) -> bool:
        """Say whether the signature is the payload's."""
        right = hmac.new(self._secret, payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(right.encode(), signature.lower().encode())


class PublicKey:
    """The public half of an Ed25519 or RSA key; signatures are base64."""

    def __init__(self, key: Ed25519PublicKey | RSAPublicKey) -> None:
        self._key = key

    @property
    def logs_on(self) -> bool:
        """Whether a WebSocket API session may be authenticated with it: Ed25519 only."""
        return isinstance(self._key, Ed25519PublicKey)

    def verify(self, payload: bytes, signature: str) -> bool:
        """Say whether the signature is the payload's."""
        try:
            given = base64.b64decode(signature, validate=True)
            if isinstance(self._key, RSAPublicKey):
                self._key.verify(given, payload, PKCS1v15(), SHA256())
            else:
                self._key.verify(given, payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def read_public_key(pem: bytes) -> PublicKey:
    """Return the key of a PEM text; ValueError where it holds none, or one of another kind."""
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey | RSAPublicKey):
        raise ValueError("not an Ed25519 or RSA public key in PEM")
    return PublicKey(key)


class KeyRing:
    """The keys that the exchange knows."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, Verifier]] = {}
        self._readers: set[str] = set()

    def add(self, key: str, verifier: Verifier, account: str, trades: bool = True) -> None:
        """Let `key` act for an account, or only read; ValueError where it stands already."""
        if key in self._keys:
            raise ValueError(f"the API key {key!r} is given twice: an account may have several keys, a key one account")
        self._keys[key] = (account, verifier)
        if not trades:
            self._readers.add(key)

    def may_trade(self, key: str | None) -> bool:
        """Say whether a key that is known may do more than read."""
        return key not in self._readers

    def account_of(self, key: str | None) -> str:
        """Return whose key it is; ApiError -2014 and -2015 where it is none."""
        return self._known(key)[0]

    def logs_on(self, key: str) -> bool:
        """Say whether a WebSocket API session may be authenticated with the key."""
        verifier = self._known(key)[1]
        return isinstance(verifier, PublicKey) and verifier.logs_on

    def check(self, key: str | None, payload: bytes, signature: str) -> str:
        """Return whose key signed the payload; ApiError -2014, -2015 and -1022 where nobody's did."""
        account, verifier = self._known(key)
        if not verifier.verify(payload, signature):
            raise ApiError(-1022, "Signature for this request is not valid.")
        return account

    def _known(self, key: str | None) -> tuple[str, Verifier]:
        if key is None or _FORM.fullmatch(key) is None:
            raise ApiError(-2014, "API-key format invalid.", 401)
        found = self._keys.get(key)
        if found is None:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return found
