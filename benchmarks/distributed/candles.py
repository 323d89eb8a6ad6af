"""Candles a second, and processors' time a candle, through the analyzers: all of a minute at once, then the next.

The measurement is the gateway: it publishes on Redis what the gateway would, and hears the analyzers' opinions there.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from time import perf_counter

from benchmarks.distributed.figures import Used, told
from benchmarks.distributed.hearing import Ear, heard_on_redis
from benchmarks.distributed.market import BEGIN, FINEST, WideMarket
from benchmarks.distributed.stage import SETTINGS, Stage, exchange, services, serving, staged
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.adapters.store.port import Commit, UnitState
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.cli.preparing import known_strategies, strategy_uses
from roottrading.config.settings import RunSettings, Settings
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE, Time
from roottrading.messages.channels import MARKET, SIGNALS_RAW
from roottrading.runtimes.distributed.installation import TABLES
from roottrading.runtimes.distributed.sharding import ROLE, shards_of, unit_name
from roottrading.services.analyzer import NewestWindows, Plan

_AT_ONCE = 50_000  # rows of a COPY


async def measure(symbols: int, strategies: str, instances: Sequence[int], minutes: int, realtime: bool) -> None:
    """Measure with each number of instances, each time from the beginning."""
    market = WideMarket(symbols)
    async with staged(len(instances), realtime=realtime) as stages:
        for count, stage in zip(instances, stages, strict=True):
            with exchange(stage, market) as url:
                await _measure(stage, market, url, strategies, count, minutes)


async def _measure(stage: Stage, market: WideMarket, url: str, strategies: str, count: int, minutes: int) -> None:
    rows, copied = await _past(stage, market, strategies)
    before = f"{rows:,} candles before, {rows / copied:,.0f} rows/s by COPY"
    print(f"{len(market.symbols)} symbols, {count} instances; {before}")
    async with AsyncExitStack() as stack:
        carrier = RedisPubSub(stage.redis)
        await carrier.open()
        stack.push_async_callback(carrier.close)
        ear = Ear()
        await stack.enter_async_context(heard_on_redis(carrier, SIGNALS_RAW, ear))
        running = stack.enter_context(
            services(stage, "analyzer", count, url, market.symbols, "--strategies", strategies)
        )
        began = perf_counter()
        await serving(running, len(shards_of(ROLE["analyzer"], market.symbols)))
        await ear.until(len(market.symbols))
        print(f"  the first opinions of all came {perf_counter() - began:.1f} s after the start")
        used = Used(stage, running)
        await used.begin()
        spans = []
        for minute in range(1, minutes + 1):
            said = [(MARKET, market.said(symbol, BEGIN + minute * MINUTE)) for symbol in market.symbols]
            begun = perf_counter()
            await carrier.publish(said)
            await ear.until(len(market.symbols) * (minute + 1))
            spans.append(perf_counter() - begun)
        await used.end()
    candles = minutes * len(market.symbols)
    each = used.cpu["service"] / candles * 1e3
    print(f"  {candles / sum(spans):,.0f} candles/s, {each:.2f} ms of processors' time each")
    print(f"  all candles of a minute to the last opinions: {told(spans)}")
    print(*used.lines(), sep="\n")


async def _past(stage: Stage, market: WideMarket, strategies: str) -> tuple[int, float]:
    """Write what windows need before the first candle, and the first candle as the gateway keeps it; rows, seconds."""
    run = RunSettings(strategies=tuple(strategies.split(",")), symbols=tuple(market.symbols[:1]), timeframe=FINEST)
    settings = Settings(run=run)
    plan = Plan("", strategy_uses(settings, known_strategies(settings)), market.symbols[:1], FINEST)
    since = NewestWindows(plan, room=1).wanted_at(BEGIN)[market.symbols[0], FINEST]
    async with await Database.open(stage.postgres, SETTINGS) as database:
        archive, units = PostgresArchive(database), PostgresUnits(database, TABLES)
        batch: list[Candle] = []
        rows, seconds = 0, 0.0
        for symbol in market.symbols:
            batch += market.candles(symbol, since, BEGIN)
            if len(batch) >= _AT_ONCE or symbol == market.symbols[-1]:
                begun = perf_counter()
                await archive.add_candles(batch)
                seconds, rows, batch = seconds + perf_counter() - begun, rows + len(batch), []
        for shard, own in shards_of(ROLE["gateway"], market.symbols).items():
            await _say_first(units, market, shard, own, BEGIN)
    return rows, seconds


async def _say_first(
    units: PostgresUnits, market: WideMarket, shard: int, symbols: Sequence[str], open_time: Time
) -> None:
    name = unit_name("gateway", shard)
    unit = units.unit(name)
    await unit.load()
    said = [(MARKET, market.said(symbol, open_time, first=True)) for symbol in symbols]
    sent = {envelope.stream: envelope.sequence for _, envelope in said}
    await unit.commit(Commit(units={name: UnitState({}, sent)}, outbox=said))
