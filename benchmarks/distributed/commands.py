"""Commands a second through the trader, against our exchange server without Binance's limits on orders.

The measurement is the coordinator: it has every symbol bought and then, when all are, sold.
"""

from contextlib import AsyncExitStack
from decimal import Decimal
from time import perf_counter
from typing import Final

import aiohttp

from benchmarks.distributed.figures import Used
from benchmarks.distributed.hearing import Ear, heard_on_kafka
from benchmarks.distributed.market import BEGIN, WideMarket
from benchmarks.distributed.stage import NO_LIMITS, Stage, exchange, services, serving, staged
from roottrading.adapters.bus.port import Sent
from roottrading.adapters.tape.instruments import read_instruments
from roottrading.domain.ids import client_order_ids, cycle_id, verdict_id
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import floor_to, quotient_down
from roottrading.domain.time import HOUR, MILLISECOND, MINUTE, Time
from roottrading.messages.channels import TRADE_COMMANDS, TRADE_EVENTS
from roottrading.messages.commands import CloseTradeCycle, OpenTradeCycle, ProtectionPlan
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import TradeCycleMoved, TradeProgressed
from roottrading.runtimes.distributed.sharding import ROLE, shards_of

_STAKE: Final = Decimal(200)
_WORST: Final = Decimal("1.02")
_STOP: Final = Decimal("0.5")
_OPENED: Final = "open"
_CLOSED: Final = "closed"


async def measure(symbols: int, realtime: bool) -> None:
    """Measure once."""
    market = WideMarket(symbols)
    async with staged(realtime=realtime) as stages:
        for stage in stages:
            with exchange(stage, market) as url:
                await _measure(stage, market, url)


async def _measure(stage: Stage, market: WideMarket, url: str) -> None:
    instruments = read_instruments(market.instruments(stage.folder / "tape"))
    async with AsyncExitStack() as stack:
        log = stage.log()
        await log.open()
        stack.push_async_callback(log.close)
        opened, closed = Ear(_Reaches(_OPENED)), Ear(_Reaches(_CLOSED))
        await stack.enter_async_context(heard_on_kafka(log, TRADE_EVENTS, opened))
        await stack.enter_async_context(heard_on_kafka(log, TRADE_EVENTS, closed))
        options = ("--strategies", "sma_cross", *NO_LIMITS)
        running = stack.enter_context(services(stage, "trader", 1, url, market.symbols, *options))
        await serving(running, len(shards_of(ROLE["trader"], market.symbols)))
        await running[0].quiet()
        now = await _time_of(url)
        buys = [_open(stage, market, instruments[symbol], now) for symbol in market.symbols]
        sells = [_close(stage, symbol, now) for symbol in market.symbols]
        for words, sent, ear in (("to buy", buys, opened), ("to sell", sells, closed)):
            used = Used(stage, running)
            await used.begin()
            requests = await running[0].number("requests_total")
            begun = perf_counter()
            await log.publish(sent)
            await ear.until(len(sent))
            span = ear.last - begun
            await used.end()
            requests = await running[0].number("requests_total") - requests
            print(f"{len(sent)} commands {words}, until the last was carried out: {span:.2f} s")
            print(f"  {len(sent) / span:,.0f} commands/s, {requests / span:,.0f} requests/s")
            print(*used.lines(), sep="\n")


class _Reaches:
    """Whether a message says that its cycle reached a status."""

    def __init__(self, status: str) -> None:
        self._status = status

    def __call__(self, body: Message) -> bool:
        facts = body.facts if isinstance(body, TradeProgressed) else (body,)
        return any(isinstance(each, TradeCycleMoved) and each.status == self._status for each in facts)


async def _time_of(url: str) -> Time:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v3/time") as answer:
        return int((await answer.json())["serverTime"]) * MILLISECOND


def _open(stage: Stage, market: WideMarket, instrument: Instrument, now: Time) -> Sent:
    symbol, at = instrument.symbol, now - now % MINUTE
    price = market.candle(symbol, at).open
    cycle = cycle_id(stage.deployment, verdict_id(symbol, BEGIN))
    entry, stop, target, order_list = client_order_ids(stage.deployment, cycle, "estl", 1)
    plan = ProtectionPlan(floor_to(price * _STOP, instrument.tick_size), None, None, entry, stop, target, order_list)
    command = OpenTradeCycle(
        cycle,
        symbol,
        verdict_id(symbol, BEGIN),
        7,
        "sma_cross",
        "",
        at,
        floor_to(quotient_down(_STAKE, price), instrument.step_size),
        floor_to(price * _WORST, instrument.tick_size),
        plan,
        now + HOUR,
    )
    return _said(symbol, 1, now, command)


def _close(stage: Stage, symbol: str, now: Time) -> Sent:
    return _said(
        symbol, 2, now, CloseTradeCycle(cycle_id(stage.deployment, verdict_id(symbol, BEGIN)), symbol, "verdict")
    )


def _said(symbol: str, number: int, now: Time, body: Message) -> Sent:
    stream = f"{TRADE_COMMANDS}/{symbol}"
    return TRADE_COMMANDS, Envelope("coordinator", stream, number, number - 1, now, f"{symbol}/{now}", body)
