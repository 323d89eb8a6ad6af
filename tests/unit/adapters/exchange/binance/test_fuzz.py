"""Nothing that comes over the wire makes the parser raise: random bytes, JSON of wrong shapes, mutated recordings.

10,000 of them in every run; `FUZZ=1000000` for a night's.
"""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from roottrading.adapters.exchange.binance.errors import failure
from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.rates import read_rates
from roottrading.adapters.exchange.binance.replies import failed, succeeded
from roottrading.adapters.exchange.binance.user_events import read_frame
from roottrading.adapters.exchange.binance.wire import Malformed, decoded
from roottrading.messages.exchange import ExchangeEvent
from tests.unit.adapters.exchange.binance import asked

TRIES: Final = int(os.environ.get("FUZZ", "10000"))
RECORDED: Final = Path(__file__).parents[4] / "data" / "binance"
STRANGE: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 10**30, -(10**18), 1.5, 1e308, "", "x", "NaN", "-Infinity", "1e400", "0.00000000"),
    *([], {}, [[]], [{}], {"e": "executionReport"}, "\u0000", "币安", "1" * 500, "NEW", "FILLED", "TRADE", "SELL"),
)


def samples() -> list[Any]:
    """Return every recorded message, and the answers' forms that were not recorded."""
    found: list[Any] = []
    for path in sorted(RECORDED.rglob("*.json*")):
        for line in path.read_bytes().splitlines():
            told = msgspec.json.decode(line)
            found.append(told.get("body", told) if isinstance(told, dict) else told)
    order = next(each for each in found if isinstance(each, dict) and each.get("fills"))
    found.append({"orderListId": 1, "symbol": "BTCUSDT", "orderReports": [order, order], "transactionTime": 1})
    found.append({"cancelResponse": order, "newOrderResponse": order})
    found.append({"amendedOrder": {**order, "qty": "1"}})
    halves = {"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "cancelResponse": order}
    found.append({"code": -2021, "msg": "half", "data": {**halves, "newOrderResponse": {"code": -2010, "msg": "no"}}})
    found.append({"code": -2022, "msg": "none", "data": {"cancelResponse": {"code": -2011, "msg": "no"}}})
    found.append({"standardCommission": {"maker": "0.001"}, "discount": {"discount": "0.75"}})
    return found


def mutated(dice: random.Random, told: Any) -> Any:
    """Return the message with one thing in it changed, somewhere."""
    if dice.random() < 0.25 or not isinstance(told, dict | list) or not told:
        return dice.choice(STRANGE)
    if isinstance(told, dict):
        name = dice.choice(list(told))
        if dice.random() < 0.1:
            return {key: value for key, value in told.items() if key != name}
        if dice.random() < 0.1:
            return {**told, dice.choice(["new", "e", "i", "s"]): dice.choice(STRANGE)}
        return {**told, name: mutated(dice, told[name])}
    place = dice.randrange(len(told))
    return [*told[:place], mutated(dice, told[place]), *told[place + 1 :]]


def frames(dice: random.Random, tries: int) -> Iterator[bytes]:
    """Return what comes over the wire."""
    known = samples()
    for number in range(tries):
        if number % 5 == 0:
            yield dice.randbytes(dice.randrange(60))
            continue
        told = dice.choice(known)
        for _ in range(dice.randrange(3) + (number % 5 == 1)):
            told = mutated(dice, told)
        data = msgspec.json.encode(told)
        if number % 5 == 2 and data:
            place = dice.randrange(len(data))
            data = data[:place] + (dice.randbytes(1) if dice.random() < 0.5 else b"") + data[place + 1 :]
        yield data


def check(events: Any) -> None:
    for event in events:
        assert isinstance(event, ExchangeEvent)
        assert msgspec.json.encode(event)


def read(reader: Reader, data: bytes, dice: random.Random) -> None:
    """Let every reader have it."""
    told = read_frame(reader, data)
    if not isinstance(told, str):
        check(told)
    request = dice.choice(asked.EVERY)
    refusal = failure(dice.choice([400, 409, 418, 429, 500]), data, "1")
    check(failed(reader, request, refusal, asked.AT))
    try:
        answer = decoded(data)
    except Malformed:
        return
    check(succeeded(reader, request, answer, asked.AT))
    try:
        read_rates(answer)
    except Malformed:
        return


def test_nothing_makes_the_parser_raise() -> None:
    dice, reader = random.Random(20260721), Reader()
    for number, data in enumerate(frames(dice, TRIES)):
        try:
            read(reader, data, dice)
        except Exception as error:
            raise AssertionError(f"try {number}: {data!r} made a reader raise {error!r}") from error
    assert len(reader.strangers.counts) <= 2_100, "strangers are counted within bounds"


@pytest.mark.parametrize("reach", [lambda data: read_frame(Reader(), data), decoded])
def test_depth_is_no_way_in(reach: Callable[[bytes], Any]) -> None:
    try:
        reach(b'{"event":' * 50_000 + b"1" + b"}" * 50_000)
    except Malformed as error:
        assert "no JSON" in str(error)  # noqa: PT017
