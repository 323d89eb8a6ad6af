"""Signatures: HMAC, Ed25519 and RSA keys, and what exactly is signed on each of Binance's two doors.

No secret stands in a repr, a message or an error of this module.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import Final, Literal, Protocol
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

Params = Mapping[str, str | int | bool]
KeyKind = Literal["hmac", "ed25519", "rsa"]
_PEM: Final = "-----BEGIN"


class BadKey(ValueError):
    """A secret that is none: says what is wrong with it, never what it is."""


class Signer(Protocol):
    """What signs with one key; `kind` says which sort of key it is."""

    @property
    def kind(self) -> KeyKind:
        """The sort of key."""

    def sign(self, payload: bytes) -> str:
        """Return the signature as it is sent, before any percent-encoding."""


class HmacSigner:
    """Signs with a shared secret: HMAC-SHA256, in hexadecimal."""

    kind: KeyKind = "hmac"

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, payload: bytes) -> str:
        """Return the payload's HMAC in hexadecimal."""
        return hmac.new(self._secret, payload, hashlib.sha256).hexdigest()


class Ed25519Signer:
    """Signs with an Ed25519 key, in base64: the kind that Binance recommends, and that a session can log on with."""

    kind: KeyKind = "ed25519"

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        """Return the signature in base64."""
        return b64encode(self._key.sign(payload)).decode()


class RsaSigner:
    """Signs with an RSA key: PKCS#1 v1.5 over SHA-256, in base64."""

    kind: KeyKind = "rsa"

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        """Return the signature in base64."""
        return b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode()


class Credentials:
    """An API key and what signs for it; printing it shows neither."""

    __slots__ = ("api_key", "signer")

    def __init__(self, api_key: str, signer: Signer) -> None:
        self.api_key = api_key
        self.signer = signer

    def __repr__(self) -> str:
        return f"Credentials({self.signer.kind} key, hidden)"


def credentials(api_key: str, secret: str, password: str | None = None) -> Credentials:
    """Return the credentials that an API key and its secret make: a PEM private key (PKCS#8), else an HMAC secret.

    Raises BadKey for an empty key, and for a PEM that is no Ed25519 or RSA key or needs another password.
    """
    if not api_key.strip() or not secret.strip():
        raise BadKey("the exchange's API key or its secret is empty: set both")
    if secret.lstrip().startswith(_PEM):
        return Credentials(api_key.strip(), _private_key(secret, password))
    return Credentials(api_key.strip(), HmacSigner(secret.strip()))


def _private_key(pem: str, password: str | None) -> Signer:
    try:
        key = load_pem_private_key(pem.strip().encode(), None if password is None else password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        reason = "it needs a password" if "ENCRYPTED" in pem and password is None else "not readable"
        raise BadKey(f"the exchange's private key is no PEM private key in PKCS#8 ({reason})") from None
    if isinstance(key, Ed25519PrivateKey):
        return Ed25519Signer(key)
    if isinstance(key, RSAPrivateKey):
        return RsaSigner(key)
    raise BadKey(f"the exchange takes Ed25519 and RSA keys; this private key is another ({type(key).__name__})")


def text_of(value: str | int | bool) -> str:
    """Return a parameter's value as text: booleans as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def query_string(params: Params) -> str:
    """Return parameters as a REST query, percent-encoded in UTF-8: that is what is signed, and what is sent."""
    return "&".join(f"{name}={quote(text_of(value), safe='')}" for name, value in params.items())


def signed_query(params: Params, signer: Signer) -> str:
    """Return the query with its signature at the end (base64 is percent-encoded on the wire)."""
    query = query_string(params)
    return f"{query}&signature={quote(signer.sign(query.encode()), safe='')}"


def socket_payload(params: Params) -> bytes:
    """Return what is signed on the WebSocket API: all parameters by name, in UTF-8 and not percent-encoded."""
    return "&".join(f"{name}={text_of(params[name])}" for name in sorted(params)).encode()


def signed_params(params: Params, credentials: Credentials) -> dict[str, str | int | bool]:
    """Return the parameters of a WebSocket API request with API key and signature."""
    named = {**params, "apiKey": credentials.api_key}
    return {**named, "signature": credentials.signer.sign(socket_payload(named))}
