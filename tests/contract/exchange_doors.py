"""Two doors to one matching core: called in process, and over Binance's wire with our own client and server."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final, Protocol

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.adapters.exchange.binance.settings import LinkSettings, endpoints_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.exchange.simulated.exchange import SimulatedExchange
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.shipped import shipped_instruments
from roottrading.domain.balance import Balance
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import MILLISECOND, SECOND, Time, parse_time
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.keys import HmacSecret, PublicKey
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.operations import ENDPOINTS
from roottrading.exchange_server.ports import Clock
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.venue import TradingVenue
from roottrading.messages.exchange import (
    EXIT,
    AccountChanged,
    AnyRequest,
    CancelRefused,
    ExchangeEvent,
    ExecutionsReported,
    InstrumentChanged,
    OpenOrdersReported,
    OrderAbsent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderRefused,
    OrderReported,
    OrderTriggered,
    OutcomeUnknown,
    QueryAccount,
    ReconcileDue,
)

SYMBOL: Final = "BTCUSDT"
BEGIN: Final = parse_time("2024-08-08T12:00:00Z")
KEY, SECRET = "contract-key", "contract-secret"
MONEY: Final = {"USDT": Decimal(100_000), "BTC": Decimal("0.000004")}
MODEL: Final = FillModel(slippage=ZERO)
Secret = str | Ed25519PrivateKey | RSAPrivateKey
QUICK: Final = LinkSettings(reconcile_every=200 * MILLISECOND, first_pause=50 * MILLISECOND)


def instruments(lists: bool = True) -> dict[str, Instrument]:
    """Return the shipped instrument, with all that an exchange may allow; without `lists` no OTO and no OPO."""
    return {SYMBOL: replace(shipped_instruments()[SYMBOL], opo_allowed=lists, oto_allowed=lists)}


class Story:
    """What events say, each thing once, however often and in whatever order it was told."""

    def __init__(self) -> None:
        self.opened: dict[str, tuple[Any, ...]] = {}
        self.triggered: set[str] = set()
        self.executed: dict[int, tuple[Any, ...]] = {}
        self.ended: dict[str, tuple[Any, ...]] = {}
        self.refused: list[tuple[Any, ...]] = []
        self.cancels_refused: list[tuple[str, int]] = []
        self.reported: dict[str, tuple[Any, ...]] = {}
        self.absent: list[str] = []
        self.unknown: list[str] = []
        self.balances: dict[str, Balance] = {}
        self.open_orders: list[tuple[str, ...]] = []
        self.listed: list[tuple[tuple[str, int], ...]] = []
        self.status = "TRADING"

    def fold(self, event: ExchangeEvent) -> None:
        """Take one event."""
        name = event.client_order_id
        match event:
            case OrderOpened():
                known = self.opened.get(name)
                quantity = event.quantity or (known[2] if known else None)
                if event.type == "MARKET":
                    quantity = None  # one by amount is sized when it meets the market, which the wire tells at once
                self.opened[name] = (event.side, event.type, quantity, event.price, event.stop_price)
            case OrderTriggered():
                self.triggered.add(name)
            case OrderExecuted():
                fill = (name, event.side, event.price, event.quantity, event.executed_quantity, event.status)
                fee = (event.fee, event.fee_asset, event.fee_rate, event.is_maker)
                self.executed[event.trade_id] = (*fill, *fee)
            case OrderEnded():
                known = self.ended.get(name)
                reason = event.reason or (known[2] if known else "")
                self.ended[name] = (event.status, event.executed_quantity, reason)
            case OrderRefused():
                # why a cancel failed is told in the wire's own words
                words = "" if event.cancel_code else event.message
                self.refused.append((name, event.code, words, event.cancel_code))
            case CancelRefused():
                self.cancels_refused.append((name, event.code))
            case OutcomeUnknown():
                self.unknown.append(name)
            case InstrumentChanged():
                self.status = event.status
            case _:
                self._fold_answer(event)

    def _fold_answer(self, event: ExchangeEvent) -> None:
        name = event.client_order_id
        match event:
            case OrderReported():
                what = (event.side, event.type, event.quantity, event.price, event.stop_price)
                self.reported[name] = (*what, event.executed_quantity, event.status, event.triggered)
            case OrderAbsent():
                self.absent.append(name)
            case AccountChanged():
                self.balances.update({balance.asset: balance for balance in event.balances})
            case OpenOrdersReported() if name:
                self.open_orders.append(tuple(sorted(order.client_order_id for order in event.orders)))
            case ExecutionsReported() if name:
                self.listed.append(tuple((each.client_order_id, each.trade_id) for each in event.executions))
            case _:
                pass

    def facts(self) -> dict[str, Any]:
        """Return all of it, to compare with another door's; balances of 0 are as good as none."""
        held = {name: balance for name, balance in self.balances.items() if balance.free or balance.locked}
        return {**vars(self), "balances": held}


class Door(Protocol):
    """One way to ask the exchange."""

    story: Story

    def now(self) -> Time:
        """Return the exchange's time."""

    async def ask(self, *requests: AnyRequest) -> None:
        """Hand requests over in their order, and hear all that follows."""

    async def price(self, price: str, volume: str = "1000") -> None:
        """Move the market to a price, with so much volume there."""

    async def set_status(self, status: str) -> None:
        """Halt the market, or open it."""


class InProcess:
    """The matching core, called."""

    def __init__(self) -> None:
        self.story = Story()
        self._exchange = SimulatedExchange(instruments(), FeeSchedule(), MODEL, MONEY)
        self._fold(self._exchange.execute(QueryAccount(SYMBOL, "", EXIT, BEGIN), BEGIN))

    def now(self) -> Time:
        return BEGIN

    async def ask(self, *requests: AnyRequest) -> None:
        for request in requests:
            self._fold(self._exchange.execute(request, BEGIN))

    async def price(self, price: str, volume: str = "1000") -> None:
        self._fold(self._exchange.price_moved(SYMBOL, Decimal(price), Decimal(volume), BEGIN))

    async def set_status(self, status: str) -> None:
        self._fold(self._exchange.set_status(SYMBOL, status, BEGIN))

    def _fold(self, events: Sequence[ExchangeEvent]) -> None:
        for event in events:
            self.story.fold(event)


class OnTheWire:
    """The same core behind our server, asked by our client over a real socket."""

    def __init__(self, link: BinanceLink, venue: TradingVenue, clock: "RunningClock") -> None:
        self.story = Story()
        self._link = link
        self._venue = venue
        self._clock = clock
        self._news = asyncio.Event()
        self._sentinels = 0
        self.compared = False
        self._heard: set[str] = set()
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for events in self._link.events():
            for event in events:
                self._heard.add(event.client_order_id)
                self.compared |= isinstance(event, ReconcileDue)
                self.story.fold(event)
            self._news.set()

    def now(self) -> Time:
        return self._clock.now()

    async def ask(self, *requests: AnyRequest) -> None:
        self._link.send(requests)
        await self.settle()

    async def greeted(self) -> None:
        """Wait until the link has compared the account with the exchange: before that no entry is sent."""
        await self._until(lambda: self.compared)
        await self.settle()

    async def settle(self) -> None:
        """Wait until a question that was sent after all else is answered, twice: then all else was heard."""
        for _ in range(2):
            self._sentinels += 1
            name = f"sentinel-{self._sentinels}"
            self._link.send([QueryAccount(SYMBOL, name, EXIT, self._link.now())])
            await self._until(lambda name=name: name in self._heard)

    async def _until(self, fits: Any) -> None:
        while not fits():
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 10)

    async def price(self, price: str, volume: str = "1000") -> None:
        self._venue.price_moved(SYMBOL, Decimal(price), Decimal(volume), self.now())
        await self.settle()

    async def set_status(self, status: str) -> None:
        self._venue.set_status(SYMBOL, status, self.now())
        await self._until(lambda: self.story.status == status)


class RunningClock:
    """The exchange's clock: begins where the test says, and runs."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> Time:
        return BEGIN + int((time.monotonic() - self._began) * SECOND)

    async def turn(self, symbol: str, client_order_id: str) -> None:
        return


def private_pem(key: Ed25519PrivateKey | RSAPrivateKey) -> str:
    """Return a private key as its owner keeps it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@asynccontextmanager
async def served(
    venue: TradingVenue, clock: Clock, secret: Secret, meddling: Callable[[ExchangeServer], None] = lambda server: None
) -> AsyncIterator[str]:
    """Serve the exchange on a free port; yield its address. `meddling` is let in before anybody is served."""
    server = ExchangeServer(venue, clock, ENDPOINTS, LimitSettings())
    meddling(server)
    server.keys.add(KEY, HmacSecret(secret) if isinstance(secret, str) else PublicKey(secret.public_key()), "us")
    venue.open_account("us", MONEY, clock.now())
    runner = web.AppRunner(build_app(server), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def on_the_wire(secret: Secret = SECRET) -> AsyncIterator[OnTheWire]:
    """Open a link to a served exchange, and wait for its greeting."""
    text = secret if isinstance(secret, str) else private_pem(secret)
    clock = RunningClock()
    venue = TradingVenue(instruments(), FeeSchedule(), MODEL)
    async with served(venue, clock, secret) as address:
        link = BinanceLink(endpoints_at(address), credentials(KEY, text), [SYMBOL], QUICK)
        await link.open()
        door = OnTheWire(link, venue, clock)
        try:
            await door.greeted()
            yield door
        finally:
            await link.close()
            await door.listening


@asynccontextmanager
async def in_process() -> AsyncIterator[InProcess]:
    """Return the core, called."""
    yield InProcess()
