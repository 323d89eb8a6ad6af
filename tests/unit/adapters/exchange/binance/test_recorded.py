"""Recorded answers and events: all are read, and both ways of hearing of an order tell the same."""

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.replies import succeeded
from roottrading.adapters.exchange.binance.user_events import read_frame
from roottrading.messages.exchange import (
    ENTRY,
    AccountChanged,
    CancelOrder,
    ExchangeEvent,
    ListOpenOrders,
    OpenOrdersReported,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderSpec,
    OutcomeUnknown,
    PlaceOrder,
    QueryAccount,
)
from tests.recorded import shared_data

RECORDED = Path(__file__).parents[4] / "data" / "binance"
FLOWS = sorted((RECORDED / "user_data").glob("*.jsonl"))
AT = 1


def lines(path: Path) -> list[Any]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


def events_of(reader: Reader, line: Any) -> list[ExchangeEvent]:
    """Read one recorded line: an event, or the answer to placing or cancelling an order."""
    if line.get("kind", "ws") == "ws":
        told = read_frame(reader, msgspec.json.encode(line.get("body", line)))
        assert not isinstance(told, str)
        return list(told)
    if line["kind"] != "rest_response":
        return []
    body = line["body"]
    if "origClientOrderId" in body:
        cancel = CancelOrder(body["symbol"], body["clientOrderId"], ENTRY, AT, body["origClientOrderId"])
        return list(succeeded(reader, cancel, body, AT))
    order = OrderSpec(body["clientOrderId"], body["side"], body["type"], Decimal(body["origQty"]))
    return list(succeeded(reader, PlaceOrder(body["symbol"], body["clientOrderId"], ENTRY, AT, order), body, AT))


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_every_recorded_event_is_known(path: Path) -> None:
    reader = Reader()
    read = [event for line in lines(path) if line.get("what") != "SUBSCRIBE" for event in events_of(reader, line)]
    assert read
    assert not any(isinstance(event, OutcomeUnknown) for event in read)
    strangers = {what for _, what in reader.strangers.counts}
    # the testnet's flow has the answer to its subscription among its events
    assert strangers <= ({"an event without its kind"} if path.stem == "new_then_canceled" else set())


def facts(events: list[ExchangeEvent]) -> set[tuple[Any, ...]]:
    """Return what events say, without when: answers and events differ in that by a millisecond."""
    found: set[tuple[Any, ...]] = set()
    for event in events:
        match event:
            case OrderOpened():
                found.add(("opened", event.client_order_id, event.order_id, event.side, event.type, event.quantity))
                found.add(("at", event.client_order_id, event.price, event.stop_price, event.status, event.list_id))
            case OrderExecuted():
                found.add(("executed", event.client_order_id, event.trade_id, event.price, event.quantity, event.side))
                found.add(("fee", event.trade_id, event.fee, event.fee_asset, event.fee_rate, event.is_maker))
                found.add(("so far", event.trade_id, event.executed_quantity, event.status))
            case OrderEnded():
                found.add(("ended", event.client_order_id, event.order_id, event.status, event.executed_quantity))
            case _:
                pass
    return found


def apart(name: str) -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
    """Return what the answers of a flow say, and what its events say, each read by itself."""
    recorded = lines(RECORDED / "user_data" / f"{name}.jsonl")
    answers, events = Reader(), Reader()
    told = [event for line in recorded if line["kind"] == "rest_response" for event in events_of(answers, line)]
    heard = [
        event
        for line in recorded
        if line["kind"] == "ws" and "result" not in line["body"]
        for event in events_of(events, line)
    ]
    return facts(told), facts(heard)


def test_answers_and_events_of_a_canceled_order_say_the_same() -> None:
    told, heard = apart("new_then_canceled")
    assert told == heard
    assert {fact[0] for fact in told} == {"opened", "at", "ended"}


def test_answers_and_events_of_two_filled_orders_say_the_same() -> None:
    told, heard = apart("maker_then_taker")
    # the first order was filled while it rested: no answer could say so
    later = {fact for fact in heard - told if "JQAC6QMAAQAAv957tzEX" in fact or 207223058 in fact}
    assert heard - told == later
    assert told <= heard
    assert ("executed", "swAC6QMAAQAAiLvZ0TEX", 207223511, Decimal("193.8"), Decimal("0.1"), "SELL") in told


def test_an_execution_told_twice_is_passed_on_once() -> None:
    reader = Reader()
    recorded = lines(RECORDED / "user_data" / "maker_then_taker.jsonl")
    read = [event for line in recorded for event in events_of(reader, line)]
    assert [event.trade_id for event in read if isinstance(event, OrderExecuted)] == [207223058, 207223511]


def test_the_recorded_market_buy() -> None:
    (line,) = lines(RECORDED / "user_data" / "market_buy_answer.jsonl")
    opened, executed = events_of(Reader(), line)
    assert isinstance(opened, OrderOpened)
    assert isinstance(executed, OrderExecuted)
    assert (opened.price, opened.at) == (None, 1575711104420000)
    assert (executed.fee, executed.fee_asset, executed.status) == (Decimal("0.0007215"), "BNB", "FILLED")


def test_the_recorded_sale_in_two_parts() -> None:
    reader = Reader()
    recorded = lines(RECORDED / "user_data" / "market_in_two_parts.jsonl")
    read = [event for line in recorded for event in events_of(reader, line)]
    assert [(e.executed_quantity, e.status) for e in read if isinstance(e, OrderExecuted)] == [
        (Decimal(765), "PARTIALLY_FILLED"),
        (Decimal(800), "FILLED"),
    ]


def test_the_recorded_open_orders() -> None:
    told = msgspec.json.decode((RECORDED / "open_orders.json").read_bytes())
    (event,) = succeeded(Reader(), ListOpenOrders("BTCUSDT", "q", ENTRY, AT), told, AT)
    assert isinstance(event, OpenOrdersReported)
    assert [(order.client_order_id, order.price, order.triggered) for order in event.orders] == [
        ("web_747120d1bb0e4ca7a840604d1eeb79ea", Decimal(12000), False)
    ]


def test_the_recorded_account() -> None:
    told = msgspec.json.decode((RECORDED / "account.json").read_bytes())
    (event,) = succeeded(Reader(), QueryAccount("BTCUSDT", "q", ENTRY, AT), told, AT)
    assert isinstance(event, AccountChanged)
    assert {balance.asset: balance.free for balance in event.balances}["BNB"] == Decimal(1000)


@pytest.mark.shared_data
def test_every_recorded_account_is_read() -> None:
    with gzip.open(shared_data("messages", "rest", "recorded_rest_spot.jsonl.gz")) as file:
        recorded = [msgspec.json.decode(line) for line in file]
    accounts = [each["response"] for each in recorded if each["path"] == "/api/v3/account"]
    assert accounts
    for told in accounts:
        reader = Reader()
        (event,) = succeeded(reader, QueryAccount("BTCUSDT", "q", ENTRY, AT), told, AT)
        assert isinstance(event, AccountChanged)
        assert len(event.balances) == len(told["balances"])
