from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roottrading.exchange_server.keys import PublicKey
from roottrading.exchange_server.opening_accounts import AccountError, read_accounts, read_accounts_file, with_readers


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


def test_accounts_come_from_a_file_too(tmp_path: Path) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    path = tmp_path / "accounts.toml"
    path.write_text(
        """
        [[account]]
        key = "one"
        secret = "a:b@c"
        balances = { USDT = "10000.50", BTC = "0.1" }
        readers = { sees = "x", looks = "y:z" }
        [[account]]
        key = "two"
        public_key = "public.pem"
        """
    )
    one, two = read_accounts_file(path)
    assert (one.key, one.balances) == ("one", {"USDT": Decimal("10000.50"), "BTC": Decimal("0.1")})
    assert isinstance(two.verifier, PublicKey)
    assert (list(one.readers), list(two.readers)) == (["sees", "looks"], [])


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        ("a:sees", "reader number 1 is not OWNER:KEY:SECRET"),
        ("b:sees:sesame", "reader 'sees': no account has the key 'b'"),
        ("a:a:sesame", "the key 'a' is given twice"),
    ],
)
def test_a_reader_is_somebody_s(reader: str, words: str) -> None:
    with pytest.raises(AccountError, match=words) as refused:
        with_readers(read_accounts(["a:x"], []), [reader])
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[account]", "no TOML"),
        ("", "missing required field `account`"),
        ('[[account]]\nkey = "a"', "number 1 needs a key, and a secret or a public_key"),
        ('[[account]]\nkey = "a:b"\nsecret = "sesame"', "number 1 needs a key"),
        ('[[account]]\nkey = "a"\nsecret = "sesame"\npublic_key = "x"', "number 1 needs a key"),
        ('[[account]]\nkey = "a"\nsecret = "@sesame"', "the secret of number 1 begins with @"),
        ('[[account]]\nkey = "a"\nsecret = "sesame"\nname = "x"', "unknown field `name`"),
        ('[[account]]\nkey = "a"\nsecret = "sesame"\nbalances = { USDT = "x" }', "a number of 0 or more"),
        ('[[account]]\nkey = "a"\npublic_key = "nowhere.pem"', "nowhere.pem: No such file"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_too(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text(text)
    with pytest.raises(AccountError) as refused:
        read_accounts_file(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert "sesame" not in str(refused.value)


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
