"""What names of streams ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import HOUR, MILLISECOND, SECOND
from roottrading.exchange_server.market.stream_names import Stream, parse_stream


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("btcusdt@trade", {"kind": "trade"}),
        ("btcusdt@aggTrade", {"kind": "aggTrade"}),
        ("btcusdt@bookTicker", {"kind": "bookTicker"}),
        ("btcusdt@kline_1m", {"kind": "kline", "interval": "1m", "every": 2 * SECOND}),
        ("btcusdt@kline_1s", {"kind": "kline", "interval": "1s", "every": SECOND}),
        ("btcusdt@kline_1M", {"kind": "kline", "interval": "1M", "every": 2 * SECOND}),
        (
            "btcusdt@kline_1d@+08:00",
            {"kind": "kline", "interval": "1d", "every": 2 * SECOND, "offset": 8 * HOUR},
        ),
        ("btcusdt@depth", {"kind": "depth", "every": SECOND}),
        ("btcusdt@depth@100ms", {"kind": "depth", "every": 100 * MILLISECOND}),
        ("btcusdt@depth20", {"kind": "levels", "levels": 20, "every": SECOND}),
        ("btcusdt@depth5@100ms", {"kind": "levels", "levels": 5, "every": 100 * MILLISECOND}),
        ("btcusdt@ticker", {"kind": "ticker", "every": SECOND}),
        ("btcusdt@ticker_4h", {"kind": "ticker", "every": SECOND, "window": 4 * HOUR}),
        ("btcusdt@miniTicker", {"kind": "miniTicker", "every": SECOND}),
        ("btcusdt@avgPrice", {"kind": "avgPrice", "every": SECOND}),
    ],
)
def test_streams_of_a_symbol(name: str, asked: dict[str, object]) -> None:
    assert parse_stream(name) == Stream(name=name, symbol="BTCUSDT", **asked)  # type: ignore[arg-type]


def test_streams_of_all_symbols() -> None:
    assert parse_stream("!miniTicker@arr") == Stream("!miniTicker@arr", "miniTicker", "", every=SECOND)
    assert parse_stream("!ticker_1h@arr") == Stream("!ticker_1h@arr", "ticker", "", every=SECOND, window=HOUR)


@pytest.mark.parametrize(
    "name",
    [
        "BTCUSDT@trade",
        "btcusdt",
        "btcusdt@",
        "@trade",
        "btcusdt@kline_7m",
        "btcusdt@depth7",
        "btcusdt@depth@50ms",
        "btcusdt@kline_1d@+99:00",
        "btcusdt@ticker_2h",
        "!ticker@arr",  # retired in 2026
        "!bookTicker",
    ],
)
def test_names_that_binance_has_not(name: str) -> None:
    assert parse_stream(name) is None


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    parse_stream(text)
    parse_stream("btcusdt@" + text)
