"""Messages go unsigned on this machine only."""

import stat
from pathlib import Path

import pytest

from roottrading.adapters.bus.signing import Signed, Unsigned
from roottrading.cli.errors import CommandError
from roottrading.cli.service_seal import is_loopback, own_secret, seal_for
from roottrading.config.secrets import BUS_SECRET, BUS_SECRET_FILE, bus_secrets
from roottrading.config.settings import Settings
from roottrading.runtimes.distributed.installation import Addresses

HERE = Addresses("redis://127.0.0.1:6379/0", "localhost:9092,127.0.0.1:9093", "postgresql://anywhere/db")


def test_without_a_secret_they_are_not_signed_on_this_machine() -> None:
    assert isinstance(seal_for("trader", Settings(), HERE, {}), Unsigned)


@pytest.mark.parametrize(
    "addresses",
    [
        Addresses("redis://redis.example:6379/0", HERE.kafka, HERE.postgres),
        Addresses(HERE.redis, "localhost:9092,10.0.0.7:9092", HERE.postgres),
    ],
)
def test_elsewhere_they_have_to_be_signed(addresses: Addresses) -> None:
    with pytest.raises(CommandError, match=r"messages over (redis\.example|10\.0\.0\.7) have to be signed"):
        seal_for("trader", Settings(), addresses, {})
    assert isinstance(seal_for("trader", Settings(), addresses, {BUS_SECRET: "a secret of ours alone"}), Signed)


def test_a_short_secret_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="shorter than 16"):
        seal_for("trader", Settings(), HERE, {BUS_SECRET: "short"})
    with pytest.raises(CommandError, match="cannot read"):
        seal_for("trader", Settings(), HERE, {BUS_SECRET_FILE: str(tmp_path / "none")})


def test_a_secret_of_our_own_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    told = own_secret(tmp_path, {})
    assert own_secret(tmp_path, {}) == told
    (secret,) = bus_secrets(told)
    assert len(secret) > 40
    assert stat.S_IMODE((tmp_path / "bus-secret").stat().st_mode) == 0o600
    assert own_secret(tmp_path, {BUS_SECRET: secret}) == {}


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("[::1]", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, here: bool) -> None:
    assert is_loopback(host) == here
