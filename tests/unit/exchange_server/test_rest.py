from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.server import ExchangeServer
from tests.unit.exchange_server.serving import BEGIN, Client, with_client


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
