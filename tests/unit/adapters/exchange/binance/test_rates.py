"""Fee rates of an account."""

from decimal import Decimal
from typing import Any

import pytest

from roottrading.adapters.exchange.binance.rates import rates_of, read_rates
from roottrading.adapters.exchange.binance.wire import Malformed
from roottrading.domain.fees import FeeSchedule

D = Decimal
# The example of the exchange's own page on commissions.
TOLD: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "standardCommission": {"maker": "0.00000010", "taker": "0.00000020", "buyer": "0.00000030", "seller": "0.00000040"},
    "specialCommission": {"maker": "0.01000000", "taker": "0.02000000", "buyer": "0.03000000", "seller": "0.04000000"},
    "taxCommission": {"maker": "0.00000112", "taker": "0.00000114", "buyer": "0.00000118", "seller": "0.00000116"},
    "discount": {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.25000000"},
}


def test_all_parts_are_added_up() -> None:
    rates = read_rates(TOLD)
    assert rates.rate("SELL", False, "USDT") == D("0.00000060") + D("0.00000230") + D("0.06")
    assert rates.rate("BUY", True, "BTC") == D("0.00000040") + D("0.00000230") + D("0.04")


@pytest.mark.parametrize("discount", ["0.25000000", "0.75000000"])
def test_only_the_standard_part_is_cheaper_in_bnb(discount: str) -> None:
    rates = read_rates({**TOLD, "discount": {**TOLD["discount"], "discount": discount}})
    assert rates.rate("SELL", False, "BNB") == D("0.00000060") * D("0.75") + D("0.00000230") + D("0.06")


def test_until_they_are_told_rates_are_those_of_the_settings() -> None:
    rates = rates_of(FeeSchedule(maker=D("0.0008"), taker=D("0.001"), bnb_factor=D("0.75")))
    assert rates.rate("BUY", True, "BTC") == D("0.0008")
    assert rates.rate("BUY", False, "BNB") == D("0.00075")


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"standardCommission": 1},
        {"standardCommission": {"maker": "NaN"}},
        {"standardCommission": {"maker": "-0.1"}},
        {"standardCommission": {"maker": "2"}},
        {"discount": {"discount": "1" * 100}},
    ],
)
def test_what_is_no_rate_is_refused(told: Any) -> None:
    with pytest.raises(Malformed, match="commission"):
        read_rates(told)
