"""A link of very many symbols asks no more at its start than a minute has room for, and by short addresses."""

from collections import Counter
from typing import Any, Final

import pytest
from msgspec.structs import replace

from roottrading.domain.time import MILLISECOND
from roottrading.messages.exchange import AccountChanged, OpenOrdersReported
from tests.unit.adapters.exchange.binance.scripted import NOW, Heard, Reply, Scripted, ok
from tests.unit.adapters.exchange.binance.scripted_link import QUICK, RATES, exchange_info, instrument, linked, run
from tests.unit.adapters.exchange.binance.test_replies import report

pytestmark = pytest.mark.usefixtures("either_loop")

MANY: Final = tuple(f"COIN{number:03}USDT" for number in range(120))
MINUTES: Final = replace(QUICK, reconcile_every=100 * MILLISECOND)


def listed(exchange: Scripted) -> list[str]:
    """Have the exchange list many symbols; return the symbols whose rates were asked for, as they are."""
    asked: list[str] = []

    def rates(heard: Heard) -> Reply:
        asked.append(str(heard.params["symbol"]))
        return ok(dict(RATES))

    exchange.answer("GET exchangeInfo", ok(exchange_info(*map(instrument, (*MANY, "OTHERUSDT")))))
    exchange.answer("account.commission", rates)
    return asked


def test_all_symbols_are_asked_for_at_once_and_strangers_are_left_out() -> None:
    async def test(exchange: Scripted) -> None:
        listed(exchange)
        async with linked(exchange, symbols=MANY) as (link, _):
            assert set(link.instruments) == set(MANY)
        assert all("symbols" not in heard.params for heard in exchange.said("GET exchangeInfo"))

    run(test)


def test_open_orders_of_many_are_one_question_and_every_symbol_has_its_answer() -> None:
    def order(symbol: str, name: str) -> dict[str, Any]:
        return report(name, symbol=symbol, updateTime=NOW // 1_000, time=NOW // 1_000)

    async def test(exchange: Scripted) -> None:
        listed(exchange)
        found = [order(MANY[3], "d-c-s1"), order("OTHERUSDT", "web-7"), order(MANY[3], "d-c-t1")]
        exchange.answer("openOrders.status", ok(found))
        async with linked(exchange, symbols=MANY) as (_, listener):
            told = listener.of(OpenOrdersReported)
            assert [each.symbol for each in told] == list(MANY)
            assert [len(each.orders) for each in told] == [2 * (symbol == MANY[3]) for symbol in MANY]
        assert [heard.params.get("symbol") for heard in exchange.said("openOrders.status")] == [None]

    run(test)


def test_rates_of_many_are_asked_for_bit_by_bit_and_each_once() -> None:
    async def test(exchange: Scripted) -> None:
        asked = listed(exchange)
        async with linked(exchange, MINUTES, symbols=MANY) as (_, listener):
            assert asked == list(MANY[:50])
            await listener.until(AccountChanged, times=5)
            assert Counter(asked) == dict.fromkeys(MANY, 1)

    run(test)
