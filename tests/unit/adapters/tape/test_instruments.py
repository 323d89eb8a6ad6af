import gzip
import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from roottrading.adapters.tape import TapeError, read_instruments, read_tape, shipped_instruments
from roottrading.domain.instrument import PercentPrice
from roottrading.messages.exchange_info import parse_instruments
from tests.recorded import shared_data

# The entry of BTCUSDT as Binance answered on 2025-08-07, permission sets cut short.
RECENT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "baseCommissionPrecision": 8,
    "quoteCommissionPrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
    "ocoAllowed": True,
    "otoAllowed": False,
    "cancelReplaceAllowed": True,
    "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "DECREMENT"],
    "filters": [
        {
            "filterType": "PRICE_FILTER",
            "maxPrice": "1000000.00000000",
            "minPrice": "0.01000000",
            "tickSize": "0.01000000",
        },
        {"filterType": "LOT_SIZE", "maxQty": "9000.00000000", "minQty": "0.00001000", "stepSize": "0.00001000"},
        {"filterType": "MARKET_LOT_SIZE", "maxQty": "97.09521512", "minQty": "0.00000000", "stepSize": "0.00000000"},
        {"filterType": "TRAILING_DELTA", "maxTrailingAboveDelta": 2000, "minTrailingBelowDelta": 10},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "askMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "bidMultiplierDown": "0.1",
            "bidMultiplierUp": "4",
        },
        {
            "filterType": "NOTIONAL",
            "applyMaxToMarket": True,
            "applyMinToMarket": False,
            "maxNotional": "9000000.00000000",
            "minNotional": "5.00000000",
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 5},
        {"filterType": "OF_ANOTHER_YEAR", "whatever": 1},
    ],
}


def answer(**changed: Any) -> dict[str, Any]:
    return {"timezone": "UTC", "symbols": [RECENT | changed]}


def test_a_recent_answer_is_taken_as_it_is() -> None:
    found = parse_instruments(answer())["BTCUSDT"]
    assert (found.base_asset, found.quote_asset, found.status) == ("BTC", "USDT", "TRADING")
    exact = [found.tick_size, found.step_size, found.max_quantity, found.min_price, found.max_price, found.min_notional]
    assert list(map(str, exact)) == ["0.01", "0.00001", "9000", "0.01", "1000000", "5"]
    assert (found.market_min_quantity, found.market_step_size) == (Decimal(0), Decimal(0))
    assert found.market_max_quantity == Decimal("97.09521512")
    assert (found.max_notional, found.min_notional_at_market, found.max_notional_at_market) == (
        Decimal(9_000_000),
        False,
        True,
    )
    assert found.percent_price == PercentPrice(Decimal(4), Decimal("0.1"), Decimal(5), Decimal("0.2"))
    assert (found.max_orders, found.max_algo_orders) == (200, 5)
    assert found.order_types == set(RECENT["orderTypes"])
    assert found.self_trade_prevention == {"EXPIRE_TAKER", "DECREMENT"}
    assert (found.oco_allowed, found.oto_allowed, found.cancel_replace_allowed) == (True, False, True)


@pytest.mark.parametrize("allowed", [True, False])
def test_what_the_answer_predates_is_allowed_of_a_recording_only(allowed: bool) -> None:
    old = deepcopy(RECENT)
    for key in ("otoAllowed", "cancelReplaceAllowed", "allowedSelfTradePreventionModes"):
        del old[key]
    found = parse_instruments({"symbols": [old]}, absent_is_allowed=allowed)["BTCUSDT"]
    assert {found.oto_allowed, found.opo_allowed, found.cancel_replace_allowed} == {allowed}
    assert ({"STOP_LOSS", "TAKE_PROFIT"} <= found.order_types) is allowed
    assert found.self_trade_prevention == ({"EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"} if allowed else set())
    assert parse_instruments(answer(), absent_is_allowed=allowed)["BTCUSDT"].opo_allowed is allowed


def test_filters_of_the_old_form() -> None:
    old = answer(
        filters=[
            *RECENT["filters"][:2],
            {"filterType": "PERCENT_PRICE", "multiplierUp": "5", "multiplierDown": "0.2", "avgPriceMins": 5},
            {"filterType": "MIN_NOTIONAL", "minNotional": "10.00000000", "applyToMarket": True, "avgPriceMins": 5},
        ]
    )
    found = parse_instruments(old)["BTCUSDT"]
    assert found.percent_price == PercentPrice(Decimal(5), Decimal("0.2"), Decimal(5), Decimal("0.2"))
    assert (found.min_notional, found.min_notional_at_market, found.max_notional) == (Decimal(10), True, Decimal(0))
    assert (found.max_orders, found.max_algo_orders, found.market_max_quantity) == (None, None, Decimal(0))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([], "no exchangeInfo"),
        ({"code": -1121, "msg": "Invalid symbol."}, "no exchangeInfo"),
        ({"symbols": [{}]}, "an entry of `symbols` without its symbol"),
        (answer(filters=RECENT["filters"][1:]), "BTCUSDT: lacks PRICE_FILTER"),
        ({"symbols": [{k: v for k, v in RECENT.items() if k != "baseAsset"}]}, "BTCUSDT: lacks baseAsset"),
        (answer(filters=[{"filterType": "PRICE_FILTER"}, RECENT["filters"][1]]), "BTCUSDT: lacks tickSize"),
        (
            answer(filters=[RECENT["filters"][0] | {"tickSize": "x"}, RECENT["filters"][1]]),
            "BTCUSDT: not in exchangeInfo's form",
        ),
        (
            answer(filters=[RECENT["filters"][0] | {"tickSize": "NaN"}, RECENT["filters"][1]]),
            "BTCUSDT: not in exchangeInfo's form",
        ),
    ],
)
def test_bad_answers_are_named(tmp_path: Path, bad: Any, said: str) -> None:
    path = tmp_path / "info.json"
    path.write_text(json.dumps(bad))
    with pytest.raises(TapeError, match=rf"info\.json: .*{said}"):
        read_instruments(path)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    cut = tmp_path / "info.json.gz"
    cut.write_bytes(gzip.compress(json.dumps(answer()).encode())[:-20])
    for path in (cut, tmp_path / "absent.json"):
        with pytest.raises(TapeError, match=path.name):
            read_instruments(path)
    text = tmp_path / "text.json"
    text.write_text("{")
    with pytest.raises(TapeError, match="cut or no JSON"):
        read_instruments(text)


def test_shipped_instruments_hold_those_of_the_shipped_tape_and_more() -> None:
    found = shipped_instruments()
    # tick, step and least notional as they stand in the recorded answers
    expected = {
        "BNBUSDT": ("0.1", "0.001", "10"),
        "DOGEUSDT": ("0.0001", "1", "10"),
        "BTCUSDT": ("0.01", "0.00001", "5"),
        "ETHUSDT": ("0.01", "0.0001", "5"),
        "SHIBUSDT": ("0.00000001", "1", "10"),
    }
    for symbol, numbers in expected.items():
        one = found[symbol]
        assert (format(one.tick_size, "f"), format(one.step_size, "f"), str(one.min_notional)) == numbers
    for one in found.values():
        assert one.quote_asset == "USDT"
        assert one.status == "TRADING"
        assert "STOP_LOSS" in one.order_types
        assert one.opo_allowed


@pytest.mark.shared_data
def test_all_recorded_instruments_are_read() -> None:
    folder = shared_data("messages", "rest")
    counts = {
        "exchangeInfo_binance_2021-10-12_full.json.gz": 1695,
        "exchangeInfo_2025-08-07_first25symbols.json.gz": 25,
        "testnet_exchangeInfo_2021-04.json": 20,
        "2021-10-22/exchange_info.json": 2,
    }
    for name, count in counts.items():
        found = read_instruments(folder / name)
        assert len(found) == count
        assert all(one.tick_size > 0 and one.step_size > 0 for one in found.values())


@pytest.mark.shared_data
def test_every_recorded_candle_symbol_but_one_has_a_shipped_instrument() -> None:
    candles = shared_data("klines")
    symbols = {path.name.split("-")[0] for path in candles.rglob("*.parquet")}
    assert symbols - shipped_instruments().keys() == {"ARBUSDT"}
    assert read_tape([candles], ["SLPUSDT"])
