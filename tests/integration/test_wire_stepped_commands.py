"""A person's commands under a stepped clock: taken at the next move, and so the same in every run."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from roottrading.adapters.exchange.binance.settings import places_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.store.memory import MemoryStore
from roottrading.config.settings import Settings
from roottrading.domain.time import MINUTE, Time
from roottrading.messages.service import ControlChanged, Row
from roottrading.runtimes.assembly import ALL_TABLES, Cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.linked.connecting import Connections, linked_run
from roottrading.runtimes.market import Market
from roottrading.runtimes.result import journal
from roottrading.runtimes.session import Position
from tests.integration.test_wire_parity import KEY, SECRET, stepped_exchange
from tests.parity.learning_runs import learning_run, left_by

HALT = ControlChanged(0, "state", "halted", "", "", "anna", "news")
FLATTEN = ControlChanged(0, "flatten", "halted", "", "", "anna", "")


async def halted(settings: Settings, cast: Cast, market: Market, at: Time) -> MemoryStore:
    store = MemoryStore(ALL_TABLES)
    commands = [HALT, FLATTEN]
    async with stepped_exchange(settings, market) as (url, admin):
        connections = Connections(places_at(url), credentials(KEY, SECRET), market.symbols, stepped=True)

        def watch(position: Position, rows: Sequence[Row]) -> None:
            while commands and position.at >= at:
                store.post_control(commands.pop(0))
            if position.at >= market.end:
                run.stop.set()

        run = linked_run(settings, cast, market.symbols, connections, store, watch, admin)
        await asyncio.wait_for(run.run(), 300)
    return store


def test_commands_are_taken_at_the_next_move() -> None:
    settings, cast, market = learning_run("2021-04-16T22:00:00Z", "2021-04-17T04:00:00Z")
    settings = replace(settings, aggregator=replace(settings.aggregator, weighting="equal"))
    cycles = journal(run_backtest(settings, cast, market), "trade_cycles")
    cycle = next(each for each in cycles if each.updated_at - each.created_at > 20 * MINUTE)
    at = cycle.created_at + 10 * MINUTE
    store = asyncio.run(halted(settings, cast, market, at))
    bought = [order.created_at for order in journal(store, "orders") if order.side == "BUY"]
    assert max(bought) <= at
    (sold,) = [each for each in journal(store, "trade_cycles") if each.id == cycle.id]
    assert at <= sold.updated_at <= at + MINUTE
    said = [alert.text for alert in journal(store, "alerts") if alert.subject == "control"]
    assert said[0] == "anna used state (state halted): news"
    assert left_by(asyncio.run(halted(settings, cast, market, at))) == left_by(store)
