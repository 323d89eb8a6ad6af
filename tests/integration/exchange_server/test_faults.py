"""Every fault over the wire: it strikes where and when it was told to, does what it says, and says how often."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import (
    ClientConnectionError,
    ClientPayloadError,
    ClientWebSocketResponse,
    ServerDisconnectedError,
    WSMsgType,
)

from roottrading.domain.time import MINUTE, iso
from roottrading.exchange_server.faults.fault import Fault
from tests.integration.exchange_server.market_place import KEY, LTC, Place, market_place, read, said

ORDER = "/api/v3/order"
TICK = Decimal("0.1")
Script = Callable[[Place], Awaitable[None]]


def play(script: Script, clock: str = "real") -> None:
    async def run() -> None:
        async with market_place([LTC], clock) as place:
            place.open_account(USDT=10_000, LTC=10)
            await script(place)

    asyncio.run(run())


def fault(place: Place, **what: Any) -> None:
    place.exchange.agenda.add(Fault(**what))


def counts(place: Place) -> list[tuple[int, int]]:
    return [(each.seen, each.struck) for each in place.exchange.meddling.register]


async def buy(place: Place, name: str = "buy", **more: Any) -> tuple[int, Any]:
    wanted = {"symbol": "LTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1", "newClientOrderId": name}
    return await place.send("POST", ORDER, **{**wanted, **more})


async def bought(place: Place, name: str = "buy") -> bool:
    """Say whether the exchange has an order of that name."""
    status, _ = await place.send("GET", ORDER, symbol="LTCUSDT", origClientOrderId=name)
    return status == 200


async def subscribe(place: Place, socket: ClientWebSocketResponse) -> None:
    """Hear the account's events."""
    signed = dict(pair.split("=") for pair in place.signed(apiKey=KEY).split("&"))
    payload = "&".join(f"{name}={value}" for name, value in sorted(signed.items()) if name != "signature")
    import hashlib
    import hmac

    from tests.integration.exchange_server.market_place import SECRET

    signed["signature"] = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
    await socket.send_json({"id": 1, "method": "userDataStream.subscribe.signature", "params": signed})
    answer = await read(socket)
    assert answer["status"] == 200, answer


async def heard(socket: ClientWebSocketResponse) -> list[str]:
    """Return the account's events up to the answer of a question asked now, as `type:execution:client id`."""
    await socket.send_json({"id": "so far", "method": "ping"})
    found = []
    while (message := await read(socket)).get("id") != "so far":
        event = message["event"]
        found.append(":".join(str(event.get(key, "")) for key in ("e", "x", "c")).rstrip(":"))
    return found


REPORTS = ["executionReport:NEW:buy", "executionReport:TRADE:buy", "outboundAccountPosition"]


# ---- answers


def test_latency_delays_the_answer_by_the_same_time_each_time() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="latency", where="GET /api/v3/time", milliseconds=30, jitter=20, nth=2)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await place.get("time")
        await place.get("time")
        assert loop.time() - begun >= 0.03
        assert counts(place) == [(2, 1)]

    play(script)


@pytest.mark.parametrize(
    ("what", "status", "code", "header"),
    [
        ({"status": 429, "code": -1003, "retry_after": 7}, 429, -1003, "7"),
        ({"status": 418, "code": -1003, "retry_after": 120}, 418, -1003, "120"),
        ({"status": 503, "code": -1008}, 503, -1008, None),
    ],
)
def test_a_refusal_is_answered_and_nothing_done(what: Any, status: int, code: int, header: str | None) -> None:
    async def script(place: Place) -> None:
        fault(place, kind="refusal", where="POST /api/v3/order", symbol="LTCUSDT", **what)
        answered, body = await buy(place)
        assert (answered, body["code"], place.headers.get("Retry-After")) == (status, code, header)
        assert not await bought(place)
        assert (await buy(place))[0] == 200
        assert counts(place) == [(2, 1)]

    play(script)


def test_a_403_is_a_page_and_no_json() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="refusal", where="POST *", status=403)
        status, body = await buy(place)
        assert status == 403
        assert b"403 Forbidden" in body

    play(script)


@pytest.mark.parametrize("executed", [False, True])
def test_a_server_error_leaves_open_whether_it_was_done(executed: bool) -> None:
    async def script(place: Place) -> None:
        fault(place, kind="refusal", where="POST *", status=500, code=-1000, executed=executed)
        assert (await buy(place))[0] == 500
        assert await bought(place) is executed

    play(script)


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("silent", [False, True])
def test_a_timeout_with_and_without_the_order_having_executed(executed: bool, silent: bool) -> None:
    async def script(place: Place) -> None:
        fault(place, kind="timeout", where="POST *", milliseconds=20, executed=executed, silent=silent)
        if silent:
            with pytest.raises((ServerDisconnectedError, ClientConnectionError)):
                await buy(place)
        else:
            status, body = await buy(place)
            assert (status, body["code"]) == (504, -1007)
        assert await bought(place) is executed

    play(script)


@pytest.mark.parametrize(("moment", "executed"), [("before", False), ("middle", True), ("after", True)])
def test_the_connection_is_cut_before_in_the_middle_of_and_after_a_reply(moment: str, executed: bool) -> None:
    async def script(place: Place) -> None:
        fault(place, kind="cut", where="POST /api/v3/order", moment=moment)
        if moment == "after":
            assert (await buy(place))[0] == 200
        else:
            with pytest.raises((ServerDisconnectedError, ClientConnectionError, ClientPayloadError)):
                await buy(place)
        assert await bought(place) is executed

    play(script)


@pytest.mark.parametrize("shape", ["truncated", "garbage", "html"])
def test_a_body_that_nobody_can_read(shape: str) -> None:
    async def script(place: Place) -> None:
        fault(place, kind="body", where="POST /api/v3/order", shape=shape)
        status, body = await buy(place)
        assert status == 200
        assert isinstance(body, bytes)
        assert await bought(place)

    play(script)


def test_unknown_fields_and_words() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="field", where="POST /api/v3/order", field="status", value="HALF_FILLED")
        fault(place, kind="field", where="GET /api/v3/exchangeInfo", field="symbols.filters.filterType", value="MOON")
        assert (await buy(place))[1]["status"] == "HALF_FILLED"
        info = await place.get("exchangeInfo")
        assert {each["filterType"] for each in info["symbols"][0]["filters"]} == {"MOON"}

    play(script)


def test_a_fault_strikes_at_its_occurrence_symbol_and_account_only() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="refusal", where="GET /api/v3/ticker/price", symbol="LTCUSDT", nth=2, times=2, status=500)
        fault(place, kind="refusal", where="GET /api/v3/ticker/price", symbol="BTCUSDT", status=500, times=0)
        fault(place, kind="refusal", where="GET /api/v3/ticker/price", account="another", status=500, times=0)
        found = [(await place.send("GET", "/api/v3/klines", symbol="LTCUSDT", interval="1m"))[0]]
        for _ in range(4):
            async with place.session.get(f"http://{place.host}/api/v3/ticker/price?symbol=LTCUSDT") as response:
                found.append(response.status)
        assert found[1:] == [200, 500, 500, 200]
        assert counts(place) == [(4, 2), (0, 0), (0, 0)]

    play(script)


def test_answers_over_the_websocket_api() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="refusal", where="ws ping", status=503, code=-1008, message="busy")
        fault(place, kind="timeout", where="ws ping", nth=2, silent=True)
        fault(place, kind="field", where="ws ping", nth=3, field="result.hello", value="1")
        fault(place, kind="body", where="ws ping", nth=4)
        fault(place, kind="cut", where="ws ping", nth=5)
        async with place.socket("/ws-api/v3") as socket:
            await socket.send_json({"id": 1, "method": "ping"})
            answer = await read(socket)
            assert (answer["id"], answer["status"], answer["error"]) == (1, 503, {"code": -1008, "msg": "busy"})
            await socket.send_json({"id": 2, "method": "ping"})
            await socket.send_json({"id": 3, "method": "ping"})
            answer = await read(socket)
            assert (answer["id"], answer["result"]) == (3, {"hello": 1})
            await socket.send_json({"id": 4, "method": "ping"})
            with pytest.raises(Exception, match="truncated"):
                await read(socket)
            await socket.send_json({"id": 5, "method": "ping"})
            assert (await socket.receive(10)).type in {WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR}

    play(script)


# ---- the account's events


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({"kind": "duplicate", "where": "user executionReport TRADE"}, [*REPORTS[:2], *REPORTS[1:]]),
        ({"kind": "lose", "where": "user executionReport TRADE"}, [REPORTS[0], REPORTS[2]]),
        ({"kind": "swap", "where": "user executionReport NEW"}, [REPORTS[1], REPORTS[0], REPORTS[2]]),
        ({"kind": "lose", "where": "user *", "account": "another"}, REPORTS),
        ({"kind": "field", "where": "user executionReport NEW", "field": "x", "value": "ODD"}, []),
    ],
    ids=["duplicate", "lost fill", "out of order", "somebody else's", "unknown word"],
)
def test_reports_come_twice_late_out_of_order_or_never(what: Any, expected: list[str]) -> None:
    async def script(place: Place) -> None:
        fault(place, **what)
        async with place.socket("/ws-api/v3") as socket:
            await subscribe(place, socket)
            await buy(place)
            assert await heard(socket) == (expected or ["executionReport:ODD:buy", *REPORTS[1:]])

    play(script)


def test_a_late_report_comes_after_what_followed_it() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="late", where="user executionReport TRADE", milliseconds=30)
        async with place.socket("/ws-api/v3") as socket:
            await subscribe(place, socket)
            await buy(place)
            assert await heard(socket) == [REPORTS[0], REPORTS[2]]
            assert (await read(socket))["event"]["x"] == "TRADE"

    play(script)


def test_an_account_s_connection_is_cut_at_the_event_that_was_named() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="drop", where="user executionReport TRADE")
        async with place.socket("/ws-api/v3") as socket:
            await subscribe(place, socket)
            await buy(place)
            while (message := await socket.receive(10)).type is WSMsgType.TEXT:
                pass
            assert message.type in {WSMsgType.CLOSED, WSMsgType.ERROR}
        assert await bought(place)

    play(script)


# ---- connections and market streams


def test_a_stall_is_silence_and_then_everything_comes() -> None:
    async def script(place: Place) -> None:
        async with place.socket("/ws/ltcusdt@trade") as socket:
            await said(socket)
            fault(place, kind="stall", milliseconds=200, value="streams")
            place.pass_time(MINUTE)
            with pytest.raises(asyncio.TimeoutError):
                await socket.receive(timeout=0.05)
            assert (await read(socket))["e"] == "trade"

    play(script)


@pytest.mark.parametrize("kind", ["drop", "close"])
def test_a_connection_ends_at_the_frame_that_was_named(kind: str) -> None:
    async def script(place: Place) -> None:
        fault(place, kind=kind, where="stream ltcusdt@trade", nth=2)
        async with place.socket("/ws/ltcusdt@trade") as socket:
            await said(socket)
            place.pass_time(3 * MINUTE)
            kinds = [(await socket.receive(10)).type for _ in range(3)]
            assert kinds[-1] in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.TEXT}
            while not socket.closed:
                await socket.receive(10)

    play(script)


def test_a_shutdown_is_announced_on_every_wire_before_the_end() -> None:
    async def script(place: Place) -> None:
        async with (
            place.socket("/ws/ltcusdt@trade") as raw,
            place.socket("/stream?streams=ltcusdt@trade") as wrapped,
            place.socket("/ws-api/v3") as api,
        ):
            await said(raw)
            await said(wrapped)
            await subscribe(place, api)
            fault(place, kind="shutdown", milliseconds=20)
            assert (await read(raw))["e"] == "serverShutdown"
            message = await read(wrapped)
            assert (message["stream"], message["data"]["e"]) == ("!serverShutdown", "serverShutdown")
            assert (await read(api))["event"]["e"] == "serverShutdown"
            for socket in (raw, wrapped, api):
                assert (await socket.receive(10)).type is WSMsgType.CLOSE

    play(script)


def test_a_deaf_connection_answers_no_ping() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="deaf", where="stream ltcusdt@trade")
        async with place.session.ws_connect(f"ws://{place.host}/ws/ltcusdt@trade", autoping=False) as socket:
            await socket.ping(b"before")
            assert (await socket.receive(10)).data == b"before"
            place.pass_time(MINUTE)
            await socket.ping(b"after")
            kinds = []
            with suppress(asyncio.TimeoutError):
                for _ in range(100):
                    kinds.append((await socket.receive(timeout=0.1)).type)
            assert set(kinds) == {WSMsgType.TEXT}

    play(script)


@pytest.mark.parametrize(("kind", "places"), [("lose", [0, 2]), ("duplicate", [0, 1, 1, 2]), ("swap", [0, 2, 1])])
def test_frames_of_a_stream_are_lost_doubled_or_swapped(kind: str, places: list[int]) -> None:
    async def script(place: Place) -> None:
        async with place.socket("/ws/ltcusdt@trade") as socket, place.socket("/ws/ltcusdt@aggTrade") as other:
            await said(socket)
            await said(other)
            fault(place, kind=kind, where="stream ltcusdt@trade", nth=2)
            place.pass_time(2 * MINUTE)
            numbers = [message["t"] for message in await said(socket)][: len(places)]
            plain = [message["a"] for message in await said(other)]
            assert numbers == [plain[each] for each in places]

    play(script)


# ---- market and accounts


def test_halt_and_cancel_only_and_trading_again() -> None:
    async def script(place: Place) -> None:
        for status in ("HALT", "CANCEL_ONLY"):
            fault(place, kind="status", symbol="LTCUSDT", value=status)
            answered, body = await buy(place)
            assert (answered, body["code"]) == (400, -1013) or body["code"] == -2010
            assert (await place.get("exchangeInfo"))["symbols"][0]["status"] == status
        fault(place, kind="status", symbol="LTCUSDT", value="TRADING")
        assert (await buy(place))[0] == 200

    play(script)


def test_filters_change_while_trading() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="filter", symbol="LTCUSDT", field="min_quantity", value="1")
        status, body = await buy(place)
        assert (status, body["msg"]) == (400, "Filter failure: LOT_SIZE")
        filters = (await place.get("exchangeInfo"))["symbols"][0]["filters"]
        assert {each["minQty"] for each in filters if each["filterType"] == "LOT_SIZE"} == {"1.00000000"}

    play(script)


def test_balances_are_changed_by_hand_at_an_order_of_somebody() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="balance", where="POST *", account=KEY, asset="USDT", amount=Decimal(-9_999))
        status, body = await buy(place)
        assert (status, body["code"]) == (400, -2010)
        assert place.exchange.venue.balances(KEY)["USDT"].free == 1

    play(script)


def test_what_cannot_be_done_to_an_account_is_said_and_disturbs_nobody() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="balance", where="POST *", account=KEY, asset="USDT", amount=Decimal(-999_999))
        assert (await buy(place))[0] == 200
        (standing,) = place.exchange.meddling.register
        assert (standing.seen, standing.struck) == (1, 0)
        assert "999999 can not be taken out" in standing.problem

    play(script)


def test_an_act_at_an_event_does_not_strike_at_what_it_caused() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="balance", where="user *", account=KEY, asset="USDT", amount=Decimal(-1), times=0)
        assert (await buy(place))[0] == 200
        (standing,) = place.exchange.meddling.register
        assert standing.struck == 3  # NEW, TRADE and the balances

    play(script)


def test_the_clock_goes_wrong_and_right_again() -> None:
    async def script(place: Place) -> None:
        query = place.signed(symbol="LTCUSDT")
        before = (await place.get("time"))["serverTime"]
        fault(place, kind="drift", milliseconds=61_000)
        assert (await place.get("time"))["serverTime"] == before + 61_000
        url = f"http://{place.host}/api/v3/openOrders?{query}"
        for expected in (400, 200):
            async with place.session.get(url, headers={"X-MBX-APIKEY": KEY}) as response:
                assert response.status == expected
                assert expected == 200 or (await response.json())["code"] == -1021
            fault(place, kind="drift", milliseconds=0)

    play(script)


def test_a_stop_that_triggers_into_an_empty_book() -> None:
    async def script(place: Place) -> None:
        source = place.exchange.market.symbols["LTCUSDT"].source
        now = place.exchange.clock.now()
        coming = source.kline(now, now + 60 * MINUTE, now + 60 * MINUTE)
        assert coming is not None
        status, body = await place.send(
            "POST",
            ORDER,
            symbol="LTCUSDT",
            side="BUY",
            type="STOP_LOSS",
            quantity="1",
            stopPrice=coming.high // TICK * TICK,
            newClientOrderId="s",
        )
        assert status == 200, body
        fault(place, kind="empty_book", symbol="LTCUSDT")
        place.pass_time(60 * MINUTE)
        _, order = await place.send("GET", ORDER, symbol="LTCUSDT", origClientOrderId="s")
        assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.00000000")
        fault(place, kind="empty_book", symbol="LTCUSDT", value="off")
        place.pass_time(2 * MINUTE)
        _, sold = await place.send("POST", ORDER, symbol="LTCUSDT", side="SELL", type="MARKET", quantity="0.1")
        assert sold["status"] == "FILLED"

    play(script)


def test_an_order_list_is_refused_in_part() -> None:
    async def script(place: Place) -> None:
        fault(place, kind="list_part", symbol="LTCUSDT")
        price = Decimal((await place.get("ticker/price", symbol="LTCUSDT"))["price"]) // TICK * TICK + TICK
        status, body = await place.send(
            "POST",
            "/api/v3/orderList/oto",
            symbol="LTCUSDT",
            workingType="LIMIT",
            workingSide="BUY",
            workingTimeInForce="FOK",
            workingPrice=price,
            workingQuantity="0.1",
            workingClientOrderId="w",
            pendingType="LIMIT_MAKER",
            pendingSide="SELL",
            pendingPrice=price * 2,
            pendingQuantity="0.1",
            pendingClientOrderId="p",
        )
        assert status == 200, body
        _, working = await place.send("GET", ORDER, symbol="LTCUSDT", origClientOrderId="w")
        _, pending = await place.send("GET", ORDER, symbol="LTCUSDT", origClientOrderId="p")
        assert (working["status"], pending["status"]) == ("FILLED", "EXPIRED")

    play(script)


@pytest.mark.parametrize("clock", ["real", "stepped"])
def test_a_fault_of_a_scenario_begins_at_its_instant(clock: str) -> None:
    async def script(place: Place) -> None:
        at = place.exchange.clock.now() + 2 * MINUTE
        fault(place, kind="status", symbol="LTCUSDT", value="HALT", at=iso(at))
        for expected in ("TRADING", "HALT"):
            if clock == "real":
                place.pass_time(MINUTE)
            else:
                place.exchange.clock.step(until=place.exchange.clock.now() + MINUTE)  # type: ignore[union-attr]
            assert place.exchange.venue.status("LTCUSDT") == expected

    play(script, clock)
