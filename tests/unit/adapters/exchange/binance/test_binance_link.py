"""The link against a scripted exchange on a real port: every request has one outcome, and nothing is sent twice."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.adapters.exchange.binance.breaker import BreakerSettings
from roottrading.adapters.exchange.link import ExchangeLink, LinkError
from roottrading.domain.balance import Balance
from roottrading.domain.time import MILLISECOND, SECOND
from roottrading.messages.exchange import (
    AccountChanged,
    ExchangeEvent,
    ExecutionsReported,
    InstrumentChanged,
    LinkChanged,
    OpenOrdersReported,
    OrderAbsent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    ReconcileDue,
)
from tests.unit.adapters.exchange.binance import asked
from tests.unit.adapters.exchange.binance.scripted import KEY, NOW, SECRET, Reply, Scripted, no, ok
from tests.unit.adapters.exchange.binance.scripted_link import (
    HMAC,
    QUICK,
    ed25519,
    exchange_info,
    fresh,
    instrument,
    linked,
    run,
)
from tests.unit.adapters.exchange.binance.test_replies import FILLED, report
from tests.unit.adapters.exchange.binance.test_user_events import frame

pytestmark = pytest.mark.usefixtures("either_loop")

PLACE = asked.PLACE
EXITING = replace(asked.REPLACE, urgency=1)


def report_event(**more: Any) -> dict[str, Any]:
    event: dict[str, Any] = msgspec.json.decode(frame(**more))["event"]
    return event


# ---- greeting


def test_it_greets_before_anything_else() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (link, listener):
            assert isinstance(link, BinanceLink)
            whole: ExchangeLink = link
            assert abs(whole.now() - NOW) < 5 * SECOND
            kinds = [type(event) for event in listener.events]
            assert kinds == [LinkChanged, InstrumentChanged, AccountChanged, OpenOrdersReported, ReconcileDue]
            (account,) = listener.of(AccountChanged)
            assert (account.symbol, account.balances) == ("", (Balance("USDT", Decimal(1000), Decimal(0)),))
            (changed,) = listener.of(InstrumentChanged)
            assert changed.status == "TRADING"
            assert changed.instrument == link.instruments["BTCUSDT"]
            assert not changed.instrument.opo_allowed  # what a fresh answer does not mention is not allowed
            assert [heard.words for heard in exchange.heard].count("account.status") == 1

    run(test)


def test_it_logs_on_with_ed25519_and_then_signs_nothing_more() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", ok(FILLED))
        async with linked(exchange, signer=ed25519()) as (link, listener):
            link.send([fresh(PLACE, link)])
            await listener.until(OrderOpened)
        assert "signature" in exchange.said("session.logon")[0].params
        assert exchange.said("userDataStream.subscribe")
        assert not exchange.said("userDataStream.subscribe.signature")
        assert not {"signature", "apiKey"} & set(exchange.said("order.place")[0].params)

    run(test)


def test_what_is_prepared_is_sent_as_it_would_have_been_and_only_when_it_is_sent() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", lambda _: ok(dict(FILLED)))
        async with linked(exchange) as (link, listener):
            ready = fresh(PLACE, link)
            link.prepare([ready, replace(ready, client_order_id="never-sent")])
            await asyncio.sleep(0.05)
            assert not exchange.said("order.place")
            link.send([ready])
            await listener.until(OrderOpened)
        async with linked(exchange) as (link, listener):  # which has not sent it yet
            link.send([ready])
            await listener.until(OrderOpened)
        first, second = exchange.said("order.place")
        assert first.params == second.params
        assert "signature" in first.params

    run(test)


def test_what_was_prepared_for_a_socket_that_is_gone_is_signed_for_the_next() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", lambda _: ok(dict(FILLED)))
        exchange.answer("session.logon", ok({"apiKey": KEY}), no(-1022))
        async with linked(exchange, signer=ed25519()) as (link, listener):
            ready = fresh(PLACE, link)
            link.prepare([ready])  # logged on: not signed
            await exchange.drop()
            await listener.greeted(times=2)
            link.send([ready])
            await listener.until(OrderOpened)
        assert exchange.said("order.place")[0].params["apiKey"] == KEY

    run(test)


def test_where_logging_on_is_refused_each_request_is_signed() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("session.logon", no(-1022))
        exchange.answer("order.place", ok(FILLED))
        async with linked(exchange, signer=ed25519()) as (link, listener):
            link.send([fresh(PLACE, link)])
            await listener.until(OrderOpened)
        assert exchange.said("order.place")[0].params["apiKey"] == KEY

    run(test)


@pytest.mark.parametrize(
    ("words", "answer", "said"),
    [
        ("GET time", Reply(451, b"Service unavailable from a restricted location"), "geo-block"),
        ("GET exchangeInfo", ok(exchange_info(instrument("ETHUSDT"))), "does not list BTCUSDT"),
        ("GET exchangeInfo", ok({"symbols": [{"symbol": "BTCUSDT"}]}), "does not list BTCUSDT"),
        ("GET exchangeInfo", no(-1003, "slow down", 429), "first question: -1003: slow down"),
        ("GET account", no(-2015, "Invalid API-key.", 401), "refuses the API key"),
        ("GET account", ok([]), "not in Binance's form"),
    ],
)
def test_it_says_why_it_cannot_be_opened(words: str, answer: Reply, said: str) -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer(words, answer)
        link = BinanceLink(exchange.endpoints, HMAC, ["BTCUSDT"], QUICK)
        with pytest.raises(LinkError, match=said) as caught:
            await link.open()
        assert SECRET not in str(caught.value)
        assert KEY not in str(caught.value)

    run(test)


# ---- requests


def test_an_order_goes_over_the_socket_and_its_executions_are_told_once() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", ok(FILLED))
        async with linked(exchange) as (link, listener):
            request = fresh(PLACE, link)
            link.send([request])
            await listener.until(OrderExecuted, times=2)
            trade = {"x": "TRADE", "X": "PARTIALLY_FILLED", "c": "d-c-e1", "S": "BUY", "o": "LIMIT", "i": 5}
            await exchange.push(report_event(**trade, t=71, l="0.0004", z="0.0004", L="59990"))
            await exchange.push(report_event(**trade, t=73, l="0.0004", z="0.0004", L="59990"))
            await listener.until(OrderExecuted, times=3)
            assert [event.trade_id for event in listener.of(OrderExecuted)] == [71, 72, 73]
            assert {event.fee_rate for event in listener.of(OrderExecuted)[:2]} == {Decimal("0.0004")}
        (heard,) = exchange.said("order.place")
        assert (heard.params["timestamp"], heard.params["recvWindow"]) == (request.issued_at, "1000")
        assert not exchange.said("POST order")

    run(test)


def test_without_a_socket_requests_go_over_rest() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.takes_sockets = False
        exchange.answer("POST order/cancelReplace", no(-2010))
        async with linked(exchange, greeted=False) as (link, listener):
            await listener.went("user_data", "down")
            link.send([fresh(EXITING, link)])
            assert (await listener.until(OrderRefused)).code == -2010

    run(test)


@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_an_unanswered_change_is_unknown_and_never_sent_again(fault: Any) -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.cancelReplace", fault)
        async with linked(exchange) as (link, listener):
            link.send([fresh(EXITING, link)])
            assert (await listener.until(OutcomeUnknown)).client_order_id == "d-c-x1"
            await asyncio.sleep(0.8)  # beyond the time-out, so that a second word would have come
            assert len(listener.of(OutcomeUnknown)) == 1
        assert len(exchange.said("order.cancelReplace")) == 1
        assert not exchange.said("POST order/cancelReplace")

    run(test)


def test_a_late_answer_is_told_after_all() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (link, listener):
            exchange.answer("order.place", "hang")
            link.send([fresh(PLACE, link)])
            await listener.until(OutcomeUnknown)
            (heard,) = exchange.said("order.place")
            reply = {"id": heard.number, "status": 200, "result": FILLED}
            await exchange.sockets[0].send_str(msgspec.json.encode(reply).decode())
            assert (await listener.until(OrderOpened)).client_order_id == "d-c-e1"

    run(test)


def test_an_answers_events_come_together() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", ok(FILLED))
        async with linked(exchange) as (link, listener):
            link.send([fresh(PLACE, link)])
            await listener.until(OrderExecuted, times=2)
            whole = [[type(event) for event in told] for told in listener.together]
            assert [OrderOpened, OrderExecuted, OrderExecuted] in whole

    run(test)


def test_a_refusal_is_told() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", no(-2010, "Account has insufficient balance for requested action."))
        async with linked(exchange) as (link, listener):
            link.send([fresh(PLACE, link)])
            refused = await listener.until(OrderRefused)
            assert (refused.code, "insufficient balance" in refused.message) == (-2010, True)

    run(test)


def test_a_refused_time_is_told_and_the_clock_is_measured_anew() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", no(-1021, "Timestamp for this request is outside of the recvWindow."))
        async with linked(exchange) as (link, listener):
            exchange.now += 20 * SECOND
            link.send([fresh(PLACE, link)])
            assert (await listener.until(OrderRefused)).code == -1021
            while link.now() < NOW + 20 * SECOND:
                await asyncio.sleep(0.01)
        assert len(exchange.said("order.place")) == 1

    run(test)


def test_a_question_without_an_answer_is_repeated_and_then_unknown() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.status", no(-1000, "?", 500), ok(found_order()))
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.QUERY, link)])
            assert (await listener.until(OrderReported)).status == "NEW"
            exchange.answer("order.status", no(-1000, "?", 500))
            link.send([fresh(asked.QUERY, link)])
            await listener.until(OutcomeUnknown)
        assert len(exchange.said("order.status")) == 4

    run(test)


def found_order() -> dict[str, Any]:
    return report("d-c-e1", updateTime=NOW // 1_000, time=NOW // 1_000)


def test_what_is_being_asked_is_not_asked_beside_that() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.status", no(-2013, "Order does not exist."))
        async with linked(exchange) as (link, listener):
            for _ in range(5):
                link.send([fresh(asked.QUERY, link)])
            await listener.until(OrderAbsent)
            link.send([fresh(asked.QUERY, link)])
            await listener.until(OrderAbsent, times=2)
        assert len(exchange.said("order.status")) == 2

    run(test)


def test_the_same_question_is_asked_no_faster_than_the_budget_bears() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.status", no(-2013, "Order does not exist."))
        async with linked(exchange) as (link, listener):
            began = asyncio.get_running_loop().time()
            for _ in range(4):
                listener.clear()
                link.send([fresh(asked.QUERY, link)])
                await listener.until(OrderAbsent)
            assert asyncio.get_running_loop().time() - began >= 0.3

    run(test)


def test_a_ban_is_not_lengthened_by_knocking() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (_, listener):
            exchange.refuses_sockets = Reply(418, b"", {"Retry-After": "100"})
            await exchange.drop()
            assert "HTTP 418" in (await listener.until(LinkChanged, lambda event: "418" in event.reason)).reason
            tries = exchange.knocked
            await asyncio.sleep(0.4)
            assert exchange.knocked == tries

    run(test)


def test_what_was_sent_once_is_never_sent_again_by_anyone() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", lambda _: ok(dict(FILLED)))
        async with linked(exchange) as (link, listener):
            link.send([fresh(PLACE, link), fresh(PLACE, link)])
            await listener.until(OrderOpened)
            link.send([fresh(PLACE, link)])
            assert (await listener.until(OutcomeUnknown)).client_order_id == "d-c-e1"
        assert len(exchange.said("order.place")) == 1

    run(test)


def test_executions_are_asked_for_page_by_page_and_named() -> None:
    def trade(number: int, order: int) -> dict[str, Any]:
        fee = {"commission": "0", "commissionAsset": "BTC", "time": NOW, "isBuyer": True, "isMaker": False}
        return {"symbol": "BTCUSDT", "id": number, "orderId": order, "price": "1", "qty": "1", **fee}

    async def test(exchange: Scripted) -> None:
        def page(heard: Any) -> Reply:
            first = heard.params["fromId"]
            return ok([trade(number, 40 + number % 2) for number in range(first, min(first + 1000, 1517))])

        exchange.answer("myTrades", page)
        orders = [report("d-c-e1", orderId=40, origQty="750"), report("by-hand", orderId=41, origQty="750")]
        exchange.answer("allOrders", lambda _: ok(orders))
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.FILLS, link)])
            told = (await listener.until(ExecutionsReported)).executions
        assert [event.trade_id for event in told] == list(range(17, 1517))
        assert {event.client_order_id for event in told} == {"d-c-e1", "by-hand"}
        assert [heard.params["fromId"] for heard in exchange.said("myTrades")] == [17, 1017]
        assert [heard.params["orderId"] for heard in exchange.said("allOrders")] == [40]
        assert told[-1].status == "FILLED"

    run(test)


def test_a_closed_link_refuses_what_comes_too_late() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (link, listener):
            pass
        link.send([PLACE])
        assert not exchange.said("order.place")
        assert listener.of(ReconcileDue)

    run(test)


def test_it_closes_at_any_moment() -> None:
    async def test(exchange: Scripted) -> None:
        for number in range(20):
            link = BinanceLink(exchange.endpoints, HMAC, ["BTCUSDT"], QUICK)
            await link.open()
            link.send([fresh(asked.QUERY, link), fresh(PLACE, link)])
            for _ in range(number * 3):  # somewhere between connecting, subscribing and greeting
                await asyncio.sleep(0)
            await link.close()
            async for _ in link.events():  # it ends
                pass
            assert not link.under_way

    run(test)


# ---- limits


def test_a_ban_stops_everything_until_its_end() -> None:
    async def test(exchange: Scripted) -> None:
        ban = {"serverTime": NOW // 1_000, "retryAfter": NOW // 1_000 + 60_000}
        exchange.answer("order.status", no(-1003, "IP banned", 418, data=ban))
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.QUERY, link)])
            assert (await listener.went("budget", "banned")).reason == "IP banned"
            link.send([fresh(asked.OCO, link)])
            refused = await listener.until(OrderRefused, lambda event: event.client_order_id == "d-c-l2")
            assert (refused.code, refused.message.startswith("not sent: banned")) == (-1003, True)
        assert not exchange.said("orderList.place.oco")

    run(test)


def test_entries_use_half_of_the_order_count_and_exits_the_rest() -> None:
    async def test(exchange: Scripted) -> None:
        counted = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100, "count": 50}
        exchange.answer("order.place", lambda _: ok({**FILLED, "_": {"rateLimits": [counted]}}))
        exchange.answer("order.cancelReplace", no(-2022, "no", data={"cancelResponse": {"code": -2011, "msg": "gone"}}))
        async with linked(exchange) as (link, listener):
            link.send([fresh(PLACE, link)])
            await listener.until(OrderOpened)
            link.send([fresh(replace(PLACE, client_order_id="d-c-e2"), link), fresh(EXITING, link)])
            await listener.until(OrderRefused, times=2)
            assert sorted(event.code for event in listener.of(OrderRefused)) == [-2022, -1015]
        assert len(exchange.said("order.place")) == 1

    run(test)


def test_a_door_that_does_not_answer_is_closed_for_a_while() -> None:
    async def test(exchange: Scripted) -> None:
        link = BinanceLink(exchange.endpoints, HMAC, ["BTCUSDT"], QUICK, BreakerSettings(2, 300 * MILLISECOND))
        exchange.takes_sockets = False
        exchange.answer("GET order", no(-1000, "?", 502))
        await link.open()
        try:
            events: list[ExchangeEvent] = []

            async def listen() -> None:
                async for told in link.events():
                    events.extend(told)

            listening = asyncio.create_task(listen())
            for _ in range(3):
                link.send([fresh(asked.QUERY, link)])
                await asyncio.sleep(0.25)
            exchange.answer("GET order", ok(found_order()))
            for _ in range(4):
                link.send([fresh(asked.QUERY, link)])
                await asyncio.sleep(0.2)
            states = [event.state for event in events if isinstance(event, LinkChanged) and event.part == "rest"]
            assert states[:1] == ["open"]
            assert states[-2:] == ["half_open", "closed"]
            assert len([event for event in events if isinstance(event, OrderReported)]) >= 1
        finally:
            await link.close()
        await listening

    run(test)


# ---- connections


def test_after_a_cut_everything_is_compared_before_entries_go_out() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", lambda _: ok(dict(FILLED)))
        exchange.answer("order.cancelReplace", no(-2010))
        exchange.answer("POST order/cancelReplace", no(-2010))
        async with linked(exchange) as (link, listener):
            link.send([fresh(PLACE, link)])
            await listener.until(OrderExecuted, times=2)
            listener.clear()
            exchange.heard.clear()
            await exchange.drop()
            await listener.went("user_data", "down")
            link.send([fresh(replace(PLACE, client_order_id="d-c-e2"), link), fresh(EXITING, link)])
            await listener.until(OrderRefused)  # the exit did not wait
            await listener.until(OrderOpened)
            order = [heard.words for heard in exchange.heard if not heard.words.startswith("GET")]
            assert order.index("order.place") > max(
                order.index(words) for words in ("account.status", "openOrders.status", "myTrades")
            )
            assert exchange.said("myTrades")[0].params["fromId"] == 73
            assert listener.of(ExecutionsReported)

    run(test)


def test_an_entry_that_waited_too_long_is_not_sent() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.takes_sockets = False
        async with linked(exchange, replace(QUICK, receive_window=300 * MILLISECOND), greeted=False) as (
            link,
            listener,
        ):
            link.send([fresh(PLACE, link)])
            refused = await listener.until(OrderRefused)
            assert (refused.code, "not compared" in refused.message) == (-1021, True)
        assert not exchange.said("POST order")

    run(test)


@pytest.mark.parametrize("event", ["serverShutdown", "eventStreamTerminated"])
def test_a_socket_that_says_goodbye_is_replaced(event: str) -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (_, listener):
            await exchange.push({"e": event, "E": NOW})
            while exchange.opened < 2 or len(exchange.sockets) != 1:
                await asyncio.sleep(0.01)
            if event == "eventStreamTerminated":  # something may have been missed
                await listener.greeted(times=2)
            await exchange.push(report_event())
            await listener.until(OrderOpened)
            assert [each.state for each in listener.of(LinkChanged)].count("down") == 0
            assert len(listener.of(ReconcileDue)) == (2 if event == "eventStreamTerminated" else 1)

    run(test)


def test_a_socket_is_replaced_before_its_time_is_over() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange, replace(QUICK, renew_after=400 * MILLISECOND)) as (_, listener):
            while exchange.opened < 2 or len(exchange.sockets) != 1:
                await asyncio.sleep(0.01)
            await exchange.push(report_event())
            await listener.until(OrderOpened)
            assert len(listener.of(ReconcileDue)) == 1

    run(test)


def test_a_refused_subscription_is_tried_again() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("userDataStream.subscribe.signature", no(-1020), ok({"subscriptionId": 0}))
        async with linked(exchange) as (_, listener):
            assert "not to be had" in (await listener.went("user_data", "down")).reason

    run(test)


def test_a_deposit_is_told_as_whole_balances() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (_, listener):
            listener.clear()
            await exchange.push({"e": "balanceUpdate", "E": NOW, "a": "USDT", "d": "1", "T": NOW})
            assert (await listener.until(AccountChanged)).balances

    run(test)


def test_a_cancel_by_hand_is_told() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (_, listener):
            await exchange.push(report_event(x="CANCELED", X="CANCELED", c="web-1", C="d-c-s1"))
            assert (await listener.until(OrderEnded)).client_order_id == "d-c-s1"

    run(test)


def test_a_greeting_that_fails_is_tried_again_and_entries_wait_for_it() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("openOrders.status", no(-1000, "?", 500), no(-1000, "?", 500), ok({}), lambda _: ok([]))
        exchange.answer("order.place", ok(FILLED))
        async with linked(exchange, replace(QUICK, receive_window=5 * SECOND), greeted=False) as (link, listener):
            link.send([fresh(PLACE, link)])
            assert "-1000" in (await listener.went("user_data", "comparing")).reason
            await listener.until(LinkChanged, lambda event: "a list was expected" in event.reason)
            assert not exchange.said("order.place")
            await listener.until(OrderOpened)
            assert listener.of(ReconcileDue)

    run(test)


def test_balances_that_cannot_be_told_are_asked_for_with_the_next_change(caplog: pytest.LogCaptureFixture) -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (_, listener):
            listener.clear()
            exchange.answer("account.status", ok({"balances": 5}), ok({"balances": []}))
            await exchange.push({"e": "balanceUpdate", "E": NOW, "a": "USDT", "d": "1", "T": NOW})
            while "the account does not answer" not in caplog.text:
                await asyncio.sleep(0.01)
            await exchange.push({"e": "balanceUpdate", "E": NOW, "a": "USDT", "d": "1", "T": NOW})
            await listener.until(AccountChanged)

    run(test)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("myTrades", no(-1000, "?", 500)),
        ("myTrades", ok({"no": "list"})),
        ("myTrades", ok([{"symbol": "BTCUSDT"}])),
        ("allOrders", no(-1007, "?", 504)),
        ("allOrders", ok({"no": "list"})),
    ],
)
def test_executions_that_cannot_be_told_are_unknown(words: str, answer: Reply) -> None:
    async def test(exchange: Scripted) -> None:
        fee = {"commission": "0", "commissionAsset": "BTC", "time": NOW, "isBuyer": True, "isMaker": False}
        trade = {"symbol": "BTCUSDT", "id": 17, "orderId": 40, "price": "1", "qty": "1", **fee}
        exchange.answer("myTrades", lambda _: ok([trade]))
        exchange.answer(words, answer)
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.FILLS, link)])
            assert (await listener.until(OutcomeUnknown)).client_order_id == "d-c-q2"

    run(test)


def test_an_order_that_the_exchange_forgot_leaves_its_execution_without_a_name() -> None:
    async def test(exchange: Scripted) -> None:
        fee = {"commission": "0", "commissionAsset": "BTC", "time": NOW, "isBuyer": True, "isMaker": False}
        trade = {"symbol": "BTCUSDT", "id": 17, "orderId": 40, "price": "1", "qty": "1", **fee}
        exchange.answer("myTrades", lambda _: ok([trade]))
        exchange.answer("allOrders", lambda _: ok([report("later", orderId=41)]))
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.FILLS, link)])
            (execution,) = (await listener.until(ExecutionsReported)).executions
            assert (execution.client_order_id, execution.trade_id) == ("", 17)

    run(test)


# ---- again and again


def test_instruments_that_cannot_be_looked_at_stay_what_they_were(caplog: pytest.LogCaptureFixture) -> None:
    async def test(exchange: Scripted) -> None:
        same = ok(exchange_info())
        exchange.answer("GET exchangeInfo", same, same, no(-1000, "?", 500))
        async with linked(exchange, replace(QUICK, reconcile_every=100 * MILLISECOND, repeats=0)) as (link, listener):
            await listener.greeted(times=3)
            assert link.instruments["BTCUSDT"].status == "TRADING"
        assert "could not be looked at" in caplog.text

    run(test)


def test_every_minute_is_compared_and_changed_rules_are_told() -> None:
    async def test(exchange: Scripted) -> None:
        halted, finer = instrument(status="HALT"), instrument(step="0.00000100")
        same = ok(exchange_info())
        exchange.answer("GET exchangeInfo", same, same, ok(exchange_info(halted)), ok(exchange_info(finer)))
        async with linked(exchange, replace(QUICK, reconcile_every=300 * MILLISECOND)) as (link, listener):
            await listener.greeted(times=3)
            changes = [
                (event.status, event.instrument.step_size if event.instrument else None)
                for event in listener.of(InstrumentChanged)
            ]
            assert changes == [
                ("TRADING", Decimal("0.00001")),
                ("HALT", Decimal("0.00001")),
                ("TRADING", Decimal("0.000001")),
            ]
            assert link.instruments["BTCUSDT"].step_size == Decimal("0.000001")

    run(test)


def test_noise_on_the_socket_is_survived() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange) as (link, listener):
            for noise in ("", "{", "[]", "5", '{"id":99,"status":200}', '{"event":7}', '{"id":null,"error":{}}'):
                await exchange.sockets[0].send_str(noise)
            await exchange.sockets[0].send_bytes(b"\xff\x00")
            await exchange.push(report_event())
            await listener.until(OrderOpened)
            assert sum(link.strangers.values()) == 8

    run(test)
