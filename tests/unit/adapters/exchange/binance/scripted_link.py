"""A link at a scripted exchange that greets it properly, and what tests wait for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.signing import Credentials, credentials
from roottrading.domain.time import MILLISECOND, SECOND
from roottrading.messages.exchange import ExchangeEvent, LinkChanged, ReconcileDue
from tests.unit.adapters.exchange.binance.scripted import KEY, SECRET, Scripted, ok, scripted

HMAC: Final = credentials(KEY, SECRET)
QUICK: Final = LinkSettings(
    receive_window=SECOND,
    patience=150 * MILLISECOND,
    connect_timeout=SECOND,
    answer_timeout=600 * MILLISECOND,
    repeats=1,
    first_pause=50 * MILLISECOND,
)
BALANCE: Final = {"asset": "USDT", "free": "1000.00", "locked": "0.00"}
RATES: Final = {
    "symbol": "BTCUSDT",
    "standardCommission": {"maker": "0.0002", "taker": "0.0004", "buyer": "0", "seller": "0"},
    "discount": {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75"},
}
Event = TypeVar("Event", bound=ExchangeEvent)


def ed25519() -> Credentials:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return credentials(KEY, pem)


def instrument(symbol: str = "BTCUSDT", status: str = "TRADING", step: str = "0.00001000") -> dict[str, Any]:
    return {
        "symbol": symbol,
        "status": status,
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT", "MARKET"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": step},
        ],
    }


def exchange_info(*symbols: dict[str, Any]) -> dict[str, Any]:
    limit = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100}
    strange = {"rateLimitType": "WISHES", "interval": "LIFE", "intervalNum": 3, "limit": 3}
    return {"rateLimits": [limit, strange, 5], "symbols": list(symbols or [instrument()])}


def polite(exchange: Scripted) -> None:
    """Let the exchange answer all that a link asks by itself."""
    account = {"balances": [BALANCE]}
    for words in ("GET account", "account.status"):
        exchange.answer(words, lambda _: ok(dict(account)))
    for words in ("GET account/commission", "account.commission"):
        exchange.answer(words, lambda _: ok(dict(RATES)))
    for words in ("GET openOrders", "openOrders.status", "GET myTrades", "myTrades"):
        exchange.answer(words, lambda _: ok([]))
    exchange.answer("GET exchangeInfo", ok(exchange_info()))
    exchange.answer("userDataStream.subscribe.signature", lambda _: ok({"subscriptionId": 0}))
    exchange.answer("userDataStream.subscribe", lambda _: ok({"subscriptionId": 0}))
    exchange.answer("session.logon", lambda _: ok({"apiKey": KEY}))


class Listener:
    """What a link said so far."""

    def __init__(self, link: BinanceLink) -> None:
        self.link = link
        self.events: list[ExchangeEvent] = []
        self.together: list[tuple[ExchangeEvent, ...]] = []
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for events in self.link.events():
            self.events += events
            self.together.append(tuple(events))
            self._news.set()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[Event], fits: Callable[[Event], bool] = lambda _: True, times: int = 1) -> Event:
        """Wait until events of a kind were said so many times; return the last."""
        while len(found := [event for event in self.of(kind) if fits(event)]) < times:
            self._news.clear()
            await self._news.wait()
        return found[-1]

    async def greeted(self, times: int = 1) -> None:
        await self.until(ReconcileDue, times=times)

    def clear(self) -> None:
        self.events.clear()

    async def went(self, part: str, state: str) -> LinkChanged:
        return await self.until(LinkChanged, lambda event: (event.part, event.state) == (part, state))

    async def finish(self) -> None:
        await self._task


@asynccontextmanager
async def linked(
    exchange: Scripted,
    settings: LinkSettings = QUICK,
    signer: Credentials = HMAC,
    greeted: bool = True,
    symbols: Sequence[str] = ("BTCUSDT",),
) -> AsyncIterator[tuple[BinanceLink, Listener]]:
    """Open a link, wait for its greeting, close it."""
    link = BinanceLink(exchange.endpoints, signer, symbols, settings)
    await link.open()
    listener = Listener(link)
    try:
        if greeted:
            await listener.greeted()
        yield link, listener
    finally:
        await link.close()
        await listener.finish()


def run(test: Callable[[Scripted], Coroutine[Any, Any, None]]) -> None:
    """Run a test against a polite exchange, for ten seconds at most."""

    async def whole() -> None:
        async with asyncio.timeout(10), scripted() as exchange:
            polite(exchange)
            await test(exchange)

    asyncio.run(whole())


def fresh(request: Any, link: BinanceLink) -> Any:
    """Return a request as if it were issued now."""
    return replace(request, issued_at=link.now())
