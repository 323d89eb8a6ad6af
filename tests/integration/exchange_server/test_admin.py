"""The admin door over HTTP, and processes that move a stepped clock by resting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web

from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.shipped import shipped_instruments
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import iso, parse_time
from roottrading.exchange_server.admin import Admin
from roottrading.exchange_server.assembly import Exchange, Terms, assemble
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.opening import open_market
from roottrading.runtimes.linked.stepping import expected_of
from tests.integration.exchange_server.market_place import LTC, TAPE_FROM

FILTER = {"kind": "filter", "symbol": "LTCUSDT", "field": "tick_size", "value": "1"}


class Door:
    def __init__(self, exchange: Exchange, base: str, session: ClientSession) -> None:
        self.exchange = exchange
        self.base = base
        self.session = session

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.session.request(method, f"{self.base}{path}", json=body) as response:
            return response.status, await response.json()


@asynccontextmanager
async def opened(clock: str, expected: dict[str, int] | None = None) -> AsyncIterator[Door]:
    model = FillModel()
    market = open_market([LTC], shipped_instruments(), model, start=TAPE_FROM)
    exchange = assemble(market, Terms(clock, FeeSchedule(), model, LimitSettings(), expected or {}), lambda: 0.0)
    runner = web.AppRunner(Admin(exchange).app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        host, port = runner.addresses[0][:2]
        try:
            yield Door(exchange, f"http://{host}:{port}", session)
        finally:
            await session.close()
            await runner.cleanup()


def play(script: Callable[[Door], Awaitable[None]], clock: str = "stepped", **expected: int) -> None:
    async def run() -> None:
        async with opened(clock, expected) as door:
            await script(door)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_status_accounts_and_balances() -> None:
    async def script(door: Door) -> None:
        status, shown = await door.ask("GET", "/status")
        assert status == 200
        assert shown["now"] == "2021-04-17T00:00:00Z"
        assert shown["symbols"]["LTCUSDT"]["status"] == "TRADING"
        status, _ = await door.ask("POST", "/accounts", {"account": "a:b", "balances": ["USDT=100"]})
        assert status == 200
        assert (await door.ask("GET", "/accounts"))[1] == {"a": {"USDT": {"free": "100", "locked": "0"}}}
        change = {"account": "a", "asset": "USDT", "change": "-30.5"}
        assert (await door.ask("POST", "/balances", change))[1] == {"asset": "USDT", "free": "69.5", "locked": "0"}

    play(script)


def test_a_clock_moved_by_hand() -> None:
    async def script(door: Door) -> None:
        assert (await door.ask("POST", "/clock", {"step": 3}))[1]["moved"] == 3
        _, shown = await door.ask("POST", "/clock", {"until": "2021-04-17T00:10:00Z"})
        assert shown == {
            "now": "2021-04-17T00:10:00Z",
            "clock": "stepped",
            "by_hand": True,
            "moves": 20,
            "done": False,
            "moved": 17,
        }
        assert (await door.ask("GET", "/clock"))[1]["now"] == "2021-04-17T00:10:00Z"

    play(script)


def test_it_says_how_many_processes_are_expected() -> None:
    async def script(door: Door) -> None:
        assert (await door.ask("GET", "/clock"))[1]["expected"] == {"trader": 2, "analyzer": 3}
        assert await expected_of(door.base, "trader") == 2
        assert await expected_of(f"{door.base}/", "gateway") == 1  # it is told that nobody expects it when it joins
        with pytest.raises(LinkError, match="does not say how many"):
            await expected_of("http://127.0.0.1:1", "trader")

    async def by_hand(door: Door) -> None:
        with pytest.raises(LinkError, match="does not say how many"):
            await expected_of(door.base, "trader")

    play(script, trader=2, analyzer=3)
    play(by_hand)
    play(by_hand, clock="10x")


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/clock", {"step": 0}, "step is a whole number"),
        ("POST", "/clock", {"until": "never"}, "Invalid isoformat"),
        ("POST", "/clock", {"jump": 1}, "an object with step, until"),
        ("POST", "/clock", [1], "an object with step, until"),
        ("POST", "/accounts", {"account": "a"}, "is not KEY:SECRET"),
        ("POST", "/accounts", {"account": 5}, "use "),
        ("POST", "/accounts", {"account": "a:b", "balances": ["USDT=x"]}, "the amount is a number"),
        ("POST", "/balances", {"account": "x", "asset": "USDT", "change": "1"}, "no account 'x'"),
        ("POST", "/faults", {"kind": "moon"}, "Invalid enum value"),
        ("POST", "/faults", {"kind": "status", "symbol": "XYZ", "value": "HALT"}, "no symbol 'XYZ'"),
        ("POST", "/faults", {"kind": "status", "symbol": "LTCUSDT", "value": "LUNCH"}, "use one of TRADING"),
        (
            "POST",
            "/faults",
            {**FILTER, "field": "color"},
            "no field 'color'",
        ),
        (
            "POST",
            "/faults",
            {**FILTER, "value": "x"},
            "cannot be 'x'",
        ),
        ("POST", "/faults", {"kind": "balance", "account": "x", "asset": "USDT"}, "no account 'x'"),
        ("DELETE", "/faults/7", None, "no fault 7"),
    ],
)
def test_what_cannot_be_done_is_said(method: str, path: str, body: Any, words: str) -> None:
    async def script(door: Door) -> None:
        status, answer = await door.ask(method, path, body)
        assert status == 400
        assert words in answer["error"]
        assert (await door.ask("GET", "/faults"))[1] == {"faults": [], "coming": []}

    play(script)


def test_a_clock_that_goes_by_itself_is_not_moved_by_hand() -> None:
    async def script(door: Door) -> None:
        assert (await door.ask("POST", "/clock", {"step": 1}))[0] == 400
        assert (await door.ask("GET", "/processes"))[0] == 400

    play(script, "60x")


def test_faults_are_added_shown_and_taken_away() -> None:
    async def script(door: Door) -> None:
        wanted = [
            {"kind": "cut", "where": "POST *", "moment": "after"},
            {"kind": "status", "symbol": "LTCUSDT", "value": "HALT", "at": "2021-04-18T00:00:00Z"},
            {"kind": "filter", "symbol": "LTCUSDT", "field": "max_orders", "value": "3"},
        ]
        assert (await door.ask("POST", "/faults", wanted))[1] == {"numbers": [1, None, 2]}
        _, shown = await door.ask("GET", "/faults")
        assert shown["coming"] == [wanted[1]]
        assert [(each["fault"], each["struck"]) for each in shown["faults"]] == [(wanted[0], 0), (wanted[2], 1)]
        assert door.exchange.venue.instruments["LTCUSDT"].max_orders == 3
        assert (await door.ask("DELETE", "/faults/1"))[0] == 200
        assert (await door.ask("DELETE", "/faults"))[0] == 200
        assert (await door.ask("GET", "/faults"))[1] == {"faults": [], "coming": []}

    play(script)


def test_processes_that_rest_move_the_clock() -> None:
    async def script(door: Door) -> None:
        heard: dict[str, list[tuple[str, str]]] = {"trader": [], "gateway": []}
        wanted = parse_time("2021-04-17T00:02:30Z")

        async def process(service: str) -> None:
            deadline = wanted if service == "trader" else None
            async with door.session.ws_connect(f"{door.base}/processes") as socket:
                await socket.send_json({"type": "join", "service": service})
                while len(heard[service]) < 8:
                    told = await socket.receive_json()
                    if told["type"] == "moved":
                        heard[service].append((iso(told["now"])[14:19], told["phase"]))
                        deadline = None if told["now"] == wanted else deadline
                    else:
                        await socket.send_json({"type": "report", "wave": told["wave"], "next_deadline": deadline})

        await asyncio.gather(process("trader"), process("gateway"))
        expected = [("01:00", "fills"), ("01:00", "candles"), ("02:00", "fills"), ("02:00", "candles")]
        expected += [("02:30", "deadlines"), ("03:00", "fills"), ("03:00", "candles"), ("04:00", "fills")]
        assert heard == {"trader": expected, "gateway": expected}

    play(script, trader=1, gateway=1)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"type": "join", "service": "cook"}, "nobody expects a process of 'cook'"),
        ({"type": "dance"}, "neither join nor report"),
        ([], "neither join nor report"),
    ],
)
def test_a_process_that_cannot_be_taken_is_told_why(message: Any, words: str) -> None:
    async def script(door: Door) -> None:
        async with door.session.ws_connect(f"{door.base}/processes") as socket:
            await socket.send_json(message)
            assert words in (await socket.receive_json())["error"]

    play(script, trader=1)
