"""What a service trades on, with which key, and under which name."""

import pytest
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.settings import Places
from roottrading.cli.errors import CommandError
from roottrading.cli.live_options import RealOrders, real_orders
from roottrading.cli.service_target import named_by, target_of
from roottrading.config.secrets import KEY, PORTFOLIO_KEY, PORTFOLIO_SECRET, SECRET, SecretError
from roottrading.config.settings import BinanceSettings, Settings
from roottrading.runtimes.distributed.sharding import ROLE

HERE = "http://127.0.0.1:8080"
REAL = RealOrders("alpha")
OWN = {KEY: "own", SECRET: "secret"}


def on(exchange: str | None, name: str = "sim", admin: str | None = None) -> Settings:
    settings = Settings(
        binance=BinanceSettings("https://rest.example/", "wss://socket.example/ws-api/v3", "wss://stream.example/")
    )
    run = replace(settings.run, exchange=exchange, admin=admin, symbols=("BTCUSDT",))
    return replace(settings, run=run, account=replace(settings.account, deployment=name))


@pytest.mark.parametrize("named", ["binance", "https://testnet.binance.vision", "http://192.0.2.1:8080"])
def test_elsewhere_only_with_real_orders(named: str) -> None:
    with pytest.raises(CommandError, match="real orders need --live"):
        target_of(ROLE["trader"], on(named), None, OWN)


def test_binance_is_where_the_settings_say_and_its_streams_are_as_they_say() -> None:
    target = target_of(ROLE["gateway"], on("binance"), REAL, {})
    assert target.places == Places("https://rest.example", "wss://socket.example/ws-api/v3", "wss://stream.example")
    assert target.streams is not None
    assert target.streams.url == "wss://stream.example"
    assert target.credentials is None
    assert target_of(ROLE["gateway"], on(HERE), REAL, {}).streams is None  # as its pace wants it


@pytest.mark.parametrize("role", [name for name, role in ROLE.items() if role.keys == "none"])
def test_who_needs_no_key_reads_none(role: str) -> None:
    assert target_of(ROLE[role], on("binance"), REAL, OWN).credentials is None


def test_real_orders_take_a_key_of_ones_own() -> None:
    trader, portfolio = ROLE["trader"], ROLE["portfolio"]
    for role in (trader, portfolio):
        with pytest.raises(SecretError, match="no key for the exchange"):
            target_of(role, on(HERE), REAL, {})
        simulated = target_of(role, on(HERE), None, {}).credentials
        assert simulated is not None
        assert simulated.api_key == "demo"
    reader = {PORTFOLIO_KEY: "looks", PORTFOLIO_SECRET: "secret"}
    keys = [target_of(role, on("binance"), REAL, {**OWN, **reader}).credentials for role in (trader, portfolio)]
    assert [key and key.api_key for key in keys] == ["own", "looks"]
    assert target_of(portfolio, on("binance"), REAL, reader).credentials is not None


def test_a_service_has_the_name_that_was_confirmed() -> None:
    assert named_by(on(HERE), REAL).account.deployment == "alpha"
    assert named_by(on(HERE, "alpha"), REAL).account.deployment == "alpha"
    with pytest.raises(CommandError, match="this deployment is called beta; nothing was sent"):
        named_by(on(HERE, "beta"), REAL)
    with pytest.raises(CommandError, match="--live needs --confirm NAME"):
        named_by(on(HERE, "alpha"), RealOrders(None))


@pytest.mark.parametrize("name", ["sim", "Alpha", "alpha-1", "a" * 9, "", "alpha\n"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(CommandError, match="no name of a deployment"):
        named_by(on(HERE), RealOrders(name))


def test_options_that_go_together() -> None:
    assert real_orders(on(HERE), live=False, confirm=None) is None
    assert real_orders(on(HERE), live=True, confirm="alpha", examined=True) == RealOrders("alpha", True)
    for settings, live, words in (
        (on(HERE), False, "--confirm is for --live"),
        (on(None), True, "--live needs --exchange"),
        (on(HERE, admin="http://127.0.0.1:8081"), True, "--live and --admin exclude each other"),
    ):
        with pytest.raises(CommandError, match=words):
            real_orders(settings, live=live, confirm="alpha")
