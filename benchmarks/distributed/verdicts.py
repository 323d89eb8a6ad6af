"""All verdicts of one instant through the coordinator: from the first one said to the last command heard.

The measurement is the aggregator and the dispatcher before it, who say verdicts on Redis and then on Kafka, and the
trader after it, who hears commands on both: first on Redis, later on Kafka. Some neutral instants come first, then one
in which every symbol is bought, and one in which every one is sold.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from time import perf_counter
from typing import Final

from msgspec import Struct

from benchmarks.distributed.exchange import CAPITAL
from benchmarks.distributed.figures import Used, told
from benchmarks.distributed.hearing import Ear, heard_on_kafka, heard_on_redis
from benchmarks.distributed.market import BEGIN, FINEST, WideMarket
from benchmarks.distributed.stage import NO_LIMITS, Stage, exchange, services, serving, staged
from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.domain.money import ZERO
from roottrading.domain.time import HOUR, MINUTE, Time
from roottrading.messages.channels import SIGNALS_AGGREGATED, TRADE_COMMANDS, VERDICTS
from roottrading.messages.envelope import Envelope
from roottrading.messages.signals import AggregatedSignal, Opinion, Vote

_FIRST: Final = BEGIN + HOUR  # ahead of the exchange's time, so that no T is given up
_MANY: Final = Decimal(10**9)


class Span(Struct, frozen=True):
    """Seconds until the last command was heard on Redis, and on Kafka."""

    early: float
    kept: float


class Way(Struct, frozen=True):
    """Ways to and from the coordinator; `early` hears Redis, `kept` Kafka."""

    log: KafkaLog
    pubsub: RedisPubSub
    early: Ear
    kept: Ear

    async def say(self, verdicts: Sequence[Envelope]) -> None:
        """Say verdicts, as the aggregator does and then the dispatcher."""
        await self.pubsub.publish([(SIGNALS_AGGREGATED, verdict) for verdict in verdicts])
        await self.log.publish([(VERDICTS, verdict) for verdict in verdicts])

    async def instant(self, verdicts: Sequence[Envelope], count: int) -> Span:
        """Say verdicts, and wait until so many commands were heard in all."""
        begun = perf_counter()
        await self.say(verdicts)
        await self.early.until(count)
        await self.kept.until(count)
        return Span(self.early.last - begun, self.kept.last - begun)


async def measure(symbols: int, repeat: int, neutral: int, realtime: bool) -> None:
    """Measure so many times, each from the beginning, after so many instants in which nothing is traded."""
    market = WideMarket(symbols)
    bought, sold = [], []
    kept: list[float] = []
    async with staged(repeat, realtime=realtime) as stages:
        for stage in stages:
            with exchange(stage, market) as url:
                spans = await _measure(stage, market, url, neutral)
            bought.append(spans[0].early)
            sold.append(spans[1].early)
            kept += [span.kept for span in spans]
    print(f"{symbols} verdicts of one instant to {symbols} commands, {repeat} times")
    print(f"  to buy:  {told(bought)}; {symbols / min(bought):,.0f} commands/s at best")
    print(f"  to sell: {told(sold)}; {symbols / min(sold):,.0f} commands/s at best")
    print(f"  until Kafka has them, too: {told(kept)}")


async def _measure(stage: Stage, market: WideMarket, url: str, neutral: int) -> tuple[Span, Span]:
    async with AsyncExitStack() as stack:
        way = Way(stage.log(), RedisPubSub(stage.redis), Ear(), Ear())
        await way.log.open()
        stack.push_async_callback(way.log.close)
        await way.pubsub.open()
        stack.push_async_callback(way.pubsub.close)
        await stack.enter_async_context(heard_on_redis(way.pubsub, TRADE_COMMANDS, way.early))
        await stack.enter_async_context(heard_on_kafka(way.log, TRADE_COMMANDS, way.kept))
        options = ("--strategies", "sma_cross", "--capital", str(CAPITAL), *NO_LIMITS)
        running = stack.enter_context(services(stage, "coordinator", 1, url, market.symbols, *options))
        await serving(running, 1)
        for number in range(neutral):
            await way.say(_verdicts(market, _FIRST + number * MINUTE, ZERO))
            await running[0].quiet()
        at = _FIRST + neutral * MINUTE
        buys, sells = _verdicts(market, at, Decimal(1)), _verdicts(market, at + MINUTE, Decimal(-1))
        used = Used(stage, running)
        await used.begin()
        bought = await way.instant(buys, len(buys))
        sold = await way.instant(sells, len(buys) + len(sells))
        await used.end()
    print(*used.lines(), sep="\n")
    return bought, sold


def _verdicts(market: WideMarket, at: Time, value: Decimal) -> list[Envelope]:
    return [_verdict(market, symbol, at, value) for symbol in market.symbols]


def _verdict(market: WideMarket, symbol: str, at: Time, value: Decimal) -> Envelope:
    candle = market.candle(symbol, at - MINUTE)
    vote = Vote(FINEST, Decimal(1), Opinion("sma_cross", value, 7), candle.close * Decimal("0.01"))
    body = AggregatedSignal(
        symbol,
        FINEST,
        at,
        value,
        True,
        candle.close,
        candle.high,
        candle.low,
        (vote,),
        0 if value else -1,
        at + MINUTE,
        _MANY,
        _MANY,
    )
    follows = 0 if at == _FIRST else at - MINUTE
    stream = f"{SIGNALS_AGGREGATED}/{symbol}"
    return Envelope("signal_aggregator", stream, at, follows, at, f"{symbol}/{at}", body)
