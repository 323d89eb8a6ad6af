"""All verdicts of one instant through the coordinator: from the first on Kafka to the last command on Kafka.

The measurement is the dispatcher before it and the trader after it. Some neutral instants come first, then one in which
every symbol is bought, and one in which every one is sold.
"""

from contextlib import AsyncExitStack
from decimal import Decimal
from time import perf_counter
from typing import Final

from benchmarks.distributed.exchange import CAPITAL
from benchmarks.distributed.figures import Used, told
from benchmarks.distributed.hearing import Ear, heard_on_kafka
from benchmarks.distributed.market import BEGIN, FINEST, WideMarket
from benchmarks.distributed.stage import NO_LIMITS, Stage, exchange, services, serving, staged
from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.port import Sent
from roottrading.domain.money import ZERO
from roottrading.domain.time import HOUR, MINUTE, Time
from roottrading.messages.channels import SIGNALS_AGGREGATED, TRADE_COMMANDS, VERDICTS
from roottrading.messages.envelope import Envelope
from roottrading.messages.signals import AggregatedSignal, Opinion, Vote

_FIRST: Final = BEGIN + HOUR  # ahead of the exchange's time, so that no T is given up
_MANY: Final = Decimal(10**9)


async def measure(symbols: int, repeat: int, neutral: int) -> None:
    """Measure so many times, each from the beginning, after so many instants in which nothing is traded."""
    market = WideMarket(symbols)
    bought, sold = [], []
    async with staged(repeat) as stages:
        for stage in stages:
            with exchange(stage, market) as url:
                spans = await _measure(stage, market, url, neutral)
            bought.append(spans[0])
            sold.append(spans[1])
    print(f"{symbols} verdicts of one instant to {symbols} commands, {repeat} times")
    print(f"  to buy:  {told(bought)}; {symbols / min(bought):,.0f} commands/s at best")
    print(f"  to sell: {told(sold)}; {symbols / min(sold):,.0f} commands/s at best")


async def _measure(stage: Stage, market: WideMarket, url: str, neutral: int) -> tuple[float, float]:
    async with AsyncExitStack() as stack:
        log = stage.log()
        await log.open()
        stack.push_async_callback(log.close)
        ear = Ear()
        await stack.enter_async_context(heard_on_kafka(log, TRADE_COMMANDS, ear))
        options = ("--strategies", "sma_cross", "--capital", str(CAPITAL), *NO_LIMITS)
        running = stack.enter_context(services(stage, "coordinator", 1, url, market.symbols, *options))
        await serving(running, 1)
        for number in range(neutral):
            await log.publish(_verdicts(market, _FIRST + number * MINUTE, ZERO))
            await running[0].quiet()
        at = _FIRST + neutral * MINUTE
        buys, sells = _verdicts(market, at, Decimal(1)), _verdicts(market, at + MINUTE, Decimal(-1))
        used = Used(stage, running)
        await used.begin()
        bought = await _instant(log, buys, ear, len(buys))
        sold = await _instant(log, sells, ear, len(buys) + len(sells))
        await used.end()
    print(*used.lines(), sep="\n")
    return bought, sold


async def _instant(log: KafkaLog, verdicts: list[Sent], ear: Ear, count: int) -> float:
    begun = perf_counter()
    await log.publish(verdicts)
    await ear.until(count)
    return ear.last - begun


def _verdicts(market: WideMarket, at: Time, value: Decimal) -> list[Sent]:
    return [(VERDICTS, _verdict(market, symbol, at, value)) for symbol in market.symbols]


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
