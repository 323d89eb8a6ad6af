"""Orders under our prefix, held against a ledger: known ones pass, another deployment's are named."""

from decimal import Decimal

import pytest

from roottrading.adapters.exchange.binance.orders_by_prefix import FoundOrder
from roottrading.domain.ids import client_order_ids, cycle_id, order_id
from roottrading.domain.order import Order, OrderStatus
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.runtimes.linked.one_deployment import (
    LEDGER,
    Known,
    PrefixTaken,
    known_of,
    known_of_sent,
    refuse,
    strangers,
)

NAME = "alpha"
OURS, THEIRS = (cycle_id(NAME, f"BTCUSDT/{number}") for number in (1, 2))
ENTRY, STOP = client_order_ids(NAME, OURS, "es", 1)
FOREIGN = client_order_ids(NAME, THEIRS, "e", 1)[0]


def found(name: str, number: int = 7) -> FoundOrder:
    return FoundOrder("BTCUSDT", number, name, 1_700_000_000_000)


def ordered(name: str, number: int, status: OrderStatus = "FILLED") -> Order:
    one = Decimal(1)
    return Order(order_id(NAME, name), OURS, name, "BTCUSDT", "BUY", "LIMIT", one, one, None, status, 1, 1, one, number)


def cycle(name: str) -> TradeCycle:
    return TradeCycle(name, "BTCUSDT", "closed", 1, None, None, None, None, None, "", 1, 1)


def test_what_the_ledger_has_is_ours() -> None:
    known = known_of(NAME, {"trade_cycles": [cycle(OURS)], "orders": [ordered(ENTRY, 7), ordered(STOP, -1)]})
    assert strangers([found(ENTRY, 7), found(STOP, 8)], known) == []


def test_of_no_cycle_of_ours() -> None:
    known = known_of(NAME, {"trade_cycles": [cycle(OURS)]})
    assert strangers([found(ENTRY), found(FOREIGN)], known) == [found(FOREIGN)]
    assert strangers([found(ENTRY)], Known()) == [found(ENTRY)]
    assert strangers([found("alpha-by-hand")], known) == [found("alpha-by-hand")]


def test_a_known_id_under_another_number_is_a_twins() -> None:
    known = known_of(NAME, {"trade_cycles": [cycle(OURS)], "orders": [ordered(ENTRY, 7)]})
    assert strangers([found(ENTRY, 7), found(ENTRY, 9)], known) == [found(ENTRY, 9)]


def test_a_ledger_of_sent_ids_knows_orders_by_them_and_by_their_cycles() -> None:
    known = known_of_sent(NAME, {ENTRY: 7, STOP: -1}, ())
    assert strangers([found(ENTRY, 7), found(STOP, 8)], known) == []
    assert strangers([found(ENTRY, 9), found(FOREIGN)], known) == [found(ENTRY, 9), found(FOREIGN)]
    assert strangers([found(ENTRY), found(FOREIGN)], known_of_sent(NAME, {}, [OURS])) == [found(FOREIGN)]


def test_the_refusal_of_services_names_their_database() -> None:
    with pytest.raises(PrefixTaken, match=r"the database postgresql://here/books does not know: .*\(THE_URL\)"):
        refuse([found(FOREIGN)], NAME, "postgresql://here/books", "database", "THE_URL")


def test_the_ledger_is_made_of_three_tables() -> None:
    assert {table.name for table in LEDGER} == {"trade_cycles", "orders", "executions"}


def test_the_refusal_names_the_newest_and_says_what_to_do() -> None:
    refuse([], NAME, "state")
    with pytest.raises(PrefixTaken) as refused:
        refuse([found(f"alpha-x-e{number}") for number in range(7)], NAME, "state")
    said = str(refused.value)
    assert "alpha-x-e6 (2023-11-14T22:13:20Z) and 2 more" in said
    assert "alpha-x-e1 " not in said
    for words in ("prefix alpha-", "state folder state", "--state", "account.deployment", "Nothing was sent"):
        assert words in said
