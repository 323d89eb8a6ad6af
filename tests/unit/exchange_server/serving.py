"""A served exchange for tests: BTCUSDT and BNBUSDT, a clock set by hand, and a client that signs."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession, web

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.shipped import shipped_instruments
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import SECOND, Time, parse_time
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.keys import HmacSecret
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.operations import ENDPOINTS
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.venue import TradingVenue

BEGIN = parse_time("2024-08-08T12:00:00Z")
KEY, SECRET = "tester", "secret"
OTHER_KEY, OTHER_SECRET = "another", "hidden"


class HandClock:
    """A clock that a test sets."""

    def __init__(self, now: Time = BEGIN) -> None:
        self.time = now

    def now(self) -> Time:
        return self.time

    async def turn(self, symbol: str, client_order_id: str) -> None:
        return


def new_server(
    limits: LimitSettings | None = None,
    symbols: tuple[str, ...] = ("BNBUSDT", "BTCUSDT", "ETHUSDT"),
    fees: FeeSchedule | None = None,
) -> tuple[ExchangeServer, HandClock]:
    clock = HandClock()
    listed = {symbol: each for symbol, each in shipped_instruments().items() if symbol in symbols}
    venue = TradingVenue(listed, fees or FeeSchedule(), FillModel(slippage=Decimal(0)))
    server = ExchangeServer(venue, clock, ENDPOINTS, limits or LimitSettings())
    for key, secret in ((KEY, SECRET), (OTHER_KEY, OTHER_SECRET)):
        server.keys.add(key, HmacSecret(secret), key)
        venue.open_account(key, {"USDT": Decimal(100_000), "BTC": Decimal(2)}, clock.time)
    venue.price_moved("BTCUSDT", Decimal(60_000), Decimal(1_000), clock.time)
    return server, clock


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: Mapping[str, str], body: Any) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Client:
    """Signs as Binance wants it."""

    def __init__(self, session: ClientSession, base: str, clock: HandClock, key: str = KEY, secret: str = SECRET):
        self.session = session
        self.base = base
        self.clock = clock
        self.key = key
        self.secret = secret

    async def call(self, method: str, path: str, **parameters: Any) -> Answer:
        return await self.send(method, path, urlencode(parameters), {})

    async def signed(self, method: str, path: str, **parameters: Any) -> Answer:
        query = urlencode({"timestamp": self.clock.time // 1000, **parameters})
        signature = hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return await self.send(method, path, f"{query}&signature={signature}", {"X-MBX-APIKEY": self.key})

    async def send(
        self, method: str, path: str, query: str, headers: Mapping[str, str], data: bytes | None = None
    ) -> Answer:
        from yarl import URL

        url = URL(f"{self.base}{path}?{query}", encoded=True)
        async with self.session.request(method, url, headers=headers, data=data) as response:
            if response.content_type == "application/json":
                return Answer(response.status, response.headers, await response.json())
            return Answer(response.status, response.headers, await response.text())


@asynccontextmanager
async def serving(server: ExchangeServer) -> AsyncIterator[str]:
    """Serve on a free port of the loopback; yield host and port."""
    runner = web.AppRunner(build_app(server))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


def with_client(test: Callable[[Client, ExchangeServer], Awaitable[None]], limits: LimitSettings | None = None) -> None:
    """Run a test against a served exchange."""

    async def run() -> None:
        server, clock = new_server(limits)
        async with serving(server) as place, ClientSession() as session:
            await test(Client(session, f"http://{place}", clock), server)

    asyncio.run(run())


def later(clock: HandClock, seconds: int = 1) -> None:
    clock.time += seconds * SECOND
