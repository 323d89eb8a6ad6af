"""Which markets can be opened, and where they begin."""

from pathlib import Path
from typing import Any

import pytest

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.shipped import FOLDER, shipped_instruments
from roottrading.domain.time import DAY, HOUR, MINUTE, SECOND, iso, parse_time
from roottrading.exchange_server.market.opening import OpenedMarket, open_market

FEED = Path(__file__).parents[3] / "data" / "feeds" / "btcusdt_20240808_part.gz"
LTC = FOLDER / "LTCUSDT-1m-2021-04-10_2021-04-26.csv.gz"
NOON = parse_time("2021-04-17T12:00:00Z")


def opened(*paths: Path, **more: Any) -> OpenedMarket:
    return open_market(paths, shipped_instruments(), FillModel(), **more)


def test_a_tape_begins_with_its_first_candle_or_where_it_is_told_to() -> None:
    assert iso(opened(LTC).start) == "2021-04-10T00:00:00Z"
    assert opened(LTC, start=NOON + 30 * SECOND).start == NOON
    assert opened(LTC).finest == MINUTE


def test_a_folder_holds_several_symbols_of_which_some_are_taken() -> None:
    assert list(opened(FOLDER).market.symbols) == ["BNBUSDT", "DOGEUSDT", "LINKUSDT", "LTCUSDT", "XRPUSDT"]
    assert list(opened(FOLDER, symbols=["XRPUSDT", "BNBUSDT"]).instruments) == ["XRPUSDT", "BNBUSDT"]


def test_candles_are_shifted_to_an_instant_by_whole_candles() -> None:
    now = parse_time("2030-01-01T08:15:42Z")
    plain, shifted = opened(LTC, start=NOON), opened(LTC, start=NOON, begin_at=now)
    assert shifted.start == now - 42 * SECOND
    source, moved = plain.market.symbols["LTCUSDT"].source, shifted.market.symbols["LTCUSDT"].source
    shift = shifted.start - NOON
    kline, same = (
        each.kline(NOON + by, NOON + by + HOUR, NOON + by + DAY) for each, by in ((source, 0), (moved, shift))
    )
    assert kline is not None
    assert same is not None
    assert (same.open, same.high, same.low, same.close, same.volume) == (
        kline.open,
        kline.high,
        kline.low,
        kline.close,
        kline.volume,
    )


def test_a_feed_begins_when_its_book_is_known() -> None:
    market = opened(FEED)
    assert market.feeds == {"BTCUSDT"}
    assert market.finest == 0
    assert iso(market.start) == "2024-08-08T23:54:15.408001Z"
    market.market.begin(market.start)
    assert market.market.symbols["BTCUSDT"].book.loaded


@pytest.mark.parametrize(
    ("paths", "more", "words"),
    [
        ([LTC], {"symbols": ["LTCUSDT", "NONE"]}, "no market of 'NONE': there are LTCUSDT"),
        ([LTC], {"start": parse_time("2022-01-01")}, "nothing from 2022-01-01T00:00:00Z on"),
        ([FEED], {"begin_at": NOON}, "keeps its own times"),
        ([FEED, LTC], {}, "the candles of LTCUSDT end at 2021-04-27T00:00:00Z, the feeds begin at 2024"),
        ([Path("nowhere")], {}, "does not exist"),
    ],
)
def test_what_cannot_be_opened_is_said(paths: list[Path], more: Any, words: str) -> None:
    with pytest.raises(TapeError, match=words):
        opened(*paths, **more)


def test_a_symbol_that_is_listed_nowhere_is_refused() -> None:
    with pytest.raises(TapeError, match="no instrument 'LTCUSDT'"):
        open_market([LTC], {}, FillModel())
