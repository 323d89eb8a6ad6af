"""What exchangeInfo says of symbols and limits."""

import gzip
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.instruments import instruments_of, take_limits
from roottrading.adapters.exchange.binance.strangers import Strangers
from roottrading.domain.time import DAY, MINUTE, SECOND
from tests.recorded import shared_data
from tests.unit.adapters.exchange.binance.scripted_link import instrument


def test_a_symbol_that_cannot_be_read_does_not_hide_the_others() -> None:
    strangers = Strangers()
    broken = {**instrument("ETHUSDT"), "filters": []}
    told = {"symbols": [broken, instrument(), instrument("LTCUSDT"), 5, {"symbol": 5}]}
    found = instruments_of(told, ["BTCUSDT", "ETHUSDT"], strangers)
    assert list(found) == ["BTCUSDT"]
    assert found["BTCUSDT"].step_size == Decimal("0.00001")
    assert strangers.counts == {("exchangeInfo", "ETHUSDT: lacks PRICE_FILTER"): 1}


@pytest.mark.parametrize("told", [None, [], {}, {"symbols": {}}, {"symbols": [None]}])
def test_what_is_no_answer_names_no_instruments(told: Any) -> None:
    assert instruments_of(told, ["BTCUSDT"], Strangers()) == {}
    take_limits(told, Budget())


def test_flags_that_are_absent_are_not_allowed() -> None:
    (found,) = instruments_of({"symbols": [instrument()]}, ["BTCUSDT"], Strangers()).values()
    flags = (found.oco_allowed, found.oto_allowed, found.opo_allowed, found.cancel_replace_allowed)
    assert flags == (False, False, False, False)
    assert found.self_trade_prevention == frozenset()


def test_limits_are_taken_and_nonsense_is_not() -> None:
    budget = Budget()
    limits: list[Any] = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": True, "limit": 1},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": "many"},
        {"rateLimitType": "ORDERS", "interval": "AEON", "intervalNum": 1, "limit": 1},
        None,
    ]
    take_limits({"rateLimits": limits}, budget)
    assert {(limit.kind, limit.span): limit.most for limit in budget.limits} == {
        ("REQUEST_WEIGHT", MINUTE): 1200,
        ("ORDERS", 10 * SECOND): 100,
        ("ORDERS", DAY): 160_000,
    }


@pytest.mark.shared_data
def test_the_recorded_answer() -> None:
    path = shared_data("messages", "rest", "exchangeInfo_2025-08-07_first25symbols.json.gz")
    told = msgspec.json.decode(gzip.decompress(path.read_bytes()))
    names = [entry["symbol"] for entry in told["symbols"]]
    strangers = Strangers()
    assert list(instruments_of(told, names, strangers)) == names
    assert not strangers.counts
