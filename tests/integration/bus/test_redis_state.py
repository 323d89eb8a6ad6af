"""The keys in Redis: older values never replace newer ones, and lost memory is noticed."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roottrading.adapters.bus.port import BusError, BusUnavailable, Unreadable
from roottrading.adapters.bus.redis_state import RECENT, MemoryLost, RedisState, StrategyConfigured
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE
from roottrading.operations.local_servers import RedisServer

BALANCES, CYCLES = "balances:current", "cycles:active"


def with_state(url: str, work: Callable[[RedisState], Awaitable[None]]) -> None:
    async def main() -> None:
        state = RedisState(url)
        await state.open()
        try:
            await work(state)
        finally:
            await state.close()

    asyncio.run(main())


def candle(number: int) -> Candle:
    price = Decimal(number).scaleb(-2)
    return Candle("BTCUSDT", "1m", number * MINUTE, price, price, price, price, Decimal("0.10"))


def test_values_are_replaced_whole_and_by_newer_ones_only(redis_url: str) -> None:
    async def work(state: RedisState) -> None:
        await state.rebuild({BALANCES: ({"BTC": "1", "USDT": "5"}, 3), CYCLES: (frozenset({"a", "b"}), 8)})
        assert not await state.write(BALANCES, {"BTC": "0"}, 3)
        assert not await state.write(BALANCES, {"BTC": "0"}, 2)
        assert await state.hash(BALANCES) == {"BTC": "1", "USDT": "5"}
        assert await state.write(BALANCES, {"BTC": "2"}, 4)
        assert await state.hash(BALANCES) == {"BTC": "2"}
        assert await state.write(CYCLES, frozenset(), 9)
        assert await state.set(CYCLES) == frozenset()
        assert not await state.write(CYCLES, {"a"}, 8)

    with_state(redis_url, work)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(1, 8)))
def test_whatever_the_order_the_newest_stays(redis_url: str, order: list[int]) -> None:
    async def work(state: RedisState) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        await state.rebuild({CYCLES: (frozenset(), 0)})
        await asyncio.gather(*(state.write(CYCLES, {str(number)}, number) for number in order))
        assert await state.set(CYCLES) == {"7"}

    with_state(redis_url, work)


def test_lost_memory_is_noticed_and_nothing_is_written_before_a_rebuild(redis_url: str) -> None:
    async def work(state: RedisState) -> None:
        assert not await state.is_built()
        with pytest.raises(MemoryLost):
            await state.write(CYCLES, {"a"}, 1)
        await state.rebuild({CYCLES: (frozenset({"a"}), 1)})
        assert await state.is_built()
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        with pytest.raises(MemoryLost):
            await state.write(CYCLES, {"b"}, 2)
        assert await state.set(CYCLES) == frozenset()

    with_state(redis_url, work)


def test_a_rebuild_repairs_what_was_spoiled_and_keeps_what_is_newer(redis_url: str) -> None:
    async def work(state: RedisState) -> None:
        await state.rebuild({BALANCES: ({"BTC": "1"}, 3), CYCLES: ({"a"}, 3)})
        await state.write(CYCLES, {"b"}, 4)
        with redis.Redis.from_url(redis_url) as client:
            client.set(BALANCES, "no hash at all")
        await state.rebuild({BALANCES: ({"BTC": "1"}, 3), CYCLES: ({"a"}, 3)})
        assert await state.hash(BALANCES) == {"BTC": "1"}
        assert await state.set(CYCLES) == {"b"}

    with_state(redis_url, work)


def test_large_values_are_written_whole(redis_url: str) -> None:
    async def work(state: RedisState) -> None:
        many = {f"asset-{number}": str(number) for number in range(12_000)}
        await state.rebuild({BALANCES: (many, 1), CYCLES: (many.keys(), 1)})
        assert await state.hash(BALANCES) == many
        assert await state.set(CYCLES) == many.keys()

    with_state(redis_url, work)


def test_the_recent_candles_are_kept_once_each(redis_url: str) -> None:
    async def work(state: RedisState) -> None:
        candles = [candle(number) for number in range(RECENT + 20)]
        await state.remember(candles[:-1])
        await state.remember(candles[-30:])
        await state.remember([])
        assert await state.recent("BTCUSDT", "1m") == candles[-RECENT:]
        assert await state.recent("BTCUSDT", "5m") == []

    with_state(redis_url, work)


def test_recent_candles_are_replaced_up_to_the_last_given(redis_url: str) -> None:
    streams = (("BTCUSDT", "1m"), ("ETHUSDT", "1m"))

    async def work(state: RedisState) -> None:
        assert await state.newest_candles(streams) == {}
        assert await state.candle_keys(streams) == 0
        await state.remember([candle(1), candle(3), candle(9)])
        await state.replace_candles("BTCUSDT", "1m", [candle(2), candle(4)])
        assert await state.recent("BTCUSDT", "1m") == [candle(2), candle(4), candle(9)]
        await state.replace_candles("BTCUSDT", "1m", [candle(number) for number in range(10, 10 + RECENT)])
        assert await state.recent("BTCUSDT", "1m") == [candle(number) for number in range(10, 10 + RECENT)]
        assert await state.newest_candles(streams) == {("BTCUSDT", "1m"): (9 + RECENT) * MINUTE}
        assert await state.candle_keys(streams) == 1
        assert (await state.newest_candles(()), await state.candle_keys(())) == ({}, 0)

    with_state(redis_url, work)


def test_generations_sequences_and_connections_are_counted(redis_url: str) -> None:
    async def work(state: RedisState) -> None:
        assert (await state.generation(), await state.sequences(), state.connections) == (0, {}, 1)
        assert await state.rebuild({CYCLES: ({"a"}, 4), BALANCES: ({"BTC": "1"}, 2)}) == {CYCLES, BALANCES}
        assert await state.rebuild({CYCLES: ({"b"}, 3), BALANCES: ({"BTC": "2"}, 2)}) == {BALANCES}
        assert (await state.generation(), await state.sequences()) == (2, {CYCLES: 4, BALANCES: 2})
        await state.close()
        assert await state.set(CYCLES) == {"a"}
        assert state.connections == 2

    with_state(redis_url, work)


def test_the_configuration_is_shown_and_read(redis_url: str) -> None:
    trend = StrategyConfigured(False, {"fast": 9, "slow": 21}, Decimal("0.25"))

    async def work(state: RedisState) -> None:
        assert (await state.symbols(), await state.strategies()) == (None, None)
        await state.show_configuration({"BTCUSDT", "ETHUSDT"}, {"trend": trend, "dip": StrategyConfigured()})
        assert await state.symbols() == frozenset({"BTCUSDT", "ETHUSDT"})
        assert await state.strategies() == {"trend": trend, "dip": StrategyConfigured()}
        await state.show_configuration({"BTCUSDT"}, {})
        assert (await state.symbols(), await state.strategies()) == (frozenset({"BTCUSDT"}), None)

    with_state(redis_url, work)


def test_a_key_that_is_something_else_is_an_error(redis_url: str) -> None:
    async def work(state: RedisState) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.set("candles:BTCUSDT:1m", "no sorted set")
        with pytest.raises(BusError, match="WRONGTYPE"):
            await state.remember([candle(1)])

    with_state(redis_url, work)


@pytest.mark.parametrize("text", ["", "no JSON", '{"enabled": "perhaps"}', '{"parameter": {}}', '{"weight": "much"}'])
def test_a_wrong_edit_is_named(redis_url: str, text: str) -> None:
    async def work(state: RedisState) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.hset("config:strategies", "trend", text)
        with pytest.raises(Unreadable, match="config:strategies, trend: "):
            await state.strategies()

    with_state(redis_url, work)


def test_a_kill_is_survived(own_redis: RedisServer) -> None:
    async def work(state: RedisState) -> None:
        await state.rebuild({CYCLES: ({"a"}, 1)})
        own_redis.kill()
        for _ in range(2):  # the first goes into a connection whose end was not yet heard
            with pytest.raises(BusUnavailable):
                await state.write(CYCLES, {"b"}, 2)
        own_redis.start()
        assert await state.write(CYCLES, {"b"}, 2)

    with_state(own_redis.url, work)
