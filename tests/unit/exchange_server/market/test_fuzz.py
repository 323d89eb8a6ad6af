"""Whatever is asked of the market or stands in a recorded feed: an answer, or an error that says what is wrong."""

import gzip
import os
import random
from pathlib import Path

import msgspec
import pytest

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.shipped import FOLDER, shipped_instruments
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import HOUR, parse_time
from roottrading.exchange_server.assembly import Terms, assemble
from roottrading.exchange_server.endpoint import Call
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.feed_file import is_feed, read_feeds
from roottrading.exchange_server.market.feed_source import FeedSource
from roottrading.exchange_server.market.opening import open_market
from roottrading.exchange_server.market.questions import market_endpoints
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.wording import milliseconds

ROUNDS = int(os.environ.get("FUZZ", "10000"))
FEED = Path(__file__).parents[3] / "data" / "feeds" / "btcusdt_20240808_part.gz"
BEGIN = parse_time("2021-04-17T00:00:00Z")
VALUES = {
    "symbol": ["LTCUSDT", "BNBUSDT"],
    "symbols": ['["LTCUSDT"]', '["LTCUSDT","BNBUSDT"]', "[]", "[", "[1]", '["LTCUSDT"'],
    "interval": ["1s", "1m", "15m", "1d", "3d", "1w", "1M", "7m", "1S"],
    "timeZone": ["0", "+08:00", "-12", "14:30", "x"],
    "type": ["FULL", "MINI", "HUGE"],
    "windowSize": ["1m", "59m", "23h", "7d", "8d", "0m"],
    "limit": ["1", "2", "5", "20", "0", "-1"],
    "fromId": ["0", "1", "40000", str(10**9), str(2**63)],
}
TIMES = [str(BEGIN // 1000 + shift) for shift in (-(10**9), -3_600_000, 0, 3_600_000, 10**9)] + ["0", str(10**19)]
ODD = ["", " ", "é", "\u0000", "\ud800", "NaN", "1e9", "9" * 25, "-" * 40, "null", "true", "１２"]


def test_every_question_about_the_market_is_answered() -> None:
    model = FillModel()
    paths = [FOLDER / f"{symbol}-1m-2021-04-10_2021-04-26.csv.gz" for symbol in ("LTCUSDT", "BNBUSDT")]
    opened = open_market(paths, shipped_instruments(), model, start=BEGIN)
    exchange = assemble(opened, Terms("stepped", FeeSchedule(), model, LimitSettings()), lambda: 0.0)
    endpoints = market_endpoints(exchange.market)
    chance = random.Random(5)
    answered = refused = 0
    for place in range(ROUNDS):
        if place % 500 == 0:
            exchange.clock.step(until=exchange.clock.now() + HOUR // 4)  # type: ignore[union-attr]
        endpoint = chance.choice(endpoints)
        asked = {}
        for name in sorted(endpoint.parameters):
            if name in {"symbol", "limit"} or chance.random() < 0.35:
                usual = TIMES if name.endswith("Time") else VALUES.get(name, ODD)
                asked[name] = chance.choice(ODD if chance.random() < 0.04 else usual)
        if "symbols" in asked and chance.random() < 0.9:
            del asked["symbol"]
        now = exchange.clock.now()
        try:
            endpoint.weight_of(Parameters(asked))
            answer = endpoint.handler(Call(exchange.server, Parameters(asked), "", now, milliseconds))
        except ApiError as error:
            assert error.code < -1000  # noqa: PT017
            refused += 1
        else:
            msgspec.json.encode(answer)
            answered += 1
    assert answered > ROUNDS // 3
    assert refused > ROUNDS // 20


def test_a_feed_that_is_spoiled_is_refused_by_its_line_or_read(tmp_path: Path) -> None:
    lines = gzip.decompress(FEED.read_bytes()).splitlines()[:60]
    file = tmp_path / "feed"
    chance = random.Random(6)
    wrong = fine = 0
    for _ in range(ROUNDS // 20):
        spoiled = [bytearray(line) for line in lines]
        for _ in range(chance.randint(1, 3)):
            line = chance.choice(spoiled)
            position = chance.randrange(len(line))
            if chance.random() < 0.3:
                del line[position:]
            else:
                line[position : position + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        file.write_bytes(b"\n".join(spoiled))
        is_feed(file)
        try:
            feeds = read_feeds([file])
        except TapeError as error:
            assert str(file) in str(error)  # noqa: PT017
            wrong += 1
        else:
            for recorded in feeds.values():
                source = FeedSource(recorded)
                while source.next_at() is not None:
                    source.take()
            fine += 1
    assert wrong
    assert fine


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"\x1f\x8bgarbage", b"1 {}", b"1 []", b"x", b"1 {", b"\xff" * 100])
def test_what_is_no_feed_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "feed"
    file.write_bytes(data)
    is_feed(file)
    with pytest.raises(TapeError, match="feed"):
        read_feeds([file])


def test_a_feed_is_told_from_a_tape() -> None:
    assert is_feed(FEED)
    for path in FOLDER.iterdir():
        assert not is_feed(path)
