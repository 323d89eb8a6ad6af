import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.keys import HmacSecret, KeyRing, read_public_key

# the example of Binance's documentation
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PAYLOAD = (
    b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
)
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def test_the_published_hmac_example() -> None:
    secret = HmacSecret(SECRET)
    assert secret.verify(PAYLOAD, SIGNATURE)
    assert secret.verify(PAYLOAD, SIGNATURE.upper())
    assert not secret.verify(PAYLOAD + b"0", SIGNATURE)
    assert not secret.verify(PAYLOAD, "é")


def test_ed25519_and_rsa() -> None:
    one = ed25519.Ed25519PrivateKey.generate()
    public = read_public_key(one.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert public.verify(PAYLOAD, base64.b64encode(one.sign(PAYLOAD)).decode())
    assert not public.verify(PAYLOAD, base64.b64encode(one.sign(b"else")).decode())
    assert not public.verify(PAYLOAD, "no base64!")
    assert public.logs_on
    two = rsa.generate_private_key(65537, 2048)
    public = read_public_key(two.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    signed = two.sign(PAYLOAD, padding.PKCS1v15(), SHA256())
    assert public.verify(PAYLOAD, base64.b64encode(signed).decode())
    assert not public.verify(PAYLOAD[1:], base64.b64encode(signed).decode())
    assert not public.logs_on


def test_unknown_and_ill_formed_keys() -> None:
    ring = KeyRing()
    ring.add("known", HmacSecret("s"), "me")
    assert ring.account_of("known") == "me"
    for key, code in ((None, -2014), ("", -2014), ("with space", -2014), ("stranger", -2015)):
        with pytest.raises(ApiError) as refused:
            ring.account_of(key)
        assert refused.value.code == code
    with pytest.raises(ApiError) as refused:
        ring.check("known", b"payload", "00")
    assert refused.value.code == -1022
    with pytest.raises(ValueError, match="twice"):
        ring.add("known", HmacSecret("t"), "you")
