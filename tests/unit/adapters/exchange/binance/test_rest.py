"""REST against a real socket: what is sent, what is understood, and whether anything was sent at all."""

import asyncio
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.answers import NotSent, Silence, Success
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.calls import call_of
from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.adapters.exchange.binance.rest import Rest, window_text
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings, endpoints_at
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.domain.time import MILLISECOND, MINUTE, SECOND
from tests.unit.adapters.exchange.binance import asked
from tests.unit.adapters.exchange.binance.scripted import KEY, NOW, SECRET, Scripted, no, ok, run

pytestmark = pytest.mark.usefixtures("either_loop")

QUICK = LinkSettings(answer_timeout=500 * MILLISECOND, connect_timeout=SECOND)


@asynccontextmanager
async def rest_at(root: str, budget: Budget | None = None) -> AsyncIterator[Rest]:
    clock = ServerClock(lambda: 0)
    rest = Rest(root, QUICK, credentials(KEY, SECRET), clock, budget or Budget())
    await rest.open()
    try:
        yield rest
    finally:
        await rest.close()


def test_a_change_is_signed_with_its_own_time() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("POST order", ok({"orderId": 1}))
        async with rest_at(exchange.endpoints.rest) as rest:
            assert await rest.measure_clock()
            answer = await rest.call(call_of(asked.PLACE))
        assert answer == Success({"orderId": 1}, NOW - 2)  # what the exchange had surely reached
        (heard,) = exchange.said("POST order")
        assert heard.headers["X-MBX-APIKEY"] == KEY
        assert heard.headers["X-MBX-TIME-UNIT"] == "MICROSECOND"
        assert heard.params["timestamp"] == str(asked.AT)
        assert heard.params["recvWindow"] == "3000"
        payload, _, signature = heard.query.partition("&signature=")
        assert signature == hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()

    run(test)


def test_a_question_is_signed_with_the_time_of_its_sending() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("GET order", ok([]))
        async with rest_at(exchange.endpoints.rest) as rest:
            await rest.measure_clock()
            await rest.call(call_of(asked.QUERY))
        assert exchange.said("GET order")[0].params["timestamp"] == str(NOW)

    run(test)


def test_a_symbol_of_any_letters_arrives_as_it_was_signed() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("GET openOrders", ok([]))
        async with rest_at(exchange.endpoints.rest) as rest:
            await rest.measure_clock()
            await rest.call(call_of(replace(asked.OPEN, symbol="币安人生USDT")))
        (heard,) = exchange.said("GET openOrders")
        assert heard.params["symbol"] == "币安人生USDT"
        payload, _, signature = heard.query.partition("&signature=")
        assert payload.isascii()
        assert signature == hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()

    run(test)


@pytest.mark.parametrize("fault", ["cut", "cut in the middle", "hang", "no json"])
@pytest.mark.parametrize("request_", [asked.PLACE, asked.CANCEL, asked.AMEND], ids=["POST", "DELETE", "PUT"])
def test_what_was_sent_and_not_answered_is_silence_and_never_sent_again(fault: str, request_: object) -> None:
    async def test(exchange: Scripted) -> None:
        call = call_of(request_)  # type: ignore[arg-type]
        words = f"{call.method} {call.path.removeprefix('/api/v3/')}"
        exchange.answer(words, ok({}), fault)  # type: ignore[arg-type]
        async with rest_at(exchange.endpoints.rest) as rest:
            await rest.measure_clock()
            assert isinstance(await rest.call(call), Success)  # so that the connection is kept, and cut when used again
            assert isinstance(await rest.call(call), Silence)
        assert len(exchange.said(words)) == 2

    run(test)


def test_without_a_connection_nothing_was_sent() -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with rest_at(f"http://127.0.0.1:{taken.getsockname()[1]}") as rest:
                assert not await rest.measure_clock()
                answer = await rest.public("/api/v3/ping", {})
        assert isinstance(answer, NotSent)

    asyncio.run(test())


def test_an_error_is_read_and_its_wait_obeyed() -> None:
    async def test(exchange: Scripted) -> None:
        reply = no(-1003, "slow down", 429)
        reply.headers = {"Retry-After": "7", "X-MBX-USED-WEIGHT-1M": "6001"}
        exchange.answer("GET order", reply)
        budget = Budget()
        async with rest_at(exchange.endpoints.rest, budget) as rest:
            await rest.measure_clock()
            answer = await rest.call(call_of(asked.QUERY))
        assert answer == Failure(429, -1003, "slow down", None, 7)
        assert budget.blocked_until == NOW + 7 * SECOND
        assert [limit.used for limit in budget.limits if limit.kind == "REQUEST_WEIGHT"] == [6001]

    run(test)


def test_counts_are_taken_from_successes_too() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("POST order", ok({}, X_MBX_USED_WEIGHT_1M="17", X_MBX_ORDER_COUNT_10S="3"))
        budget = Budget()
        async with rest_at(exchange.endpoints.rest, budget) as rest:
            await rest.measure_clock()
            await rest.call(call_of(asked.PLACE))
        used = {(limit.kind, limit.span): limit.used for limit in budget.limits}
        assert (used["REQUEST_WEIGHT", MINUTE], used["ORDERS", 10 * SECOND]) == (17, 3)

    run(test)


@pytest.mark.parametrize("told", [{}, {"serverTime": "now"}, {"serverTime": True}, {"serverTime": -1}, []])
def test_a_time_that_is_none_sets_no_clock(told: object) -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("GET time", ok(told))
        async with rest_at(exchange.endpoints.rest) as rest:
            assert not await rest.measure_clock()

    run(test)


def test_without_a_key_nothing_is_signed() -> None:
    async def test() -> None:
        rest = Rest("http://127.0.0.1:1", QUICK, None, ServerClock(lambda: 0), Budget())
        assert isinstance(await rest.call(call_of(asked.QUERY)), NotSent)
        with pytest.raises(RuntimeError, match="not open"):
            _ = rest.session

    asyncio.run(test())


@pytest.mark.parametrize(("window", "text"), [(3_000_000, "3000"), (500_250, "500.250"), (100_001, "100.001")])
def test_the_window_in_milliseconds(window: int, text: str) -> None:
    assert window_text(LinkSettings(receive_window=window)) == text


@pytest.mark.parametrize(
    ("url", "rest", "socket_"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws-api/v3"),
        ("https://exchange.example/", "https://exchange.example", "wss://exchange.example/ws-api/v3"),
    ],
)
def test_both_doors_of_an_address(url: str, rest: str, socket_: str) -> None:
    assert (endpoints_at(url).rest, endpoints_at(url).socket) == (rest, socket_)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://x", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        endpoints_at(url)
