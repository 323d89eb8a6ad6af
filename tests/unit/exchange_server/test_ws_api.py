"""The WebSocket API: the same requests over a socket, sessions, and user data."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from roottrading.exchange_server.frames import read_frame
from roottrading.exchange_server.keys import HmacSecret, PublicKey
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.wording import milliseconds
from tests.unit.exchange_server.serving import BEGIN, KEY, SECRET, HandClock, later, new_server, serving
from tests.unit.exchange_server.test_order_lists import OPOCO

NOW = BEGIN // 1000
PRIVATE = Ed25519PrivateKey.generate()


class Socket:
    """A connection to the WebSocket API."""

    def __init__(self, socket: ClientWebSocketResponse, clock: HandClock) -> None:
        self.socket = socket
        self.clock = clock

    async def ask(self, method: str, **params: Any) -> Any:
        await self.socket.send_str(json.dumps({"id": 1, "method": method, "params": params}))
        while "event" in (answer := await self.hear()):
            pass
        return answer

    async def hear(self) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.receive_str(), 5))

    async def signed(self, method: str, **params: Any) -> Any:
        params = {"apiKey": KEY, "timestamp": self.clock.time // 1000, **params}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return await self.ask(method, **params)

    async def log_on(self) -> Any:
        params = {"apiKey": "ed", "timestamp": self.clock.time // 1000}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        signature = base64.b64encode(PRIVATE.sign(payload.encode())).decode()
        return await self.ask("session.logon", **params, signature=signature)


def over_a_socket(
    test: Callable[[Socket, ExchangeServer], Awaitable[None]],
    query: str = "",
    limits: LimitSettings | None = None,
) -> None:
    async def run() -> None:
        server, clock = new_server(limits)
        server.keys.add("ed", PublicKey(PRIVATE.public_key()), KEY)
        async with (
            serving(server) as place,
            ClientSession() as session,
            session.ws_connect(f"ws://{place}/ws-api/v3{query}") as socket,
        ):
            await test(Socket(socket, clock), server)

    asyncio.run(run())


def test_the_published_signature() -> None:
    text = json.dumps(
        {
            "id": "x",
            "method": "order.place",
            "params": {
                "symbol": "BTCUSDT",
                "side": "SELL",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "0.01000000",
                "price": "52000.00",
                "newOrderRespType": "ACK",
                "recvWindow": 100,
                "timestamp": 1645423376532,
                "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
                "signature": "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a",
            },
        }
    )
    secret = HmacSecret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
    frame = read_frame(text)
    assert secret.verify(frame.payload, frame.parameters.required("signature"))


def test_numbers_and_flags_enter_the_signature_as_they_were_written() -> None:
    text = (
        '{"id":null,"method":"v3/time","params":{"b":0.0010,"a":1e3,"returnRateLimits":false,"c":"é\\u00e9","d":null}}'
    )
    frame = read_frame(text)
    assert frame.payload.decode() == "a=1e3&b=0.0010&c=éé&d=&returnRateLimits=false"
    assert (frame.method, frame.shows, "returnRateLimits" in frame.parameters) == ("time", False, False)


def test_answers_carry_ids_statuses_and_limits() -> None:
    async def test(socket: Socket, _: ExchangeServer) -> None:
        for identity in (5, "e2a85d9f-07a5-4f94-8d5f-789dc3deb097", None):
            await socket.socket.send_str(json.dumps({"id": identity, "method": "time"}))
            answer = await socket.hear()
            assert (answer["id"], answer["status"], answer["result"]) == (identity, 200, {"serverTime": NOW})
        assert answer["rateLimits"] == [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 5}
        ]
        assert "rateLimits" not in await socket.ask("time", returnRateLimits=False)
        wrong = await socket.ask("order.hope")
        assert (wrong["status"], wrong["error"]["code"]) == (400, -1020)
        for text in ("{", "[]", "5", '{"id":[1],"method":"time"}', '{"id":1.5,"method":"time"}', '{"method":3}'):
            await socket.socket.send_str(text)
            answer = await socket.hear()
            assert (answer["id"], answer["error"]["code"]) == (None, -1135)

    over_a_socket(test)


def test_an_order_and_its_events() -> None:
    async def test(socket: Socket, server: ExchangeServer) -> None:
        assert (await socket.signed("userDataStream.subscribe.signature"))["result"] == {"subscriptionId": 0}
        again = await socket.signed("userDataStream.subscribe.signature")
        assert again["error"]["code"] == -2035
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 0.5, "newClientOrderId": "m"}
        await socket.signed("order.place", **order)
        await socket.signed("order.place", **order | {"newClientOrderId": "n"})
        events: list[Any] = []
        server.venue.deposit(KEY, "USDT", Decimal(5), socket.clock.time)
        while not events or events[-1]["e"] != "balanceUpdate":
            frame = await socket.hear()
            assert frame["subscriptionId"] == 0
            events.append(frame["event"])
        assert events[-1] == {"e": "balanceUpdate", "E": NOW, "a": "USDT", "d": "5.00000000", "T": NOW}

    over_a_socket(test)


def test_every_field_of_an_execution_report() -> None:
    async def test(socket: Socket, server: ExchangeServer) -> None:
        await socket.signed("userDataStream.subscribe.signature")
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": 0.5, "newClientOrderId": "m"}
        params = {"apiKey": KEY, "timestamp": NOW, **order}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
        await socket.socket.send_str(json.dumps({"id": 2, "method": "order.place", "params": params}))
        frames = [await socket.hear() for _ in range(4)]
        new, trade, position = (frame["event"] for frame in frames if "event" in frame)
        common = {
            "e": "executionReport",
            "E": NOW,
            "s": "BTCUSDT",
            "c": "m",
            "S": "BUY",
            "o": "MARKET",
            "f": "GTC",
            "q": "0.50000000",
            "p": "0.00000000",
            "P": "0.00000000",
            "F": "0.00000000",
            "g": -1,
            "C": "",
            "r": "NONE",
            "i": 1,
            "T": NOW,
            "O": NOW,
            "Q": "0.00000000",
            "W": NOW,
            "V": "EXPIRE_MAKER",
        }
        nothing = dict.fromkeys(("l", "z", "L", "Z", "Y"), "0.00000000")
        assert new == common | nothing | {
            "x": "NEW",
            "X": "NEW",
            "n": "0",
            "N": None,
            "t": -1,
            "I": 1,
            "w": True,
            "m": False,
            "M": False,
        }
        assert trade == common | {
            "x": "TRADE",
            "X": "FILLED",
            "l": "0.50000000",
            "z": "0.50000000",
            "L": "60000.00000000",
            "Z": "30000.00000000",
            "Y": "30000.00000000",
            "n": "0.00050000",
            "N": "BTC",
            "t": 1,
            "I": 2,
            "w": False,
            "m": False,
            "M": True,
        }
        assert position == {
            "e": "outboundAccountPosition",
            "E": NOW,
            "u": NOW,
            "B": [
                {"a": "BTC", "f": "2.49950000", "l": "0.00000000"},
                {"a": "USDT", "f": "70000.00000000", "l": "0.00000000"},
            ],
        }

    over_a_socket(test)


def test_lists_and_cancels_are_told() -> None:
    async def test(socket: Socket, server: ExchangeServer) -> None:
        await socket.signed("userDataStream.subscribe.signature")
        heard: list[Any] = []

        async def act(method: str, **params: Any) -> None:
            params = {"apiKey": KEY, "timestamp": NOW, **params}
            payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
            params["signature"] = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
            await socket.socket.send_str(json.dumps({"id": 2, "method": method, "params": params}))
            heard.clear()
            while "id" not in (frame := await socket.hear()):
                heard.append(frame["event"])
            assert frame["status"] == 200

        oco = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5", "listClientOrderId": "list"}
        oco |= {"aboveType": "LIMIT_MAKER", "abovePrice": "62000", "aboveClientOrderId": "target"}
        oco |= {"belowType": "STOP_LOSS", "belowStopPrice": "58000", "belowClientOrderId": "stop"}
        await act("orderList.place.oco", **oco)
        assert [(each["e"], each.get("x"), each.get("w")) for each in heard] == [
            ("executionReport", "NEW", False),
            ("executionReport", "NEW", True),
            ("listStatus", None, None),
            ("outboundAccountPosition", None, None),
        ]
        status = heard[2]
        assert (status["c"], status["l"], status["L"], status["C"]) == ("OCO", "EXEC_STARTED", "EXECUTING", "list")
        assert [each["c"] for each in status["O"]] == ["stop", "target"]
        await act("order.cancel", symbol="BTCUSDT", origClientOrderId="stop", newClientOrderId="bye")
        assert [(each["x"], each["c"], each["C"]) for each in heard[:2]] == [
            ("CANCELED", "bye", "stop"),
            ("CANCELED", "bye", "target"),
        ]
        assert (heard[2]["l"], heard[2]["L"]) == ("ALL_DONE", "ALL_DONE")

    over_a_socket(test)


def test_a_session_logs_on_and_off() -> None:
    async def test(socket: Socket, _: ExchangeServer) -> None:
        assert (await socket.ask("userDataStream.subscribe"))["error"]["code"] == -2015
        status = (await socket.log_on())["result"]
        assert (status["apiKey"], status["authorizedSince"], status["userDataStream"]) == ("ed", NOW, False)
        assert (await socket.ask("account.status", timestamp=NOW))["status"] == 200
        assert (await socket.ask("account.status"))["error"]["code"] == -1102
        assert (await socket.ask("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
        assert (await socket.ask("session.subscriptions"))["result"] == [{"subscriptionId": 0}]
        assert (await socket.ask("session.status"))["result"]["userDataStream"] is True
        await socket.socket.send_str('{"id":9,"method":"session.logout"}')
        assert (await socket.hear())["event"] == {"e": "eventStreamTerminated", "E": NOW}
        answer = await socket.hear()
        assert (answer["id"], answer["result"]["apiKey"]) == (9, None)
        assert (await socket.ask("account.status", timestamp=NOW))["error"]["code"] == -2014
        refused = await socket.signed("session.logon")
        assert refused["error"]["msg"] == "HMAC_SHA256 API key is not supported."

    over_a_socket(test)


def test_a_subscription_ends_where_it_is_told_to() -> None:
    async def test(socket: Socket, server: ExchangeServer) -> None:
        await socket.signed("userDataStream.subscribe.signature")
        assert (await socket.ask("userDataStream.unsubscribe", subscriptionId="7"))["error"]["code"] == -2036
        assert (await socket.ask("userDataStream.unsubscribe", subscriptionId="0"))["result"] == {}
        assert len(server.subscribers) == 0
        answer = await socket.signed("userDataStream.subscribe.signature")
        assert answer["result"] == {"subscriptionId": 1}
        await socket.socket.close()
        for _each in range(100):
            await asyncio.sleep(0.01)
            if not len(server.subscribers):
                return
        raise AssertionError("a closed connection still hears")

    over_a_socket(test)


def test_limits_over_a_socket_say_until_when() -> None:
    async def test(socket: Socket, _: ExchangeServer) -> None:
        for _each in range(8):
            await socket.ask("ping")
        refused = await socket.ask("ping")
        assert refused["status"] == 429
        assert refused["error"]["data"] == {"serverTime": NOW, "retryAfter": NOW + 60_000}

    over_a_socket(test, limits=LimitSettings(weight_a_minute=10))


def test_microseconds_and_hidden_limits_by_address() -> None:
    async def test(socket: Socket, _: ExchangeServer) -> None:
        answer = await socket.ask("time")
        assert answer == {"id": 1, "status": 200, "result": {"serverTime": BEGIN}}
        await socket.socket.ping(b"hello")

    over_a_socket(test, "?timeUnit=microsecond&returnRateLimits=false")


def test_pings_are_answered_and_a_peer_without_pongs_is_cut() -> None:
    from aiohttp import web

    from roottrading.exchange_server.socket_settings import SocketSettings
    from roottrading.exchange_server.ws_api import ApiSockets

    async def run() -> None:
        server, _ = new_server()
        server.sockets = SocketSettings(ping_every=20_000, pong_within=1_000_000)
        sockets = ApiSockets(server)
        app = web.Application()
        app.router.add_get("/ws-api/v3", sockets.serve)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/ws-api/v3"
        async with ClientSession() as session:
            async with session.ws_connect(url, autoping=False) as socket:
                message = await asyncio.wait_for(socket.receive(), 5)
                assert (message.type, message.data) == (WSMsgType.PING, str(BEGIN).encode())
                await socket.ping(b"mine")
                seen = set()
                while (message := await asyncio.wait_for(socket.receive(), 5)).type not in {
                    WSMsgType.CLOSED,
                    WSMsgType.CLOSE,
                    WSMsgType.ERROR,
                }:
                    seen.add((message.type, bytes(message.data)))
                assert (WSMsgType.PONG, b"mine") in seen
            async with session.ws_connect(url) as socket:  # this one answers pings
                await socket.send_str('{"id":1,"method":"ping"}')
                assert json.loads((await asyncio.wait_for(socket.receive(), 5)).data)["result"] == {}
                waiting = asyncio.ensure_future(socket.receive())
                done, _pending = await asyncio.wait({waiting}, timeout=1.5)
                assert not done
                waiting.cancel()
        await runner.cleanup()

    asyncio.run(run())


def test_a_stop_that_triggers_is_told_step_by_step() -> None:
    async def test(socket: Socket, server: ExchangeServer) -> None:
        heard: list[Any] = []
        server.subscribers.add(KEY, lambda event: heard.append(event.shown(milliseconds)))
        order = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC"}
        await socket.signed("order.place", **order, quantity="0.5", price="57000", stopPrice="58000")
        later(socket.clock)
        server.venue.price_moved("BTCUSDT", Decimal(57_900), Decimal(1_000), socket.clock.time)
        steps = [(each["x"], each["X"], each["w"], each.get("W")) for each in heard if "x" in each]
        assert steps == [
            ("NEW", "NEW", False, None),
            ("NEW", "NEW", True, NOW + 1000),
            ("TRADE", "FILLED", False, NOW + 1000),
        ]
        assert (heard[-2]["L"], heard[-2]["t"], heard[-2]["P"]) == ("58000.00000000", 1, "58000.00000000")

    over_a_socket(test)


def test_a_list_s_pending_legs_are_told_when_they_come_in() -> None:
    async def test(socket: Socket, server: ExchangeServer) -> None:
        heard: list[Any] = []
        server.subscribers.add(KEY, lambda event: heard.append(event.shown(milliseconds)))
        answer = await socket.signed("orderList.place.opoco", **OPOCO, workingClientOrderId="entry")
        assert answer["status"] == 200
        steps = [(each["i"], each["x"], each["X"], each["q"], each["w"]) for each in heard if "x" in each]
        assert steps == [
            (1, "NEW", "NEW", "0.50000000", True),
            (2, "NEW", "PENDING_NEW", "0.00000000", False),
            (3, "NEW", "PENDING_NEW", "0.00000000", False),
            (1, "TRADE", "FILLED", "0.50000000", False),
            (2, "NEW", "NEW", "0.50000000", False),
            (3, "NEW", "NEW", "0.50000000", True),
        ]
        lists = [(each["l"], each["L"]) for each in heard if each["e"] == "listStatus"]
        assert lists == [("EXEC_STARTED", "EXECUTING")]
        heard.clear()
        later(socket.clock)
        server.venue.price_moved("BTCUSDT", Decimal(62_500), Decimal(1_000), socket.clock.time)
        ends = [(each["i"], each["x"], each.get("eR")) for each in heard if "x" in each]
        assert ends == [(2, "EXPIRED", "OCO_TRIGGER"), (3, "TRADE", None)]
        lists = [(each["l"], each["L"]) for each in heard if each["e"] == "listStatus"]
        assert lists == [("ALL_DONE", "ALL_DONE")]

    over_a_socket(test)
