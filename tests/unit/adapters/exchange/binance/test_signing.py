"""Signatures against published vectors and against independent checks."""

import hashlib
from base64 import b64decode
from urllib.parse import parse_qsl, unquote

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.signing import (
    BadKey,
    Credentials,
    HmacSigner,
    Params,
    credentials,
    query_string,
    signed_params,
    signed_query,
    socket_payload,
)

# Published in the exchange's documentation of request security.
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def order(symbol: str) -> Params:
    return {
        "symbol": symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "0.1",
        "recvWindow": 5000,
        "timestamp": 1499827319559,
    }


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        ("１２３４５６", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
    ],
)
def test_rest_queries_are_signed_as_published(symbol: str, signature: str) -> None:
    assert signed_query(order(symbol), HmacSigner(SECRET)).endswith(f"&signature={signature}")


@pytest.mark.parametrize(
    ("params", "signature"),
    [
        (
            {
                "symbol": "BTCUSDT",
                "side": "SELL",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "0.01000000",
                "price": "52000.00",
                "recvWindow": 100,
                "timestamp": 1645423376532,
            },
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            {
                "symbol": "１２３４５６",
                "side": "BUY",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "1.00000000",
                "price": "0.10000000",
                "recvWindow": 5000,
                "timestamp": 1645423376532,
            },
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
    ],
)
def test_socket_requests_are_signed_as_published(params: Params, signature: str) -> None:
    signed = signed_params(params, credentials(KEY, SECRET))
    assert signed == {**params, "apiKey": KEY, "signature": signature}


def test_booleans_are_signed_as_json_writes_them() -> None:
    assert socket_payload({"b": False, "a": True, "c": 1}) == b"a=true&b=false&c=1"
    assert query_string({"omitZeroBalances": False}) == "omitZeroBalances=false"


@given(st.dictionaries(st.sampled_from(["symbol", "a", "b"]), st.text(max_size=20), min_size=1))
def test_a_query_is_read_back_as_it_was(params: dict[str, str]) -> None:
    try:
        query = query_string(params)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    assert query.isascii()
    assert dict(parse_qsl(query, keep_blank_values=True)) == params


def pem(key: object, password: bytes | None = None) -> str:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()  # type: ignore[attr-defined, no-any-return]


# RFC 8032, 7.1, test 2: the key's seed, a message of one byte, and its signature.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_ed25519_signs_as_the_standard_says() -> None:
    made = credentials("key", pem(Ed25519PrivateKey.from_private_bytes(SEED)))
    assert made.signer.kind == "ed25519"
    assert b64decode(made.signer.sign(b"\x72")).hex() == SIGNATURE


def test_rsa_signs_with_pkcs1_over_sha256() -> None:
    key = generate_rsa(65537, 2048)
    made = credentials("key", pem(key))
    query = signed_query({"symbol": "BTCUSDT", "timestamp": 1668481559918}, made.signer)
    payload, _, signature = query.rpartition("&signature=")
    assert not set("+/=") & set(signature)
    # RFC 8017, 9.2: the padded block that raising the signature to the public exponent must give
    numbers = key.public_key().public_numbers()
    block = pow(int.from_bytes(b64decode(unquote(signature)), "big"), numbers.e, numbers.n).to_bytes(256, "big")
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(payload.encode()).digest()
    assert block == b"\x00\x01" + b"\xff" * (256 - 3 - len(digest_info)) + b"\x00" + digest_info


def test_an_encrypted_key_needs_its_password() -> None:
    text = pem(Ed25519PrivateKey.from_private_bytes(SEED), b"open")
    assert credentials("key", text, "open").signer.kind == "ed25519"
    with pytest.raises(BadKey, match="needs a password"):
        credentials("key", text)


@pytest.mark.parametrize(
    ("api_key", "secret", "words"),
    [
        ("", "x", "empty"),
        ("x", " ", "empty"),
        ("x", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----", "PKCS#8"),
        ("x", pem(generate_private_key(SECP256R1())), "Ed25519 and RSA"),
    ],
)
def test_a_bad_key_is_refused_without_being_shown(api_key: str, secret: str, words: str) -> None:
    with pytest.raises(BadKey, match=words) as caught:
        credentials(api_key, secret)
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_nothing_shows_a_secret() -> None:
    made = credentials(KEY, SECRET)
    shown = f"{made!r} {made} {made.signer!r}"
    assert isinstance(made, Credentials)
    assert KEY not in shown
    assert SECRET not in shown
