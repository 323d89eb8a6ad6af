"""Secrets are read, and never shown."""

from pathlib import Path

import pytest

from roottrading.config.load import load
from roottrading.config.secrets import (
    BUS_SECRET,
    BUS_SECRET_FILE,
    KAFKA_URL,
    KEY,
    KEY_FILE,
    PORTFOLIO_KEY,
    PORTFOLIO_SECRET,
    PORTFOLIO_SECRET_FILE,
    POSTGRES_URL,
    REDIS_URL,
    SECRET,
    SECRET_FILE,
    ExchangeKey,
    SecretError,
    bus_secrets,
    exchange_key,
    names_key,
    own_key,
    portfolio_key,
    withheld,
)
from roottrading.config.show import show


def test_they_come_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    assert exchange_key({KEY: "abc", SECRET: "hush"}) == ExchangeKey("abc", "hush")
    (tmp_path / "secret").write_text("hush\n")
    assert exchange_key({KEY: "abc", SECRET_FILE: str(tmp_path / "secret")}) == ExchangeKey("abc", "hush")


def test_without_any_it_is_the_account_of_our_own_exchange() -> None:
    assert exchange_key({}) == ExchangeKey("demo", "demo")


def test_they_are_no_settings_and_are_not_shown() -> None:
    loaded = load(environment={KEY: "abc", SECRET: "hush", "ROOTTRADING_RUN__SPEED": "60x"})
    assert loaded.settings.run.speed == "60x"
    shown = show(loaded.settings, loaded.origins)
    assert "hush" not in shown
    assert "hush" not in repr(exchange_key({SECRET: "hush"}))


def test_addresses_of_servers_are_no_settings_either() -> None:
    given = {name: f"{name.lower()}://hush@host:1" for name in (REDIS_URL, KAFKA_URL, POSTGRES_URL)}
    loaded = load(environment=given)
    assert "hush" not in show(loaded.settings, loaded.origins)


def test_a_file_that_cannot_be_read_and_two_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="cannot read"):
        exchange_key({SECRET_FILE: str(tmp_path / "nowhere")})
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError, match="no text"):
        exchange_key({SECRET_FILE: str(tmp_path / "secret")})
    with pytest.raises(SecretError, match="keep one") as refused:
        exchange_key({SECRET: "hush", SECRET_FILE: "x"})
    assert "hush" not in str(refused.value)


def test_the_key_may_stand_in_a_file_too(tmp_path: Path) -> None:
    for name in ("key", "secret"):
        (tmp_path / name).write_text(f"the {name}\n")
    files = {KEY_FILE: str(tmp_path / "key"), SECRET_FILE: str(tmp_path / "secret")}
    assert exchange_key(files) == own_key(files) == ExchangeKey("the key", "the secret")
    with pytest.raises(SecretError, match="keep one"):
        exchange_key({KEY: "abc", **files})


@pytest.mark.parametrize(
    ("environment", "lacking"), [({}, KEY), ({KEY: "abc"}, SECRET), ({SECRET: "hush"}, KEY), ({SECRET_FILE: "x"}, KEY)]
)
def test_a_key_of_ones_own_must_be_named_whole(environment: dict[str, str], lacking: str) -> None:
    assert names_key(environment) is bool(environment)
    with pytest.raises(SecretError, match=f"set {lacking}") as refused:
        own_key(environment)
    assert "hush" not in str(refused.value)


def test_the_secrets_of_the_messages_come_one_a_line_the_current_one_first(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    path.write_text("the-secret-of-today\nthe-secret-of-yesterday\n", encoding="utf-8")
    assert bus_secrets({BUS_SECRET_FILE: str(path)}) == ("the-secret-of-today", "the-secret-of-yesterday")
    assert bus_secrets({BUS_SECRET: "only-one-secret-here"}) == ("only-one-secret-here",)
    assert bus_secrets({}) == ()
    with pytest.raises(SecretError, match="are both set"):
        bus_secrets({BUS_SECRET: "a", BUS_SECRET_FILE: str(path)})
    loaded = load(environment={BUS_SECRET: "only-one-secret-here"})
    assert "only-one-secret-here" not in show(loaded.settings, loaded.origins)


def test_the_portfolio_may_have_a_key_of_its_own(tmp_path: Path) -> None:
    assert portfolio_key({KEY: "abc", SECRET: "hush"}) is None
    (tmp_path / "secret").write_text("quiet\n")
    given = {PORTFOLIO_KEY: "reads", PORTFOLIO_SECRET_FILE: str(tmp_path / "secret")}
    assert portfolio_key(given) == ExchangeKey("reads", "quiet")
    with pytest.raises(SecretError, match=r"has a key only: set ROOTTRADING_PORTFOLIO_SECRET, or .*_FILE"):
        portfolio_key({PORTFOLIO_KEY: "reads"})
    with pytest.raises(SecretError, match=r"has a secret only: set ROOTTRADING_PORTFOLIO_KEY, or .*_FILE") as refused:
        portfolio_key({PORTFOLIO_SECRET: "quiet"})
    assert "quiet" not in str(refused.value)
    loaded = load(environment={PORTFOLIO_KEY: "reads", PORTFOLIO_SECRET: "quiet"})
    assert "quiet" not in show(loaded.settings, loaded.origins)


def test_each_service_is_given_the_secrets_that_it_needs() -> None:
    trading, reading = {KEY: "a", SECRET: "b"}, {PORTFOLIO_KEY: "c", PORTFOLIO_SECRET: "d"}
    for keys, environment, left in (
        ("none", trading | reading, {}),
        ("trade", trading | reading, trading),
        ("read", trading | reading, reading),
        ("read", trading, trading),
    ):
        hidden = withheld(keys, environment)
        assert {name: text for name, text in environment.items() if name not in hidden} == left, keys
