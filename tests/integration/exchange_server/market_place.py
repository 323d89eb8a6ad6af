"""A whole exchange on loopback for tests of its market: a wall clock moved by hand, and eyes on the wire."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import ClientSession, ClientTimeout, ClientWebSocketResponse, WSMsgType, web
from yarl import URL

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.shipped import FOLDER, shipped_instruments
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import SECOND, Time, parse_time
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.assembly import Exchange, Terms, assemble
from roottrading.exchange_server.keys import HmacSecret
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.opening import open_market
from roottrading.exchange_server.socket_settings import SocketSettings

KEY, SECRET = "tester", "hidden"
FEED = Path(__file__).parents[2] / "data" / "feeds" / "btcusdt_20240808_part.gz"
LTC = FOLDER / "LTCUSDT-1m-2021-04-10_2021-04-26.csv.gz"
BNB = FOLDER / "BNBUSDT-1m-2021-04-10_2021-04-26.csv.gz"
TAPE_FROM = parse_time("2021-04-17T00:00:00Z")


class HandWall:
    """Seconds of the wall, moved by a test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Place:
    """The exchange, its address, and time by hand."""

    def __init__(self, exchange: Exchange, wall: HandWall, host: str, session: ClientSession) -> None:
        self.exchange = exchange
        self.wall = wall
        self.host = host
        self.session = session
        self.headers: Mapping[str, str] = {}  # of the last answer to a signed request

    def pass_time(self, microseconds: int) -> Time:
        """Let so much of the exchange's time go by at the real pace."""
        self.wall.seconds += microseconds / SECOND
        return self.exchange.clock.now()

    def open_account(self, **balances: int) -> None:
        """Open the account KEY."""
        self.exchange.server.keys.add(KEY, HmacSecret(SECRET), KEY)
        held = {asset: Decimal(amount) for asset, amount in balances.items()}
        self.exchange.venue.open_account(KEY, held, self.exchange.clock.now())

    def signed(self, **parameters: Any) -> str:
        """Return a query with its signature, as of the exchange's time."""
        now = self.exchange.server.clock.now() // 1000
        query = urlencode({**parameters, "timestamp": now, "recvWindow": 60_000})
        return f"{query}&signature={hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()}"

    async def send(self, method: str, path: str, timeout: float = 10, **parameters: Any) -> tuple[int, Any]:
        """Send a signed request; return status, and body as JSON or (where it is none) as bytes."""
        url = URL(f"http://{self.host}{path}?{self.signed(**parameters)}", encoded=True)
        async with self.session.request(
            method, url, headers={"X-MBX-APIKEY": KEY}, timeout=ClientTimeout(total=timeout)
        ) as response:
            body = await response.read()
            self.headers = response.headers
            try:
                return response.status, msgspec.json.decode(body)
            except msgspec.DecodeError:
                return response.status, body

    async def get(self, path: str, **query: Any) -> Any:
        async with self.session.get(f"http://{self.host}/api/v3/{path}", params=query) as response:
            return msgspec.json.decode(await response.read())

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[ClientWebSocketResponse]:
        async with self.session.ws_connect(f"ws://{self.host}{path}") as socket:
            yield socket


async def read(socket: ClientWebSocketResponse) -> Any:
    """Return the next JSON message."""
    message = await socket.receive(timeout=10)
    assert message.type is WSMsgType.TEXT, message
    return msgspec.json.decode(message.data)


async def said(socket: ClientWebSocketResponse) -> list[Any]:
    """Return all messages up to the answer of a question asked now: frames come in order."""
    await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": "so far"})
    found = []
    while (message := await read(socket)) != {"result": message.get("result"), "id": "so far"}:
        found.append(message)
    return found


@asynccontextmanager
async def market_place(
    paths: Sequence[Path] = (LTC, BNB),
    clock: str = "real",
    start: Time | None = TAPE_FROM,
    sockets: SocketSettings | None = None,
) -> AsyncIterator[Place]:
    """Serve an exchange without slippage; accounts are the test's business."""
    model = FillModel(slippage=Decimal(0))
    opened = open_market(paths, shipped_instruments(), model, start=start)
    wall = HandWall()
    terms = Terms(clock, FeeSchedule(), model, LimitSettings(), sockets=sockets or SocketSettings(messages=10**6))
    exchange = assemble(opened, terms, wall)
    runner = web.AppRunner(build_app(exchange.server), shutdown_timeout=0.2)  # sockets do not end by themselves
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with ClientSession() as session:
        try:
            yield Place(exchange, wall, f"{host}:{port}", session)
        finally:
            await session.close()
            await runner.cleanup()
