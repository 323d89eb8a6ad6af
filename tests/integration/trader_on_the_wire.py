"""A trader on a real connection: deadlines by the clock, requests after its rows are kept, killed and loaded again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.adapters.exchange.binance.settings import LinkSettings, endpoints_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.fill import Fill
from roottrading.domain.ids import client_order_id, cycle_id
from roottrading.domain.order import Order
from roottrading.domain.time import MILLISECOND, SECOND
from roottrading.exchange_server.drifting import DriftingClock
from roottrading.exchange_server.faults.acts import Acts
from roottrading.exchange_server.faults.meddling import Meddling
from roottrading.exchange_server.faults.register import Register
from roottrading.exchange_server.market.sockets import StreamSockets
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.socket_settings import SocketSettings
from roottrading.exchange_server.traffic import Traffic
from roottrading.exchange_server.venue import TradingVenue
from roottrading.messages.commands import CloseTradeCycle, OpenTradeCycle, ProtectionPlan
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import TradeCycleMoved, facts_of
from roottrading.messages.exchange import ExchangeReply, ReconcileDue, canonical_order
from roottrading.messages.service import DeadlineDue, Input, Resumed, Row
from roottrading.services.trader import TABLES, Trader, TraderSettings
from tests.contract.exchange_doors import KEY, MODEL, SECRET, SYMBOL, RunningClock, instruments, served
from tests.integration.cutting import Wire, wire_to

DEPLOYMENT: Final = "sim"
ACCOUNT: Final = "us"
CYCLE: Final = cycle_id(DEPLOYMENT, f"{SYMBOL}/1")
# As in life, but quicker: an order that is absent after 300 ms + 700 ms was never placed.
WINDOW: Final = 300 * MILLISECOND
PATIENCE: Final = TraderSettings(receive_window_ms=300, absent_after_ms=700, ask_every_ms=100, alert_after_ms=250)
LINK: Final = LinkSettings(
    receive_window=WINDOW,
    patience=150 * MILLISECOND,
    connect_timeout=500 * MILLISECOND,
    answer_timeout=400 * MILLISECOND,
    repeats=1,
    reconcile_every=500 * MILLISECOND,
    first_pause=50 * MILLISECOND,
    longest_pause=200 * MILLISECOND,
)
RECORDS: Final = {table.name: table for table in TABLES}


def opening(link: BinanceLink, quantity: str = "0.1") -> OpenTradeCycle:
    """Return the command to buy at 60,100 or better, with a stop at 59,000 and a target at 62,000."""
    ids = (client_order_id(DEPLOYMENT, CYCLE, leg, 1) for leg in "estl")
    plan = ProtectionPlan(Decimal(59_000), Decimal(62_000), None, *ids)
    now = link.now()
    size, worst = Decimal(quantity), Decimal(60_100)
    return OpenTradeCycle(CYCLE, SYMBOL, f"{SYMBOL}/1", 7, "test", "", now, size, worst, plan, now + 60 * SECOND)


def closing() -> CloseTradeCycle:
    return CloseTradeCycle(CYCLE, SYMBOL, "verdict")


class Desk:
    """One trader at one link; `rows` are what a store would hold."""

    def __init__(
        self, link: BinanceLink, wire: Wire, venue: TradingVenue, clock: RunningClock, faults: Register
    ) -> None:
        self.faults = faults
        self.greeted = False
        self._instruments = venue.instruments
        self.link = link
        self.wire = wire
        self.venue = venue
        self.clock = clock
        self.rows: dict[tuple[str, tuple[str | int, ...]], bytes] = {}
        self.said: list[Message] = []
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._sequence = 0
        self._news = asyncio.Event()
        self._trader = self._loaded()
        self.listening = asyncio.create_task(self._listen())

    # ---- driving

    async def _listen(self) -> None:
        async for told in self.link.events():
            self.greeted |= any(isinstance(event, ReconcileDue) for event in told)
            self.give(told[0] if len(told) == 1 else ExchangeReply(tuple(told)))

    def give(self, given: Input) -> None:
        """Decide, keep the rows, then send."""
        decision = self._trader.decide(given, self.link.now())
        for row in decision.rows:
            key = (row.table, row.key)
            if row.values is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = msgspec.json.encode(row.values)
        self.said += [fact for out in decision.messages for fact in facts_of(out.body)]
        for name, when in decision.deadlines:
            if (timer := self._timers.pop(name, None)) is not None:
                timer.cancel()
            if when is not None:
                delay = max(0, when - self.link.now()) / SECOND
                self._timers[name] = asyncio.get_running_loop().call_later(delay, self._due, name)
        self.link.send(sorted(decision.requests, key=canonical_order))
        self._news.set()

    def _due(self, name: str) -> None:
        self._timers.pop(name, None)
        self.give(DeadlineDue(name))

    def command(self, body: Message) -> None:
        self._sequence += 1
        envelope = Envelope(
            "coordinator", f"trade.commands/{SYMBOL}", self._sequence, self._sequence - 1, self.link.now(), "", body
        )
        self.give(envelope)

    def kill(self) -> None:
        """Lose the trader with all it has in mind, and load it again from what it kept."""
        self._trader = self._loaded()
        self.give(Resumed())

    def _loaded(self) -> Trader:
        trader = Trader(DEPLOYMENT, self._instruments, FeeSchedule(), PATIENCE)
        trader.restore(
            Row(table, key, msgspec.json.decode(data, type=RECORDS[table].record))
            for (table, key), data in self.rows.items()
            if RECORDS[table].kept == "state"
        )
        return trader

    async def until(self, fits: Callable[[], Any]) -> None:
        """Wait until something is so."""
        while not fits():
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), 0.05)
            except TimeoutError:
                continue

    async def moved(self, *statuses: str) -> str:
        """Wait until the cycle is in one of these; return in which."""
        await self.until(lambda: self.status in statuses)
        return self.status

    def price(self, price: str) -> None:
        """Move the market."""
        self.venue.price_moved(SYMBOL, Decimal(price), Decimal(1_000), self.clock.now())

    # ---- looking

    @property
    def status(self) -> str:
        return next((fact.status for fact in reversed(self.said) if isinstance(fact, TradeCycleMoved)), "")

    def records(self, table: str) -> list[Any]:
        return [
            msgspec.json.decode(data, type=RECORDS[table].record)
            for (name, _), data in self.rows.items()
            if name == table
        ]

    @property
    def fills(self) -> list[Fill]:
        return sorted(self.records("fills"), key=lambda fill: fill.trade_id)

    @property
    def orders(self) -> list[Order]:
        return self.records("orders")


@asynccontextmanager
async def desk(lists: bool = True) -> AsyncIterator[Desk]:
    """Open a desk at a served exchange whose price is 60,000, and let it take over the account.

    Without `lists` an entry and its protection are two requests.
    """
    clock = RunningClock()
    venue = TradingVenue(instruments(lists), FeeSchedule(), MODEL)
    venue.price_moved(SYMBOL, Decimal(60_000), Decimal(1_000), clock.now())
    faults, drifting = Register(), DriftingClock(clock)

    def meddle(server: ExchangeServer) -> None:
        acts = Acts(venue, drifting, set(), {})
        streams = StreamSockets(Traffic(), SocketSettings())
        server.meddler = Meddling(faults, acts, streams, server.subscribers, drifting.now)

    async with served(venue, drifting, SECRET, meddle) as address, wire_to(urlsplit(address).port or 0) as (wire, port):
        link = BinanceLink(endpoints_at(f"http://127.0.0.1:{port}"), credentials(KEY, SECRET), [SYMBOL], LINK)
        await link.open()
        found = Desk(link, wire, venue, clock, faults)
        try:
            found.give(Resumed())
            await found.until(lambda: found.greeted)
            yield found
        finally:
            for timer in found._timers.values():
                timer.cancel()
            await link.close()
            await found.listening
