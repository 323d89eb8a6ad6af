"""What the exchange's answers mean, answer by answer."""

from decimal import Decimal
from typing import Any

import pytest

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.errors import failure
from roottrading.domain.time import MILLISECOND, SECOND
from roottrading.operations.doctor.asking import Heard, Told
from roottrading.operations.doctor.exchange import account, clock, encryption, funds, judged, reach, rights
from roottrading.operations.doctor.finding import problems
from roottrading.operations.doctor.reader import judged_reader

BINANCE = "https://api.binance.com"
CAPITAL = ("USDT", Decimal(100))
RICH = {"canTrade": True, "balances": [{"asset": "USDT", "free": "60.5", "locked": "39.5"}]}
GOOD = {
    "ipRestrict": True,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableSpotAndMarginTrading": True,
    "enableMargin": False,
}


def told(**changed: Any) -> Success:
    """Return Binance's answer about a key, changed; None leaves a field out."""
    return Success({name: value for name, value in {**GOOD, **changed}.items() if value is not None}, 0)


def levels(answer: Answer, rest: str = BINANCE) -> list[str]:
    return [each.level for each in rights(answer, rest)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (failure(451, b"<html>"), "does not serve this place"),
        (failure(403, b"<html>"), "firewall"),
        (failure(418, b'{"code":-1003,"msg":"banned"}', "120"), "takes no more questions"),
        (failure(429, b'{"code":-1003,"msg":"slow down"}'), "takes no more questions"),
        (failure(503, b"<html>"), "HTTP 503"),
        (NotSent(-1008, "no connection to the exchange (ClientConnectorDNSError)"), "no connection"),
        (Silence("no answer in time"), "no answer in time"),
    ],
)
def test_an_exchange_that_cannot_be_reached_is_one_problem(answer: Answer, words: str) -> None:
    found = list(judged(Heard(answer), BINANCE, CAPITAL))
    assert [each.level for each in found] == ["problem"]
    assert words in found[0].text
    assert found[0].advice


def test_a_ban_says_how_long() -> None:
    assert "wait 120 seconds" in reach(failure(418, b"{}", "120"), BINANCE).advice


def test_a_good_key_and_account_have_no_problems() -> None:
    heard = Heard(Success({}, 0), Told(5 * SECOND, 5 * SECOND, 0, 0), 1, "", "", told(), Success(RICH, 0))
    found = list(judged(heard, BINANCE, CAPITAL))
    assert {each.level for each in found} == {"ok"}
    assert {each.check for each in found} == {
        "exchange",
        "encryption",
        "WebSocket API",
        "market streams",
        "clock",
        "key",
        "account",
        "funds",
    }


def test_sockets_that_do_not_connect_are_problems() -> None:
    heard = Heard(Success({}, 0), Told(0, 0, 0, 0), 1, "HTTP 403", "no answer in time")
    assert [each.check for each in problems(judged(heard, BINANCE, CAPITAL))] == ["WebSocket API", "market streams"]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, ["ok", "ok", "ok"]),
        ({"enableWithdrawals": True}, ["problem", "ok", "ok"]),
        ({"enableWithdrawals": None}, ["problem", "ok", "ok"]),
        ({"enableWithdrawals": "false"}, ["problem", "ok", "ok"]),
        ({"enableReading": False}, ["ok", "problem", "ok"]),
        ({"enableSpotAndMarginTrading": False}, ["ok", "problem", "ok"]),
        ({"enableMargin": True, "enableInternalTransfer": True}, ["ok", "ok", "warning", "ok"]),
        ({"ipRestrict": False}, ["ok", "ok", "warning"]),
    ],
)
def test_what_a_key_may_do(changed: dict[str, Any], wanted: list[str]) -> None:
    assert levels(told(**changed)) == wanted


@pytest.mark.parametrize("code", [-2014, -2015, -1022])
def test_a_refused_key_is_a_problem(code: int) -> None:
    refused = failure(401, b'{"code":%d,"msg":"Invalid API-key"}' % code)
    assert levels(refused) == ["problem"]
    assert account(refused).level == "problem"


def test_rights_that_only_test_exchanges_do_not_tell() -> None:
    absent = failure(404, b"<html>")
    assert levels(absent, "https://testnet.binance.vision") == ["warning"]
    assert levels(absent, "https://demo-api.binance.com") == ["warning"]
    assert levels(absent, "http://127.0.0.1:8080") == ["warning"]
    assert levels(absent) == ["problem"]
    assert levels(failure(500, b"")) == ["problem"]
    assert levels(Silence("cut")) == ["problem"]
    assert levels(Success([], 0)) == ["problem"]


@pytest.mark.parametrize(
    ("skew", "uncertainty", "level"),
    [
        (0, 0, "ok"),
        (500 * MILLISECOND, 0, "ok"),
        (-501 * MILLISECOND, 0, "warning"),
        (-900 * MILLISECOND, 400 * MILLISECOND, "ok"),
        (2 * SECOND, 0, "warning"),
        (2 * SECOND + 1, 0, "problem"),
        (-3 * SECOND, 500 * MILLISECOND, "problem"),
        (2 * SECOND + 1, 1, "warning"),
    ],
)
def test_clocks_apart_by_more_than_the_way_explains(skew: int, uncertainty: int, level: str) -> None:
    wall = 1_700_000_000 * SECOND
    found = clock(Told(wall + skew, wall, 0, uncertainty), 1)
    assert found.level == level
    assert ("behind" if skew > 0 else "ahead of") in found.text


def test_a_clock_of_another_pace_is_a_recorded_market() -> None:
    assert clock(Told(1, 1_700_000_000 * SECOND, 0, 0), 60).level == "warning"
    assert clock(None, 1).level == "problem"


def test_orders_go_encrypted_or_stay_on_this_machine() -> None:
    assert encryption(BINANCE).level == "ok"
    assert encryption("http://127.0.0.1:8080").level == "ok"
    assert encryption("http://192.168.1.5:8080").level == "problem"


@pytest.mark.parametrize("answer", [Success({"canTrade": False}, 0), Success({}, 0), Silence("cut")])
def test_an_account_that_may_not_trade(answer: Answer) -> None:
    assert account(answer).level == "problem"


def test_less_than_the_capital_is_a_warning() -> None:
    assert [each.level for each in funds(Success(RICH, 0), "USDT", Decimal(100))] == ["ok"]
    (short,) = funds(Success(RICH, 0), "USDT", Decimal("100.1"))
    assert (short.level, short.text) == ("warning", "the account has 100 USDT, account.capital is 100.1")
    assert [each.level for each in funds(Success(RICH, 0), "FDUSD", Decimal(1))] == ["warning"]
    assert list(funds(Success({"balances": "none"}, 0), "USDT", Decimal(1))) == []


@pytest.mark.parametrize(
    ("rights", "account", "levels"),
    [
        (told(enableSpotAndMarginTrading=False), Success({"uid": 1}, 0), ["ok"]),
        (told(enableSpotAndMarginTrading=None), Success({"uid": 1}, 0), ["warning"]),
        (told(enableSpotAndMarginTrading=False, enableWithdrawals=True), Success({"uid": 1}, 0), ["problem"]),
        (failure(404, b"<html>"), Success({"uid": 1}, 0), ["warning"]),
        (told(enableSpotAndMarginTrading=False), Success({"uid": 2}, 0), ["problem", "ok"]),
        (told(), failure(401, b'{"code":-2015,"msg":"no"}'), ["problem"]),
        (told(), Silence("cut"), ["problem"]),
    ],
)
def test_the_portfolio_s_key_sees_the_account_and_can_do_nothing(
    rights: Answer, account: Answer, levels: list[str]
) -> None:
    found = judged_reader(Heard(Success({}, 0), rights=rights, account=account), Success({"uid": 1}, 0))
    assert [each.level for each in found] == levels
