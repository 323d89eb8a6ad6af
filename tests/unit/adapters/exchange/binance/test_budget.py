"""The budget: the exchange's word counts, and what is urgent goes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.budget import Budget, Denied, Purpose, span_of
from roottrading.domain.time import DAY, HOUR, MINUTE, SECOND

NOON = 19_000 * DAY + 12 * HOUR
PURPOSES: list[Purpose] = ["protection", "exit", "question", "entry", "market"]


def headers(weight: int, orders: int = 0) -> list[tuple[str, str]]:
    return [
        ("x-mbx-used-weight", "1"),
        ("x-mbx-used-weight-1m", str(weight)),
        ("X-MBX-ORDER-COUNT-10S", str(orders)),
        ("Content-Type", "application/json"),
        ("X-MBX-ORDER-COUNT-1X", "5"),
        ("X-MBX-ORDER-COUNT-1D", "many"),
    ]


def admitted(budget: Budget, weight: int = 1, orders: int = 0) -> set[Purpose]:
    return {purpose for purpose in PURPOSES if budget.admit(purpose, weight, orders, NOON) is None}


@pytest.mark.parametrize(
    ("used", "purposes"),
    [
        (0, PURPOSES),
        (2_999, PURPOSES),
        (3_001, ["protection", "exit", "question", "entry"]),
        (4_801, ["protection", "exit", "question"]),
        (5_701, ["protection", "exit"]),
        (6_000, ["protection"]),
    ],
)
def test_what_is_urgent_may_use_more_of_the_weight(used: int, purposes: list[Purpose]) -> None:
    for purpose in PURPOSES:
        budget = Budget()
        budget.told_by_headers(headers(used), NOON)
        assert (budget.admit(purpose, 1, 0, NOON) is None) == (purpose in purposes)


def test_entries_may_use_half_of_the_order_count() -> None:
    budget = Budget()
    budget.set_limit("ORDERS", 10 * SECOND, 10)
    assert [budget.admit("entry", 0, 3, NOON), budget.admit("entry", 0, 2, NOON)] == [None, None]
    assert budget.admit("entry", 0, 1, NOON) == Denied("order count", NOON + 10 * SECOND)
    assert budget.admit("exit", 0, 5, NOON) is None
    assert budget.admit("exit", 0, 1, NOON) is not None
    assert budget.admit("protection", 0, 2, NOON) is None
    assert budget.admit("entry", 0, 1, NOON + 10 * SECOND) is None


@given(st.integers(0, 10**6), st.integers(1, 50), st.sampled_from(PURPOSES))
def test_a_window_begins_anew_at_the_clocks_boundary(used: int, weight: int, purpose: Purpose) -> None:
    budget = Budget()
    budget.told("REQUEST_WEIGHT", MINUTE, used, NOON + 59 * SECOND)
    denied = budget.admit(purpose, weight, 0, NOON + 59 * SECOND)
    assert denied is None or denied.until == NOON + MINUTE
    assert budget.admit(purpose, weight, 0, NOON + MINUTE) is None


def test_a_429_is_obeyed_by_all() -> None:
    budget = Budget()
    budget.refused(429, -1003, 7 * SECOND, NOON)
    assert admitted(budget) == set()
    assert budget.admit("protection", 1, 0, NOON + 7 * SECOND - 1) == Denied("asked to wait", NOON + 7 * SECOND)
    assert budget.admit("market", 1, 0, NOON + 7 * SECOND) is None


def test_a_429_without_its_time_holds_until_the_minute_is_over() -> None:
    budget = Budget()
    budget.refused(429, -1003, 0, NOON + 50 * SECOND)
    assert budget.blocked_until == NOON + MINUTE


def test_a_ban_is_obeyed_and_never_shortened() -> None:
    budget = Budget()
    budget.refused(418, -1003, 0, NOON)
    assert budget.admit("protection", 1, 0, NOON) == Denied("banned", NOON + 2 * MINUTE)
    budget.refused(429, -1003, SECOND, NOON)
    assert budget.blocked_until == NOON + 2 * MINUTE
    budget.refused(418, -1003, 3 * DAY, NOON)
    assert budget.blocked_until == NOON + 3 * DAY


def test_too_many_orders_stop_orders_only() -> None:
    budget = Budget()
    budget.refused(429, -1015, 0, NOON + 3 * SECOND)
    assert budget.admit("exit", 1, 1, NOON + 3 * SECOND) == Denied("order count", NOON + 10 * SECOND)
    assert budget.admit("exit", 1, 0, NOON + 3 * SECOND) is None
    assert budget.admit("exit", 1, 1, NOON + 10 * SECOND) is None


@pytest.mark.parametrize(
    ("text", "span"), [("1M", MINUTE), ("10S", 10 * SECOND), ("1D", DAY), ("5X", None), ("", None), ("0M", None)]
)
def test_spans(text: str, span: int | None) -> None:
    assert span_of(text) == span


def test_the_limits_of_the_exchange_replace_the_assumed_ones() -> None:
    budget = Budget()
    budget.set_limit("ORDERS", 10 * SECOND, 100)
    budget.told_by_headers(headers(0, 49), NOON)
    assert budget.admit("entry", 0, 1, NOON) is None
    assert {(limit.kind, limit.span): (limit.most, limit.used) for limit in budget.limits} == {
        ("REQUEST_WEIGHT", MINUTE): (6_000, 0),
        ("ORDERS", 10 * SECOND): (100, 50),
        ("ORDERS", DAY): (160_000, 1),
    }
