from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roottrading.exchange_server.opening_accounts import AccountError, read_accounts


def test_balances_are_everybody_s_unless_they_name_an_account() -> None:
    one, other = read_accounts(["a:x:y", "b:z"], ["USDT=10000", "b:USDT=5", "a:BTC=0.5"])
    assert (one.key, one.balances) == ("a", {"USDT": Decimal(10_000), "BTC": Decimal("0.5")})
    assert (other.key, other.balances) == ("b", {"USDT": Decimal(5)})
    assert one.verifier.verify(b"payload", "99" * 32) is False


def test_a_public_key_comes_from_a_file(tmp_path: Path) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    path = tmp_path / "public.pem"
    path.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    import base64

    (opening,) = read_accounts([f"k:@{path}"], [])
    assert opening.verifier.verify(b"payload", base64.b64encode(private.sign(b"payload")).decode())
    path.write_text("nonsense")
    with pytest.raises(AccountError, match="not an Ed25519 or RSA public key"):
        read_accounts([f"k:@{path}"], [])


@pytest.mark.parametrize(
    ("accounts", "balances", "words"),
    [
        (["sesame"], [], "account number 1 is not KEY:SECRET"),
        (["a:"], [], "account number 1 is not KEY:SECRET"),
        ([":s"], [], "account number 1 is not KEY:SECRET"),
        (["a:s", "a:t"], [], "the key 'a' is given twice"),
        (["a:@/no/such/file"], [], "public key /no/such/file: No such file"),
        (["a:s"], ["USDT"], "write ASSET=AMOUNT"),
        (["a:s"], ["usdt=5"], "write ASSET=AMOUNT"),
        (["a:s"], ["b:USDT=5"], "no account has the key 'b'"),
        (["a:s"], ["USDT=-5"], "a number of 0 or more"),
        (["a:s"], ["USDT=five"], "a number of 0 or more"),
        (["a:s"], ["USDT=NaN"], "a number of 0 or more"),
        (["a:s"], ["USDT=1e99"], "a number of 0 or more"),
        (["a:s"], ["USDT=0.000000001"], "at most 8 decimals"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_with_it(accounts: list[str], balances: list[str], words: str) -> None:
    with pytest.raises(AccountError, match=words) as refused:
        read_accounts(accounts, balances)
    assert "sesame" not in str(refused.value)
