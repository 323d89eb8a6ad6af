"""Which wishes of a person are refused before anybody acts on them, and with what words."""

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.adapters.bus.redis_state import StrategyConfigured
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.cli.service_configuration import ServiceConfiguration
from roottrading.cli.service_running import acting_cast
from roottrading.config.settings import RunSettings, Settings, StrategySettings
from roottrading.runtimes.distributed.configuring.adopting import Refused
from roottrading.runtimes.distributed.configuring.configuration import Configuration, wished
from roottrading.strategies import catalog

SETTINGS = Settings(
    run=RunSettings(symbols=("LTCUSDT",), timeframe="5m", strategies=("sma_cross",), strategy_folder=None),
    strategies={"ema_cross": StrategySettings(timeframe="1m")},
)
WISH = wished(SETTINGS, ["sma_cross"], catalog.load().strategies)
NOWHERE = Places("http://127.0.0.1:9", "ws://127.0.0.1:9", "ws://127.0.0.1:9")


def judged(name: str, given: StrategyConfigured, wish: Configuration = WISH) -> str:
    """Return why a strategy is refused, nothing where it is not."""
    cast = acting_cast(SETTINGS)
    asked = replace(wish, strategies={**wish.strategies, name: given})
    try:
        asyncio.run(
            ServiceConfiguration("dispatcher", SETTINGS, cast, acting_cast)._judge(wish, asked, cast, NOWHERE, 1)
        )
    except Refused as error:
        return str(error)
    return ""


def test_what_can_be_is_not_refused() -> None:
    assert judged("sma_cross", StrategyConfigured(True, {"fast": 7, "slow": "30"}, Decimal("1.5"))) == ""
    assert judged("rsi_reversion", StrategyConfigured(True, {}, Decimal(0))) == ""


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("sma_crss", StrategyConfigured(True, {}, Decimal(1)), "there is no strategy 'sma_crss'"),
        ("sma_cross", StrategyConfigured(True, {"fats": 7}, Decimal(1)), "no parameter 'fats'"),
        ("sma_cross", StrategyConfigured(True, {"fast": "seven"}, Decimal(1)), "fast is 'seven'"),
        ("sma_cross", StrategyConfigured(True, {}, Decimal(101)), "its weight is 101"),
        ("sma_cross", StrategyConfigured(True, {}, Decimal(-1)), "its weight is -1"),
        ("sma_cross", StrategyConfigured(False, {}, Decimal(1)), "no strategy is enabled"),
        ("ema_cross", StrategyConfigured(True, {}, Decimal(1)), "the fastest timeframe would be 1m instead of 5m"),
        ("rsi_reversion", StrategyConfigured(False, {"oops": 1}, Decimal(1)), "no parameter 'oops'"),
    ],
)
def test_what_cannot_be_is_named(name: str, given: StrategyConfigured, why: str) -> None:
    assert why in judged(name, given)


def test_a_symbol_that_nobody_can_be_asked_about_is_refused() -> None:
    cast = acting_cast(SETTINGS)
    asked = replace(WISH, traded=WISH.traded | {"XRPUSDT"})
    with pytest.raises(Refused, match="XRPUSDT: "):
        asyncio.run(
            ServiceConfiguration("dispatcher", SETTINGS, cast, acting_cast)._judge(WISH, asked, cast, NOWHERE, 1)
        )


def test_a_weight_that_is_no_number_is_refused() -> None:
    assert "its weight is NaN" in judged("sma_cross", StrategyConfigured(True, {}, Decimal("NaN")))
