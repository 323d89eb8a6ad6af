"""Bots are killed, or paused beside a successor, while the exchange goes on: ledger, books and account agree.

A share of it; `WIRE_KILLS=full` plays all of it, as `python -m tests.e2e.wire_kills` does.
"""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

from roottrading.adapters.store.port import Commit
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.domain.fill import Fill
from roottrading.domain.money import ZERO
from roottrading.domain.order import Order
from roottrading.domain.time import MILLISECOND
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.services.portfolio.state import BOOKS, HOLDINGS, Books, Holding
from tests.e2e.wire_account import Account, compare, unprotected
from tests.e2e.wire_kills import USUAL, play, problems, told

SHARE = (4, 1, 15.0)


def test_killed_and_paused_it_agrees_with_the_exchange(tmp_path: Path) -> None:
    kills, pauses, seconds = USUAL if os.environ.get("WIRE_KILLS") == "full" else SHARE
    tally, agreed = play(tmp_path, 7, kills, pauses, seconds)
    print(told(tally, agreed))
    assert problems(tally, agreed) == []
    assert (tally.kills, tally.fenced) == (kills, pauses)
    assert tally.cycles_beside > 0
    assert agreed.entries >= 4


# ---- the checks themselves: kills after which nothing can be found say nothing


def order(number: int, at: int, quantity: str, stop: str = "0", ended: int = 0, executed: str = "0") -> dict[str, Any]:
    return {
        "orderId": number,
        "clientOrderId": f"sim-{number}",
        "orderListId": -1,
        "side": "SELL" if stop != "0" else "BUY",
        "time": at,
        "updateTime": ended or at,
        "status": "FILLED" if quantity == executed else "EXPIRED" if ended else "NEW",
        "origQty": quantity,
        "executedQty": executed,
        "stopPrice": stop,
    }


def trade(number: int, at: int, quantity: str, buyer: bool) -> dict[str, Any]:
    return {
        "id": number,
        "orderId": number,
        "time": at,
        "qty": quantity,
        "price": "100",
        "commission": "0",
        "commissionAsset": "USDT",
        "isBuyer": buyer,
    }


def test_spans_without_a_stop_are_seen() -> None:
    bought, sold = trade(1, 1_000, "2", buyer=True), trade(3, 9_000, "2", buyer=False)
    stop = order(2, 4_000, "2", stop="90", ended=8_000)
    assert unprotected([order(1, 1_000, "2"), stop, order(3, 9_000, "2")], [bought, sold], "LTC") == [
        (1_000_000, 4_000_000),
        (8_000_000, 9_000_000),
    ]
    small = order(2, 1_000, "1", stop="90")  # half of it is as good as none
    assert unprotected([order(1, 1_000, "2"), small], [bought, sold], "LTC") == [(1_000_000, 9_000_000)]
    met = order(2, 1_000, "2", stop="90", ended=9_000, executed="2")
    assert unprotected([order(1, 1_000, "2"), met], [bought, trade(2, 9_000, "2", buyer=False)], "LTC") == []


class Told(Account):
    """An account of which a test says what is there."""

    def __init__(self, orders: list[dict[str, Any]], trades: list[dict[str, Any]], totals: dict[str, Decimal]) -> None:
        self.said = orders, trades, totals

    def orders(self, symbol: str) -> list[dict[str, Any]]:
        return self.said[0]

    def trades(self, symbol: str) -> list[dict[str, Any]]:
        return self.said[1]

    def totals(self) -> dict[str, Decimal]:
        return {asset: total for asset, total in self.said[2].items() if total}


def test_whatever_does_not_agree_is_found(tmp_path: Path) -> None:
    at, two, price = 1_000 * MILLISECOND, Decimal(2), Decimal(100)
    known = Order("o", "c", "sim-1", "LTCUSDT", "BUY", "LIMIT", two, price, None, "FILLED", at, at, two, 1)
    fill = Fill("f", "o", "c", "LTCUSDT", "BUY", price, two, ZERO, "USDT", False, at, ZERO, ZERO, 1)
    holding = Holding("LTCUSDT", from_market=two)
    rows = [
        Row("orders", ("o",), known),
        Row("fills", ("f",), fill),
        Row(BOOKS, ("sim",), Books("sim", Decimal(10_000), Decimal(9_800))),
        Row(HOLDINGS, ("LTCUSDT",), holding),
    ]
    with SqliteStore.open(tmp_path, ALL_TABLES, {}) as store:
        store.commit(Commit(rows))
    taken, executed = order(1, 1_000, "2", executed="2"), trade(1, 1_000, "2", buyer=True)
    there = {"USDT": Decimal(9_800), "LTC": Decimal(5), "BNB": Decimal(1)}

    def found(orders: list[dict[str, Any]], trades: list[dict[str, Any]], **held: int) -> list[str]:
        account = Told(orders, trades, there | {asset: Decimal(amount) for asset, amount in held.items()})
        return compare(account, tmp_path, ("LTCUSDT",), {"LTC": Decimal(3), "BNB": Decimal(1)}, "by-hand").problems

    by_hand = order(9, 500, "1") | {"clientOrderId": "by-hand"}
    assert found([taken], [executed]) == []
    assert found([taken, by_hand], [executed]) == []
    assert "not known" in found([taken, order(2, 1_000, "2")], [executed])[0]
    assert "taken 2 times" in found([taken, taken], [executed])[0]
    assert "booked as FILLED" in found([taken | {"status": "EXPIRED"}], [executed])[0]
    assert "never had it" in found([], [executed])[0]
    assert "None at the exchange" in found([taken], [])[0]
    assert "None in the ledger" in found([taken], [executed, trade(2, 1_000, "1", buyer=True)])[0]
    assert "4.0 s after" in found([taken | {"time": 5_000}], [executed])[0]
    assert "BNB: the account holds 0" in found([taken], [executed], BNB=0)[0]
    assert "LTC: the account holds 6" in found([taken], [executed], LTC=6)[0]
    assert "the foreign order" in found([taken, by_hand | {"status": "CANCELED"}], [executed])[0]
