"""What the doctor asks, on a real port: nothing that changes anything, signed as each door takes it."""

from roottrading.adapters.exchange.binance.answers import Success
from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.operations.doctor.asking import Heard, ask
from tests.unit.adapters.exchange.binance.scripted import KEY, NOW, SECRET, Scripted, no, ok, run

RIGHTS = "GET /sapi/v1/account/apiRestrictions"


async def asked(exchange: Scripted, *, key: bool = True) -> Heard:
    exchange.takes_sockets = False
    doors = exchange.endpoints
    places = Places(doors.rest, doors.socket, doors.socket.removesuffix("/ws-api/v3"))
    return await ask(places, credentials(KEY, SECRET) if key else None)


def test_each_question_once_and_nothing_else() -> None:
    async def test(exchange: Scripted) -> None:
        for words in ("GET ping", RIGHTS, "GET account"):
            exchange.answer(words, ok({"of": words}))
        heard = await asked(exchange)
        assert isinstance(heard.rights, Success)
        assert isinstance(heard.account, Success)
        assert (heard.rights.told, heard.account.told) == ({"of": RIGHTS}, {"of": "GET account"})
        assert heard.socket == "HTTP 503"
        assert {each.words.partition(" ")[0] for each in exchange.heard} == {"GET"}
        (rights,), (account,) = exchange.said(RIGHTS), exchange.said("GET account")
        # a clock that stands still is measured a little off; what counts is the unit
        assert abs(int(rights.params["timestamp"]) - NOW // 1_000) < 10_000
        assert abs(int(account.params["timestamp"]) - NOW) < 10_000_000

    run(test)


def test_without_a_key_only_what_needs_none() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("GET ping", ok({}))
        heard = await asked(exchange, key=False)
        assert (heard.rights, heard.account) == (None, None)
        assert not exchange.said(RIGHTS)
        assert heard.time is not None
        assert heard.time.server == NOW

    run(test)


def test_where_nobody_may_come_in_nothing_more_is_asked() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("GET ping", no(0, "not here", status=451))
        heard = await asked(exchange)
        assert isinstance(heard.ping, Failure)
        assert heard.ping.status == 451
        assert [each.words for each in exchange.heard] == ["GET ping"]

    run(test)
