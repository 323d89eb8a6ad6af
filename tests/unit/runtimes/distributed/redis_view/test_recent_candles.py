"""Recent candles in Redis: written beside the way, and found in the database again whatever Redis forgot."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

import pytest

from roottrading.adapters.bus.port import BusUnavailable, Sent
from roottrading.adapters.bus.redis_state import RECENT
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE, Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.runtimes.distributed.redis_view import recent_candles
from roottrading.runtimes.distributed.redis_view.recent_candles import RecentCandles, Stream

STREAMS = (("AAA", "1m"), ("BBB", "1m"), ("CCC", "1m"))


def candle(symbol: str, number: int) -> Candle:
    price = Decimal(number)
    return Candle(symbol, "1m", number * MINUTE, price, price, price, price, price)


class Keys:
    """Redis in memory: it may forget some or all, and be cut."""

    def __init__(self) -> None:
        self.connections = 1
        self.kept: dict[Stream, dict[Time, Candle]] = {}
        self.away = False
        self.writes = 0

    async def remember(self, candles: Sequence[Candle]) -> None:
        self._look()
        self.writes += 1
        for each in candles:
            self.kept.setdefault((each.symbol, each.timeframe), {})[each.open_time] = each

    async def newest_candles(self, streams: Sequence[Stream]) -> Mapping[Stream, Time]:
        self._look()
        return {each: max(self.kept[each]) for each in streams if each in self.kept}

    async def candle_keys(self, streams: Collection[Stream]) -> int:
        self._look()
        return sum(each in self.kept for each in streams)

    def numbers(self, symbol: str) -> list[int]:
        return [at // MINUTE for at in sorted(self.kept.get((symbol, "1m"), {}))]

    def _look(self) -> None:
        if self.away:
            raise BusUnavailable("away")


class Told:
    """A gateway: what it publishes is in the database before."""

    def __init__(self, keys: Keys) -> None:
        self.database: list[Candle] = []
        self.published: list[Sent] = []
        self.recent = RecentCandles(keys, self.newest, STREAMS)
        self._publish = self.recent.beside(self.publish)

    async def publish(self, sent: Sequence[Sent]) -> None:
        self.published += sent

    async def newest(self, symbol: str, timeframe: str, after: Time, most: int) -> list[Candle]:
        found = [each for each in self.database if each.symbol == symbol and each.open_time > after]
        return sorted(found, key=lambda each: each.open_time)[-most:]

    async def tell(self, *candles: Candle) -> None:
        self.database += candles
        said = [CandleClosed(each) for each in candles]
        envelopes = [Envelope("gateway", f"market/{each.candle.symbol}/1m", 1, 0, 0, "", each) for each in said]
        await self._publish([("market", each) for each in envelopes])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_SECONDS", "_AGAIN_SECONDS", "_PAUSE"):
        monkeypatch.setattr(recent_candles, name, 0.001)


async def awaited(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.001)


def test_what_was_told_is_shown_and_what_was_missed_is_found_again() -> None:
    async def main() -> None:
        keys = Keys()
        told = Told(keys)
        told.database = [candle("AAA", number) for number in range(1, 1_000)]
        running = asyncio.create_task(told.recent.run())
        await awaited(lambda: len(keys.numbers("AAA")) == RECENT)
        assert keys.numbers("AAA") == list(range(500, 1_000))
        await told.tell(candle("AAA", 1_000), candle("BBB", 1_000))
        await awaited(lambda: keys.numbers("AAA")[-1] == 1_000)
        assert keys.numbers("BBB") == [1_000]

        keys.kept.pop(("BBB", "1m"))  # one key is gone
        await awaited(lambda: keys.numbers("BBB") == [1_000])
        keys.kept.clear()  # all are
        await awaited(lambda: keys.numbers("BBB") == [1_000])
        assert keys.numbers("AAA") == list(range(501, 1_001))

        keys.away = True
        await told.tell(candle("AAA", 1_001))
        await asyncio.sleep(0.02)
        await told.tell(candle("AAA", 1_002))
        keys.away = False
        await awaited(lambda: keys.numbers("AAA")[-1] == 1_002)
        assert keys.numbers("AAA") == list(range(501, 1_003))

        del keys.kept["AAA", "1m"][1_002 * MINUTE]  # a server that began anew had not kept its last second
        keys.connections += 1
        await awaited(lambda: keys.numbers("AAA")[-1] == 1_002)
        running.cancel()

    asyncio.run(main())


def test_while_candles_come_they_are_waited_for_but_not_for_ever() -> None:
    async def main() -> None:
        keys = Keys()
        told = Told(keys)
        running = asyncio.create_task(told.recent.run())
        await asyncio.sleep(0.01)
        number = 0

        async def tell_on() -> None:
            nonlocal number
            while True:
                number += 1
                await told.tell(candle("AAA", number))
                await asyncio.sleep(0)

        telling = asyncio.create_task(tell_on())
        await awaited(lambda: keys.writes > 0)
        assert len(keys.numbers("AAA")) > 1
        telling.cancel()
        await awaited(lambda: keys.numbers("AAA") == list(range(1, number + 1)))
        running.cancel()

    asyncio.run(main())


def test_the_way_out_is_not_waited_upon_and_hears_candles_alone() -> None:
    async def main() -> None:
        keys = Keys()
        keys.away = True
        told = Told(keys)
        running = asyncio.create_task(told.recent.run())
        await told.tell(candle("AAA", 1))
        absent = Envelope("gateway", "market/BBB/1m", 1, 0, 0, "", CandleAbsent("BBB", "1m", MINUTE))
        await told.recent.beside(told.publish)([("market", absent)])
        assert [envelope.stream for _, envelope in told.published] == ["market/AAA/1m", "market/BBB/1m"]
        assert keys.writes == 0
        keys.away = False
        await awaited(lambda: keys.numbers("AAA") == [1])
        await asyncio.sleep(0.02)
        assert keys.writes == 1  # nothing is written again
        assert keys.numbers("BBB") == []
        running.cancel()

    asyncio.run(main())
