"""What a link does where an answer is overdue, or a filter refuses what the rules allowed."""

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.domain.time import MILLISECOND
from roottrading.messages.exchange import AccountChanged, InstrumentChanged, OrderRefused, OrderReported, OutcomeUnknown
from tests.unit.adapters.exchange.binance import asked
from tests.unit.adapters.exchange.binance.scripted import NOW, Scripted, no, ok
from tests.unit.adapters.exchange.binance.scripted_link import QUICK, exchange_info, fresh, instrument, linked, run
from tests.unit.adapters.exchange.binance.test_replies import report

pytestmark = pytest.mark.usefixtures("either_loop")


def test_where_the_socket_is_silent_the_other_door_is_asked_what_became_of_it() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", "hang")
        exchange.answer("order.status", "hang")
        exchange.answer("GET order", ok(report("d-c-e1", updateTime=NOW // 1_000, time=NOW // 1_000)))
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.PLACE, link)])
            await listener.until(OutcomeUnknown)
            link.send([fresh(asked.QUERY, link)])
            assert (await listener.until(OrderReported)).status == "NEW"
        assert not exchange.said("order.status")

    run(test)


def test_a_socket_that_speaks_again_is_used_again() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", "hang")
        exchange.answer("order.status", ok(report("d-c-e1", updateTime=NOW // 1_000, time=NOW // 1_000)))
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.PLACE, link)])
            await listener.until(OutcomeUnknown)
            await exchange.push({"e": "somethingNew"})
            await asyncio.sleep(0.01)
            link.send([fresh(asked.QUERY, link)])
            assert (await listener.until(OrderReported)).status == "NEW"
        assert exchange.said("order.status")

    run(test)


def test_a_change_of_balances_of_which_word_was_lost_is_heard_with_the_next_comparison() -> None:
    async def test(exchange: Scripted) -> None:
        async with linked(exchange, replace(QUICK, reconcile_every=200 * MILLISECOND)) as (_, listener):
            await listener.greeted()
            spent = {"asset": "USDT", "free": "900.00", "locked": "0.00"}
            exchange.answer("account.status", lambda _: ok({"balances": [spent]}))
            told = len(listener.of(AccountChanged))
            await listener.until(AccountChanged, times=told + 1)
            assert listener.of(AccountChanged)[-1].balances[0].free == Decimal(900)

    run(test)


def test_a_filter_that_refuses_makes_it_look_at_the_rules_at_once() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer("order.cancelReplace", no(-1013, "Filter failure: LOT_SIZE"))
        same, coarser = ok(exchange_info()), ok(exchange_info(instrument(step="0.00100000")))
        exchange.answer("GET exchangeInfo", same, same, coarser)
        async with linked(exchange) as (link, listener):
            link.send([fresh(replace(asked.REPLACE, urgency=1), link)])
            await listener.until(OrderRefused)
            await listener.until(InstrumentChanged, times=2)
            changed = listener.of(InstrumentChanged)[-1].instrument
            assert changed is not None
            assert changed.step_size == Decimal("0.001")

    run(test)
