"""The account's events made into events of ours."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.user_events import read_frame
from roottrading.domain.balance import Balance
from roottrading.messages.exchange import (
    AccountChanged,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderReported,
    OrderTriggered,
)

MS = 1_700_000_000_500
US = MS * 1_000
D = Decimal


def frame(**more: Any) -> bytes:
    event = {
        "e": "executionReport",
        "E": MS + 1,
        "s": "BTCUSDT",
        "c": "d-c-s1",
        "S": "SELL",
        "o": "STOP_LOSS",
        "f": "GTC",
        "q": "0.00100000",
        "p": "0.00000000",
        "P": "59000.00000000",
        "F": "0.00000000",
        "g": 2,
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 6,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": MS,
        "t": -1,
        "I": 9,
        "w": False,
        "m": False,
        "M": False,
        "O": MS,
        "Z": "0.00000000",
        "Y": "0.00000000",
        "Q": "0.00000000",
        "V": "EXPIRE_TAKER",
        **more,
    }
    return msgspec.json.encode({"subscriptionId": 0, "event": event})


def said(data: bytes) -> list[Any]:
    return list(read_frame(Reader(), data))


OPENED = OrderOpened("BTCUSDT", "d-c-s1", US, 6, 2, "SELL", "STOP_LOSS", D("0.001"), None, D(59000), "NEW")


def test_a_stop_that_rests_and_one_that_was_triggered() -> None:
    assert said(frame()) == [OPENED]
    assert said(frame(w=True, W=MS)) == [OPENED, OrderTriggered("BTCUSDT", "d-c-s1", US, 6)]


def test_a_pending_leg_without_its_size() -> None:
    (event,) = said(frame(X="PENDING_NEW", q="0.00000000"))
    assert (event.status, event.quantity) == ("PENDING_NEW", None)


TRADE = {"x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.0004", "z": "0.0004", "L": "58990.01", "t": 71}
FEE = {"n": "0.02359600", "N": "USDT", "m": True}


def test_an_execution() -> None:
    assert said(frame(**TRADE, **FEE)) == [
        OrderExecuted(
            "BTCUSDT",
            "d-c-s1",
            US,
            6,
            71,
            "SELL",
            D("58990.01"),
            D("0.0004"),
            D("0.023596"),
            "USDT",
            D("0.001"),
            True,
            D("0.0004"),
            "PARTIALLY_FILLED",
        )
    ]


def test_an_execution_free_of_charge() -> None:
    reader = Reader()
    reader.assets["BTCUSDT"] = ("BTC", "USDT")
    (event,) = tuple(read_frame(reader, frame(**TRADE, n="0", N=None)))
    assert isinstance(event, OrderExecuted)
    assert (event.fee, event.fee_asset, event.fee_rate) == (D(0), "USDT", D(0))


def test_an_execution_is_passed_on_once() -> None:
    reader = Reader()
    assert len(read_frame(reader, frame(**TRADE, **FEE))) == 1
    assert read_frame(reader, frame(**TRADE, **FEE)) == ()
    assert len(read_frame(reader, frame(**{**TRADE, "t": 72}, **FEE))) == 1


def test_a_cancel_is_told_under_the_orders_id() -> None:
    (event,) = said(frame(x="CANCELED", X="CANCELED", c="d-c-c1", C="d-c-s1", z="0.0004"))
    assert event == OrderEnded("BTCUSDT", "d-c-s1", US, 6, "CANCELED", D("0.0004"))


@pytest.mark.parametrize(
    ("what", "status", "reason"),
    [
        ("EXPIRED", "EXPIRED", "OCO_TRIGGER"),
        ("EXPIRED", "EXPIRED", "REJECTED"),
        ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", ""),
        ("SOMETHING_NEW", "EXPIRED", "BECAUSE"),
    ],
)
def test_orders_end(what: str, status: str, reason: str) -> None:
    (event,) = said(frame(x=what, X=status, eR=reason))
    assert (event.status, event.reason) == (status, reason)


def test_prevention_of_a_part_is_no_end() -> None:
    assert said(frame(x="TRADE_PREVENTION", X="NEW", A="0.1")) == []


def test_an_amended_order() -> None:
    (event,) = said(frame(x="REPLACED", q="0.0005", C="d-c-s1"))
    assert isinstance(event, OrderReported)
    assert (event.client_order_id, event.quantity) == ("d-c-s1", D("0.0005"))


def test_a_rejected_order_is_told_by_its_answer() -> None:
    assert said(frame(x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES")) == []


def test_balances() -> None:
    event = {"e": "outboundAccountPosition", "E": MS, "u": MS - 1, "B": [{"a": "BTC", "f": "0.5", "l": "0.001"}]}
    assert said(msgspec.json.encode(event)) == [
        AccountChanged("", "", US - 1_000, (Balance("BTC", D("0.5"), D("0.001")),))
    ]


@pytest.mark.parametrize(
    ("kind", "notice"),
    [
        ("balanceUpdate", "balances"),
        ("externalLockUpdate", "balances"),
        ("eventStreamTerminated", "terminated"),
        ("serverShutdown", "shutdown"),
    ],
)
def test_what_the_link_must_act_on(kind: str, notice: str) -> None:
    assert read_frame(Reader(), msgspec.json.encode({"event": {"e": kind, "E": MS}})) == notice


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff",
        b"1",
        b"{}",
        b'{"e":5}',
        b'{"e":"brandNew"}',
        b'{"e":"executionReport"}',
        frame(x="TRADE", X="SOLD_OUT"),
        frame(o="PEGGED_MOON"),
        frame(S="HOLD"),
        frame(T=-5),
        frame(T=10**18),
        frame(q="NaN"),
        frame(i="6"),
    ],
)
def test_what_is_not_understood_says_nothing_and_is_counted(data: bytes) -> None:
    reader = Reader()
    assert read_frame(reader, data) == ()
    assert reader.strangers.total >= 1


def test_new_words_and_fields_are_survived_and_counted() -> None:
    reader = Reader()
    (event,) = tuple(read_frame(reader, frame(x="EXPIRED", X="EXPIRED", eR="MOON", zz=1)))
    assert isinstance(event, OrderEnded)
    assert (event.status, event.reason) == ("EXPIRED", "MOON")
    assert reader.strangers.counts == {("executionReport", "zz"): 1}
