from msgspec.structs import replace

from roottrading.domain.time import MINUTE
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import NOTHING, CandleMissing, CandleObserved, Outgoing, Resumed
from roottrading.services.gateway import Forwarder
from tests.unit.services.gateway.candles import START, candle


def test_each_candle_follows_the_last_of_its_stream_however_long_ago() -> None:
    service = Forwarder(["BTCUSDT"])
    first, later = candle(0, 5, 6, 4, 5, 1), candle(90, 5, 6, 4, 5, 1)
    hour = replace(first, timeframe="1h")
    now = START + 100 * MINUTE
    assert service.decide(CandleObserved(first), now).messages == (
        Outgoing("market", "BTCUSDT/1m", CandleClosed(first), (0, START + MINUTE)),
    )
    assert service.decide(CandleObserved(hour), now).messages == (
        Outgoing("market", "BTCUSDT/1h", CandleClosed(hour), (0, START + 60 * MINUTE)),
    )
    assert service.decide(CandleObserved(later), now).messages == (
        Outgoing("market", "BTCUSDT/1m", CandleClosed(later), (START + MINUTE, START + 91 * MINUTE)),
    )
    assert service.decide(CandleMissing("BTCUSDT", "1h", START + 60 * MINUTE), START + 120 * MINUTE).messages == (
        Outgoing(
            "market",
            "BTCUSDT/1h",
            CandleAbsent("BTCUSDT", "1h", START + 60 * MINUTE),
            (START + 60 * MINUTE, START + 120 * MINUTE),
        ),
    )


def test_what_came_already_or_is_not_its_business_is_nothing() -> None:
    service = Forwarder(["BTCUSDT"])
    first = candle(0, 5, 6, 4, 5, 1)
    service.decide(CandleObserved(first), START + MINUTE)
    for given in (
        CandleObserved(first),
        CandleObserved(replace(first, symbol="ETHUSDT")),
        CandleObserved(replace(first, open_time=START + MINUTE, closed=False)),
        Resumed(),
    ):
        assert service.decide(given, START + 2 * MINUTE) is NOTHING
