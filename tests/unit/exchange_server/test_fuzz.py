"""Whatever is sent: the server answers, with a refusal where there is nothing else to say."""

import asyncio
import contextlib
import json
import os
import random
from decimal import Decimal
from typing import Any
from urllib.parse import quote_from_bytes

from roottrading.domain.order import ENDED
from roottrading.exchange_server.endpoint import Endpoint
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.rest import parse
from roottrading.exchange_server.server import ExchangeServer, Inbound
from roottrading.exchange_server.session import Session
from tests.unit.exchange_server.serving import BEGIN, KEY, Answer, Client, new_server, with_client
from tests.unit.exchange_server.test_order_lists import OCO, OPOCO

ROUNDS = int(os.environ.get("FUZZ", "10000"))
NUMBERS = ("0", "1", "2", "0.1", "0.5", "-1", "1e5", "60000", "59000", "61000", "0.00001", "9" * 30, "NaN", "Infinity")
WORDS = (
    "BTCUSDT", "ETHUSDT", "btcusdt", "NOSUCH", "BUY", "SELL", "LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS",
    "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "GTC", "IOC", "FOK", "FULL", "ACK", "true", "false",
    "STOP_ON_FAILURE", "ALLOW_FAILURE", "EXPIRE_TAKER", "NONE", "DECREMENT", '["BTCUSDT"]', '["BTCUSDT","BTCUSDT"]',
    "[", "{}", "null", "", " ", "\u0000", "é", "\ud800", "１２３", "١", "a" * 37, "x", "1m", "1M", "ONLY_NEW",
)  # fmt: skip
LIKELY = {
    "symbol": ("BTCUSDT",),
    "side": ("BUY", "SELL"),
    "workingSide": ("BUY", "SELL"),
    "pendingSide": ("BUY", "SELL"),
    "timestamp": (str(BEGIN // 1000),),
    "recvWindow": ("5000",),
    "newClientOrderId": ("a", "b", "c"),
    "origClientOrderId": ("a", "b", "c"),
    "cancelOrigClientOrderId": ("a", "b", "c"),
    "cancelReplaceMode": ("STOP_ON_FAILURE", "ALLOW_FAILURE"),
}
UNLIKELY = ("trailingdelta", "icebergqty", "pegprice", "pegoffset")


def value(name: str, chance: random.Random) -> str:
    """Return something to send; mostly what makes sense, so that it gets past the first check."""
    if chance.random() < 0.03:
        return chance.choice(WORDS)
    if name in LIKELY:
        return chance.choice(LIKELY[name])
    lower = name.lower()
    if lower.endswith("type") and "resp" not in lower and "strategy" not in lower:
        return chance.choice(("LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"))
    if "force" in lower:
        return chance.choice(("GTC", "IOC", "FOK"))
    if lower.endswith("price"):
        return chance.choice(("57000", "58000", "59000", "60000", "61000", "62000"))
    if "quantity" in lower or "qty" in lower:
        return chance.choice(("0.1", "0.2", "0.5", "1", "0.00001"))
    if lower.endswith("id"):
        return str(chance.randrange(50))
    return chance.choice((*NUMBERS, *WORDS))


ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": "60500"}
WHOLE: dict[str, dict[str, Any]] = {
    "order.place": ORDER,
    "order.cancelReplace": ORDER | {"cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": "1"},
    "order.amend.keepPriority": {"symbol": "BTCUSDT", "orderId": "1", "newQty": "0.05"},
    "orderList.place.oco": {name: each for name, each in OCO.items() if not name.endswith("ClientOrderId")},
    "orderList.place.opoco": OPOCO,
    "orderList.place.otoco": OPOCO | {"pendingQuantity": "0.5", "workingPrice": "59000", "workingTimeInForce": "GTC"},
}


def some(endpoint: Endpoint, chance: random.Random) -> dict[str, str]:
    """Return parameters of an endpoint: often most of them, sometimes others; or a whole order with a change."""
    if endpoint.words in WHOLE and chance.random() < 0.5:
        whole = dict(WHOLE[endpoint.words])
        for name in chance.sample(sorted(whole), chance.randrange(3)):
            whole[name] = value(name, chance)
        return whole
    share = chance.choice((0.3, 0.7, 0.95))
    names = [name for name in sorted(endpoint.parameters) if chance.random() < share]
    if chance.random() < 0.97:
        names = [name for name in names if not any(part in name.lower() for part in UNLIKELY)]
    return {name: value(name, chance) for name in names}


def account_holds(server: ExchangeServer) -> None:
    """Check what must hold whatever was asked: nothing below 0, and locked is what open orders lock."""
    for balance in server.venue.balances(KEY).values():
        assert balance.free >= 0
        assert balance.locked >= 0
    for record in server.venue.ledger.orders.values():
        core = server.venue.exchange.parts.books[record.symbol]
        found = core.orders.get(record.order_id) or core.history.get(record.order_id)
        if found is None:
            continue  # the core forgets the oldest of what ended
        assert (record.status, record.executed, record.client_order_id) == (
            found.status,
            found.executed,
            found.client_order_id,
        )
        assert record.executed_quote == found.executed_quote
        assert record.is_open is (record.status not in ENDED)


def test_no_parameters_bring_an_endpoint_down() -> None:
    chance = random.Random(1)
    server, clock = new_server()
    endpoints = [each for each in server.rest.values() if each.method]
    statuses: set[int] = set()

    async def run() -> int:
        fine = 0
        for number in range(ROUNDS):
            endpoint = chance.choice(endpoints)
            if number % 50 == 0:
                clock.time += 7_000_000
                price = chance.choice((57_500, 59_500, 60_000, 60_500, 62_500))
                server.venue.price_moved("BTCUSDT", Decimal(price), Decimal(100), clock.time)
            given = {"timestamp": str(clock.time // 1000)} | some(endpoint, chance)
            if open_orders := server.venue.ledger.open_orders(KEY, "BTCUSDT"):
                for name in {"orderId", "cancelOrderId"} & given.keys():
                    given[name] = str(chance.choice(open_orders).order_id)
            inbound = Inbound(endpoint, Parameters(given), str(number), KEY, b"", False, KEY)
            try:
                json.dumps(await server.answer(inbound))
                fine += 1
            except ApiError as error:
                statuses.add(error.status)
        return fine

    accepted = asyncio.run(run())
    assert accepted > ROUNDS // 10, "hardly anything got past the first checks: nothing was tested"
    assert server.venue.ledger.lists, "no list was placed"
    assert any(record.executed for record in server.venue.ledger.orders.values()), "nothing was filled"
    assert any(record.amendments for record in server.venue.ledger.orders.values()), "nothing was amended"
    assert max(statuses) < 500
    account_holds(server)


def test_no_bytes_bring_the_parsers_down() -> None:
    chance = random.Random(2)
    server, _ = new_server()
    frames: list[bytes] = []
    session = Session(server, "peer", frames.append, micro=False, shows=True)
    methods = [*server.methods, "session.logon", "session.status", "userDataStream.subscribe.signature", "nothing"]

    async def run() -> None:
        for number in range(ROUNDS):
            data = chance.randbytes(chance.randrange(60))
            with contextlib.suppress(ApiError):
                parse(data, data[::-1])
            if number % 3 == 0:
                answer = json.loads(await session.answer(data))
            else:
                answer = json.loads(await session.answer(json.dumps(_request(methods, chance))))
            assert answer["status"] < 500
            if number % 100 == 0:
                server.limits = type(server.limits)(server.limits.settings)

    asyncio.run(run())


def _request(methods: list[str], chance: random.Random) -> Any:
    """Return a frame of the right shape, or of a wrong one."""
    junk: list[Any] = [None, True, 5, -2.5, 10**30, "x", "é", [], [1], {}, {"a": None}]
    if chance.random() < 0.1:
        return chance.choice(junk)
    names = ["symbol", "timestamp", "apiKey", "signature", "orderId", "quantity", "returnRateLimits", "subscriptionId"]
    params: Any = {name: chance.choice((*junk, *WORDS[:10])) for name in names if chance.random() < 0.5}
    if chance.random() < 0.1:
        params = chance.choice(junk)
    return {"id": chance.choice(junk), "method": chance.choice((*methods, *junk[:6])), "params": params}


def test_no_request_brings_the_server_down() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        chance = random.Random(3)
        routes = [*server.rest, ("GET", "/api/v3/nothing"), ("POST", "/"), ("GET", "/ws-api/v3"), ("TRACE", "/x")]
        headers = [{}, {"X-MBX-APIKEY": KEY}, {"X-MBX-APIKEY": "é ü"}, {"X-MBX-TIME-UNIT": "x"}]
        for _ in range(ROUNDS // 20):
            method, path = chance.choice(routes)
            query = quote_from_bytes(chance.randbytes(chance.randrange(20)), safe="&=%+/?:;")
            query = "".join(letter for letter in query if letter not in "?")
            body = chance.randbytes(chance.randrange(30)) if chance.random() < 0.5 else None
            answer: Answer = await client.send(method, path, query, chance.choice(headers), body)
            assert answer.status < 500
            server.limits = type(server.limits)(server.limits.settings)
        assert (await client.call("GET", "/api/v3/ping")).status == 200

    with_client(test)


def test_no_frames_bring_a_socket_down() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        chance = random.Random(4)
        methods = [*server.methods, "session.logon", "session.subscriptions", "userDataStream.unsubscribe"]
        async with client.session.ws_connect(f"{client.base}/ws-api/v3") as socket:
            for number in range(ROUNDS // 20):
                data = chance.randbytes(chance.randrange(80))
                if number % 3 == 0:
                    await socket.send_bytes(data)
                elif number % 3 == 1:
                    await socket.send_str(data.decode("latin-1"))
                else:
                    await socket.send_str(json.dumps(_request(methods, chance)))
                answer = json.loads((await asyncio.wait_for(socket.receive(), 10)).data)
                assert answer["status"] < 500
                server.limits = type(server.limits)(server.limits.settings)

    with_client(test)
