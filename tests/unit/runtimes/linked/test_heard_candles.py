from decimal import Decimal as D

from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE
from roottrading.runtimes.linked.heard_candles import HeardCandles

START = 1_000 * MINUTE


def candle(symbol: str, minute: int) -> Candle:
    price = D("0.00012345") + minute
    return Candle(symbol, "1m", START + minute * MINUTE, price, price, price, price, D("123456789012.10"))


def test_what_was_heard_is_given_back_to_the_last_digit() -> None:
    heard = HeardCandles(["AUSDT", "BUSDT"], START)
    for minute in range(5):
        for symbol in ("BUSDT", "AUSDT", "LOOKEDAT"):
            heard.add(candle(symbol, minute))
    rows = heard.rows(START + MINUTE, START + 4 * MINUTE)
    assert rows is not None
    assert [row.values for row in rows] == [candle(s, m) for s in ("AUSDT", "BUSDT") for m in (1, 2, 3)]
    assert all(row.key == (row.values.symbol, "1m", row.values.open_time) for row in rows)
    assert {str(row.values.volume) for row in rows} == {"123456789012.10"}


def test_what_is_not_whole_is_not_given() -> None:
    heard = HeardCandles(["AUSDT"], START, most=3)
    for minute in range(3):
        heard.add(candle("AUSDT", minute))
    assert heard.rows(START - MINUTE, START + 9 * MINUTE) is None
    assert len(heard.rows(START, START + 9 * MINUTE) or ()) == 3
    heard.add(candle("AUSDT", 3))
    assert heard.rows(START, START + 9 * MINUTE) is None
