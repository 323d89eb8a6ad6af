"""Feeds of several symbols: whose snapshot it is, and what comes before any time is known."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from roottrading.adapters.tape.errors import TapeError
from roottrading.exchange_server.market.events import BookChanged, BookLoaded
from roottrading.exchange_server.market.feed_file import read_feeds

AT = 1_700_000_000_000


def depth(symbol: str, at: int, first: int, last: int) -> Any:
    data = {"e": "depthUpdate", "E": at, "s": symbol, "U": first, "u": last, "b": [["1.0", "2.0"]], "a": []}
    return {"stream": f"{symbol.lower()}@depth@100ms", "data": data}


def quote(symbol: str, update: int) -> Any:
    data = {"u": update, "s": symbol, "b": "1.0", "B": "1.0", "a": "2.0", "A": "1.0"}
    return {"stream": f"{symbol.lower()}@bookTicker", "data": data}


def snapshot(symbol: str, update: int) -> Any:
    data = {"lastUpdateId": update, "bids": [["1.0", "5.0"]], "asks": [["2.0", "5.0"]]}
    return {"stream": f"{symbol.lower()}@depth.snapshot", "data": data}


def feed(folder: Path, *messages: Any) -> Path:
    path = folder / "feed"
    path.write_bytes(b"".join(b"%d %s\n" % (1, msgspec.json.encode(message)) for message in messages))
    return path


def test_a_named_snapshot_comes_before_the_next_change_of_its_own_symbol(tmp_path: Path) -> None:
    path = feed(
        tmp_path,
        depth("BTCUSDT", AT, 1, 2),
        depth("ETHUSDT", AT + 1, 5, 6),
        snapshot("BTCUSDT", 10),
        depth("ETHUSDT", AT + 900, 7, 8),
        depth("BTCUSDT", AT + 500, 11, 12),
    )
    found = read_feeds([path])
    told = [(at // 1000 - AT, type(event)) for at, event in found["BTCUSDT"].events]
    assert told == [(0, BookChanged), (500, BookLoaded), (500, BookChanged)]
    assert not any(isinstance(event, BookLoaded) for _, event in found["ETHUSDT"].events)


def test_best_quotes_before_any_time_are_passed_over(tmp_path: Path) -> None:
    path = feed(tmp_path, quote("BTCUSDT", 1), depth("BTCUSDT", AT, 1, 2), quote("BTCUSDT", 2))
    assert [at for at, _ in read_feeds([path])["BTCUSDT"].events] == [AT * 1000] * 2


def test_a_snapshot_that_is_none_is_told(tmp_path: Path) -> None:
    wrong = {"stream": "btcusdt@depth.snapshot", "data": {"lastUpdateId": 1, "bids": "x"}}
    path = feed(tmp_path, wrong, depth("BTCUSDT", AT, 1, 2))
    with pytest.raises(TapeError, match="before line 2: no snapshot of a book"):
        read_feeds([path])
