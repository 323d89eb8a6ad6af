from roottrading.exchange_server.keys import HmacSecret
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.sapi import KEY_RIGHTS
from roottrading.exchange_server.server import ExchangeServer
from tests.unit.exchange_server.serving import BEGIN, KEY, Client, with_client


def test_the_time_is_the_clock_s_in_the_unit_asked_for() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        answer = await client.call("GET", "/api/v3/time")
        assert answer.body == {"serverTime": BEGIN // 1000}
        answer = await client.send("GET", "/api/v3/time", "", {"X-MBX-TIME-UNIT": "MICROSECOND"})
        assert answer.body == {"serverTime": BEGIN}
        answer = await client.send("GET", "/api/v3/time", "", {"X-MBX-TIME-UNIT": "HOUR"})
        assert (answer.status, answer.body["code"]) == (400, -1194)

    with_client(test)


def test_surplus_and_repeated_parameters_are_refused() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        answer = await client.call("GET", "/api/v3/ping", hello=1)
        assert answer.body == {
            "code": -1104,
            "msg": "Not all sent parameters were read; read '0' parameter(s) but was sent '1'.",
        }
        answer = await client.send("GET", "/api/v3/ping", "a=1&a=2", {})
        assert answer.body == {"code": -1101, "msg": "Duplicate values for parameter 'a' detected."}

    with_client(test)


def test_what_is_gone_and_what_never_was() -> None:
    async def test(client: Client, _: ExchangeServer) -> None:
        for method in ("POST", "PUT", "DELETE"):
            answer = await client.call(method, "/api/v3/userDataStream")
            assert answer.status == 410
            assert "410 Gone" in answer.body
        assert (await client.call("GET", "/api/v1/ping")).status == 404
        assert (await client.call("DELETE", "/api/v3/ping")).status == 405

    with_client(test)


def test_weight_is_counted_refused_and_banned() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        for number in range(1, 11):
            answer = await client.call("GET", "/api/v3/ping")
            assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(number)
        client.clock.time += 7_500_000
        answer = await client.call("GET", "/api/v3/ping")
        assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (429, -1003, "53")
        for _ in range(20):
            answer = await client.call("GET", "/api/v3/ping")
        assert (answer.status, answer.headers["Retry-After"]) == (418, "120")
        assert str((client.clock.time + 120_000_000) // 1000) in answer.body["msg"]
        client.clock.time += 60_000_000  # a new window, but still banned
        assert (await client.call("GET", "/api/v3/ping")).status == 418
        client.clock.time += 61_000_000
        assert (await client.call("GET", "/api/v3/ping")).status == 200

    with_client(test, LimitSettings(weight_a_minute=10))


def test_connections_are_counted_by_address() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        for _ in range(3):
            async with client.session.ws_connect(f"{client.base}/ws-api/v3"):
                pass
        answer = await client.call("GET", "/ws-api/v3")
        assert (answer.status, answer.body["code"], answer.headers["Retry-After"]) == (429, -1034, "300")
        client.clock.time += 300_000_000
        async with client.session.ws_connect(f"{client.base}/ws-api/v3"):
            pass

    with_client(test, LimitSettings(connections_5_minutes=3))


def test_a_key_that_only_reads_sees_the_account_and_does_nothing_there() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        server.keys.add("sees", HmacSecret("only"), KEY, trades=False)
        reader = Client(client.session, client.base, client.clock, "sees", "only")
        assert (await reader.signed("GET", "/api/v3/account")).body == (
            await client.signed("GET", "/api/v3/account")
        ).body
        rights = KEY_RIGHTS.path
        server.offer([KEY_RIGHTS])
        assert (await reader.signed("GET", rights)).body["enableSpotAndMarginTrading"] is False
        assert (await client.signed("GET", rights)).body["enableSpotAndMarginTrading"] is True
        trading = [(method, path) for (method, path), endpoint in server.rest.items() if endpoint.trades]
        assert len(trading) > 8
        for method, path in trading:
            refused = await reader.signed(method, path, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
            assert (refused.status, refused.body["code"]) == (401, -2015), path
        assert (await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body == []

    with_client(test)
