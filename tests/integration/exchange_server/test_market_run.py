"""Simulated money on the market of our exchange server, in one process with it: cuts, halts, filters, commands."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from msgspec.structs import replace

from roottrading.adapters.exchange.binance.streams.binance_market import market_endpoints_at
from roottrading.adapters.store.memory import MemoryStore
from roottrading.config.settings import RunSettings, Settings
from roottrading.domain.time import MINUTE, SECOND, parse_time
from roottrading.exchange_server.faults.fault import Fault
from roottrading.messages.service import ControlChanged
from roottrading.runtimes.assembly import ALL_TABLES, cast
from roottrading.runtimes.embedded import Progress
from roottrading.runtimes.linked.connecting import LinkedMarket
from roottrading.runtimes.linked.market_connection import MarketConnection
from roottrading.runtimes.linked.market_running import MarketRun
from roottrading.services.analyzer import StrategyUse
from roottrading.services.coordinator.verdicts_to_commands import Coordinator
from roottrading.strategies.ema_cross import EmaCross

from .market_place import LTC, Place, market_place
from .test_mirror import PATIENCE, ticking, wait

RATE = 300
BEGIN = parse_time("2021-04-17T00:00:00Z")


class Followed:
    """A run on a place's market, and what it has come to."""

    def __init__(self, place: Place) -> None:
        self.store = MemoryStore(ALL_TABLES)
        self.played: list[int] = []
        self.seen: Progress | None = None
        settings = Settings(run=RunSettings(symbols=("LTCUSDT",)))
        settings = replace(settings, aggregator=replace(settings.aggregator, weighting="equal"))
        endpoints = market_endpoints_at(f"http://{place.host}")
        acting = cast(settings, (StrategyUse("ema_cross", EmaCross(), "1m"),), LinkedMarket(("LTCUSDT",)))
        self.run = MarketRun(
            settings,
            acting,
            lambda symbols, hear: MarketConnection(endpoints, symbols, hear, rate=RATE, look_every=SECOND),
            self.store,
            self.observe,
        )

    def observe(self, progress: Progress) -> bool:
        self.seen = progress
        if progress.position.phase == "candles" and progress.position.at not in self.played[-1:]:
            self.played.append(progress.position.at)
        return True

    def coordinator(self) -> Coordinator:
        assert self.seen is not None
        service = self.seen.session.wiring.units["coordinator"].service
        assert isinstance(service, Coordinator)
        return service


def play(script: Callable[[Place, Followed], Awaitable[None]]) -> None:
    async def run() -> None:
        async with market_place((LTC,), f"{RATE}x", BEGIN) as place, ticking(place):
            followed = Followed(place)
            running = asyncio.create_task(followed.run.run())
            await wait("the first minutes", lambda: len(followed.played) > 2 or running.done())
            await script(place, followed)
            followed.run.interrupt()
            async with asyncio.timeout(PATIENCE):
                assert (await running).at == followed.played[-1]
            assert followed.played == list(range(followed.played[0], followed.played[-1] + 1, MINUTE))
            assert len(followed.run.candles) == len(followed.played)

    asyncio.run(run())


def test_status_and_filters_of_the_market_are_those_of_the_simulated_exchange() -> None:
    async def script(place: Place, followed: Followed) -> None:
        venue, clock = place.exchange.venue, place.exchange.clock
        assert followed.seen is not None
        exchange = followed.seen.session.exchange
        books = exchange.parts.books  # type: ignore[attr-defined]  # the simulated one
        venue.set_status("LTCUSDT", "HALT", clock.now())
        await wait("the halt", lambda: books["LTCUSDT"].market.status == "HALT")
        venue.set_status("LTCUSDT", "TRADING", clock.now())
        await wait("its end", lambda: books["LTCUSDT"].market.status == "TRADING")
        venue.change_filters(replace(venue.instruments["LTCUSDT"], min_quantity=Decimal("0.05")), clock.now())
        await wait("the filter", lambda: books["LTCUSDT"].least_quantity == Decimal("0.05"))

    play(script)


def test_what_a_cut_left_out_is_played_in_its_turn() -> None:
    async def script(place: Place, followed: Followed) -> None:
        for fault in (
            Fault(kind="refusal", where="GET /api/v3/klines", status=503, times=4),
            Fault(kind="drop", value="streams"),
        ):
            place.exchange.agenda.add(fault)
        at = followed.played[-1]
        await wait("later minutes", lambda: followed.played[-1] > at + 20 * MINUTE)

    play(script)


def test_a_persons_command_is_obeyed_while_the_market_says_nothing() -> None:
    async def script(place: Place, followed: Followed) -> None:
        number = followed.store.post_control(ControlChanged(0, "state", "halted", "", "", "me", "lunch"))
        await wait("the command", lambda: followed.store.load().control == number)

    play(script)
