"""Which faults strike, when, how often, and that they are counted."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.exchange_server.faults.fault import Fault, FaultError, read_fault
from roottrading.exchange_server.faults.register import Register, Strike


def numbers(strikes: list[Strike]) -> list[int]:
    return [strike.number for strike in strikes]


def test_faults_strike_at_their_occurrences_in_the_order_they_came() -> None:
    register = Register()
    register.add(Fault(kind="latency", where="GET *", nth=2, times=2))
    register.add(Fault(kind="refusal", where="* /*", times=0))
    found = [numbers(register.strike(where)) for where in ("GET /a", "POST /a", "GET /b", "GET /c", "GET /d")]
    assert found == [[2], [2], [1, 2], [1, 2], [2]]
    assert [(each.seen, each.struck) for each in register] == [(4, 2), (5, 5)]


@given(st.integers(1, 6), st.integers(0, 6), st.integers(0, 20))
def test_a_fault_strikes_from_its_nth_occurrence_on_as_often_as_it_says(nth: int, times: int, met: int) -> None:
    register = Register()
    register.add(Fault(kind="latency", where="*", nth=nth, times=times))
    struck = [place for place in range(1, met + 1) if register.strike("GET /")]
    assert struck == list(range(nth, met + 1) if not times else range(nth, min(met + 1, nth + times)))


@pytest.mark.parametrize(
    ("where", "symbol", "account", "strikes"),
    [
        ("POST /api/v3/order", "LTCUSDT", "demo", True),
        ("POST /api/v3/order", "BNBUSDT", "demo", False),
        ("POST /api/v3/order", "", "demo", False),
        ("POST /api/v3/order", "LTCUSDT", "other", False),
        ("GET /api/v3/order", "LTCUSDT", "demo", False),
        ("POST /api/v3/orders", "LTCUSDT", "demo", False),
    ],
)
def test_place_symbol_and_account_narrow_a_fault(where: str, symbol: str, account: str, strikes: bool) -> None:
    register = Register()
    register.add(Fault(kind="cut", where="POST /api/v3/order", symbol="LTCUSDT", account="demo"))
    assert bool(register.strike(where, symbol, account)) is strikes


def test_a_fault_without_a_place_strikes_when_it_comes_and_never_again() -> None:
    register = Register()
    carried: list[Strike] = []
    register.at_once = carried.append
    register.add(Fault(kind="drop"))
    assert [strike.fault.kind for strike in carried] == ["drop"]
    assert register.strike("stream x@trade") == []
    assert [(each.seen, each.struck) for each in register] == [(1, 1)]


def test_one_that_cannot_be_carried_out_does_not_stand() -> None:
    register = Register()

    def refuse(_: Strike) -> None:
        raise FaultError("no")

    register.at_once = refuse
    with pytest.raises(FaultError):
        register.add(Fault(kind="drop"))
    assert list(register) == []


def test_faults_are_taken_away() -> None:
    register = Register()
    first = register.add(Fault(kind="cut", where="GET *"))
    register.add(Fault(kind="cut", where="GET *"))
    assert register.remove(first)
    assert not register.remove(first)
    assert len(register.strike("GET /")) == 1
    register.clear()
    assert register.strike("GET /") == []


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 50))
def test_jitter_is_within_its_bound_and_the_same_each_time(milliseconds: int, jitter: int, count: int) -> None:
    fault = Fault(kind="latency", where="*", milliseconds=milliseconds, jitter=jitter)
    delay = Strike(1, fault, count).delay
    assert milliseconds / 1000 <= delay <= (milliseconds + jitter) / 1000
    assert Strike(1, fault, count).delay == delay


def test_jitter_differs_from_strike_to_strike() -> None:
    fault = Fault(kind="latency", where="*", jitter=1_000_000)
    assert len({Strike(1, fault, count).delay for count in range(20)}) == 20


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"kind": "moon"}, "Invalid enum value 'moon'"),
        ({"kind": "cut"}, "where is missing"),
        ({"kind": "lose"}, "where is missing"),
        ({"kind": "cut", "where": "order"}, "use a pattern such as 'POST /api/v3/order'"),
        ({"kind": "stall", "where": "POST *"}, "it cannot strike an answer over REST; there can body, cut, drop"),
        ({"kind": "refusal", "where": "stream *"}, "it cannot strike a stream"),
        ({"kind": "lose", "where": "ws *"}, "it cannot strike an answer of the WebSocket API"),
        ({"kind": "body", "where": "user *"}, "it cannot strike an account's event"),
        ({"kind": "cut", "where": "*"}, "it cannot strike everything"),
        ({"kind": "cut", "where": "*", "nth": 0}, "nth is 1 or more"),
        ({"kind": "cut", "where": "*", "milliseconds": -1}, "milliseconds are 0 or more"),
        ({"kind": "refusal", "where": "GET *", "status": 200}, "status is 200"),
        ({"kind": "filter", "symbol": "X"}, "field and value must be given"),
        ({"kind": "balance", "amount": "1"}, "account and asset must be given"),
        ({"kind": "cut", "where": "*", "color": "red"}, "unknown field `color`"),
        ({"where": "*"}, "missing required field `kind`"),
        ([], "Expected `object`"),
        ("cut", "Expected `object`"),
    ],
)
def test_what_is_no_fault_is_refused_with_a_reason(given_: Any, words: str) -> None:
    with pytest.raises(FaultError, match=words):
        read_fault(given_)


def test_a_fault_is_read_from_json_and_toml_alike() -> None:
    fault = read_fault({"kind": "balance", "account": "a", "asset": "USDT", "amount": "-1.5"})
    assert fault == read_fault({"kind": "balance", "account": "a", "asset": "USDT", "amount": Decimal("-1.5")})
    assert read_fault({"kind": "drift", "milliseconds": -500}).milliseconds == -500
