"""What exchangeInfo says, read back, are the rules that the exchange enforces."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from roottrading.adapters.tape.shipped import shipped_instruments
from roottrading.domain.instrument import Instrument, PercentPrice
from roottrading.exchange_server.exchange_info import symbol_info
from roottrading.exchange_server.server import ExchangeServer
from roottrading.messages.exchange_info import parse_instruments
from tests.unit.exchange_server.serving import Client, with_client


def read_back(instrument: Instrument) -> Instrument:
    answer = json.loads(json.dumps({"symbols": [symbol_info(instrument, instrument.status)]}))
    found: Mapping[str, Instrument] = parse_instruments(answer, absent_is_allowed=False)
    return found[instrument.symbol]


SHIPPED = shipped_instruments()


@pytest.mark.parametrize("symbol", sorted(SHIPPED))
def test_recorded_rules_come_back(symbol: str) -> None:
    instrument = SHIPPED[symbol]
    known = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"})
    expected = replace(instrument, self_trade_prevention=instrument.self_trade_prevention & known)
    assert read_back(expected) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"oco_allowed": False},
        {"oto_allowed": False},
        {"opo_allowed": False},
        {"cancel_replace_allowed": False},
        {"order_types": frozenset({"LIMIT", "MARKET"})},
        {"status": "HALT"},
        {"max_orders": None, "max_algo_orders": None},
        {"percent_price": None},
        {"percent_price": PercentPrice(Decimal("1.5"), Decimal("0.5"), Decimal(2), Decimal("0.1"))},
        {"max_notional": Decimal(50_000), "max_notional_at_market": True, "min_notional_at_market": False},
        {"market_step_size": Decimal("0.01"), "market_min_quantity": Decimal("0.02")},
        {"base_fee_digits": 6, "quote_fee_digits": 4},
    ],
)
def test_every_rule_is_said(changes: dict[str, Any]) -> None:
    instrument = replace(SHIPPED["BTCUSDT"], self_trade_prevention=frozenset({"EXPIRE_MAKER"}), **changes)
    assert read_back(instrument) == instrument


def test_symbols_are_chosen() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        async def symbols(**parameters: Any) -> Any:
            answer = await client.call("GET", "/api/v3/exchangeInfo", **parameters)
            if "code" in answer.body:
                return answer.body["code"]
            return [each["symbol"] for each in answer.body["symbols"]]

        assert await symbols() == ["BNBUSDT", "BTCUSDT", "ETHUSDT"]
        assert await symbols(symbol="BTCUSDT") == ["BTCUSDT"]
        assert await symbols(symbols='["ETHUSDT","BNBUSDT"]') == ["ETHUSDT", "BNBUSDT"]
        assert await symbols(permissions="SPOT") == ["BNBUSDT", "BTCUSDT", "ETHUSDT"]
        assert await symbols(permissions='["MARGIN"]') == []
        server.venue.set_status("ETHUSDT", "HALT", client.clock.time)
        assert await symbols(symbolStatus="HALT") == ["ETHUSDT"]
        assert await symbols(symbol="BTCUSDT", symbolStatus="HALT") == -1128
        assert await symbols(symbolStatus="ASLEEP") == -1122
        assert await symbols(symbol="NOSUCH") == -1121
        assert await symbols(symbols='["BTCUSDT","BTCUSDT"]') == -1151
        assert await symbols(symbols="BTCUSDT") == -1100

    with_client(test)
