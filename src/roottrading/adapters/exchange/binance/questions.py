"""Questions that take more than one call: executions with their orders' names, the account, and a greeting."""

from collections.abc import Sequence
from typing import Any, Final

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.calls import (
    ALL_OPEN_ORDERS,
    MOST_TRADES,
    Call,
    account_call,
    call_of,
    commission_call,
    orders_call,
    trades_call,
)
from roottrading.adapters.exchange.binance.doors import Doors
from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.adapters.exchange.binance.instruments import instruments_of, take_limits
from roottrading.adapters.exchange.binance.orders_to_events import Reader, executions, open_orders, trades
from roottrading.adapters.exchange.binance.rates import read_rates
from roottrading.adapters.exchange.binance.replies import balances, read_at
from roottrading.adapters.exchange.binance.wire import Malformed, TradeReply
from roottrading.domain.instrument import Instrument
from roottrading.messages.exchange import (
    EXIT,
    AccountChanged,
    ExchangeEvent,
    ExecutionsReported,
    ListOpenOrders,
    OpenOrdersReported,
    OrderReported,
)

_MOST_PAGES: Final = 50
_MOST_NAMED: Final = 100  # symbols in an address, which servers want to be short; all of them weigh the same
_FEW: Final = 13  # symbols, one by one, weigh less than a question for all of them


class Unanswered(Exception):
    """A question brought no answer; `answer` is what came instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(_words(answer))
        self.answer = answer


class Questions:
    """Asks over the doors, page after page, and reads what comes."""

    def __init__(self, doors: Doors, reader: Reader) -> None:
        self._doors = doors
        self._reader = reader

    async def executions(self, symbol: str, client_order_id: str, from_trade_id: int) -> ExecutionsReported:
        """Return all executions from a trade id on (0: the newest), named by their orders' client order ids.

        Raises Unanswered, and Malformed for an answer that is none.
        """
        found: list[TradeReply] = []
        asked_at = None
        for _ in range(_MOST_PAGES):
            answer = await self._ask(trades_call(symbol, from_trade_id))
            page = trades(self._reader, answer.told)
            asked_at = answer.asked_at if asked_at is None else asked_at
            found += page
            if from_trade_id == 0 or len(page) < MOST_TRADES:
                break
            from_trade_id = max(trade.id for trade in page) + 1
        await self._learn_orders(symbol, [trade.order_id for trade in found])
        return ExecutionsReported(symbol, client_order_id, asked_at or 0, executions(self._reader, found))

    async def _learn_orders(self, symbol: str, order_ids: Sequence[int]) -> None:
        """Ask for the orders of executions that did not go by us; their numbers alone name nobody."""
        for _ in range(_MOST_PAGES):
            unknown = self._reader.orders.unknown(symbol, order_ids)
            if not unknown:
                return
            answer = await self._ask(orders_call(symbol, unknown[0]))
            if not isinstance(answer.told, list):
                raise Malformed("orders: a list was expected")
            for each in answer.told:
                self._reader.order(each, "order")
            if len(self._reader.orders.unknown(symbol, unknown[:1])):
                return  # the exchange does not know it any more either

    async def account(self) -> AccountChanged:
        """Return all balances. Raises Unanswered and Malformed."""
        answer = await self._ask(account_call())
        return AccountChanged("", "", read_at(answer.told, answer.asked_at), balances(self._reader, answer.told))

    async def open_orders(self, symbol: str) -> OpenOrdersReported:
        """Return what is open in a symbol. Raises Unanswered and Malformed."""
        answer = await self._ask(call_of(ListOpenOrders(symbol, "", EXIT, 0)))
        return OpenOrdersReported(symbol, "", answer.asked_at, open_orders(self._reader, answer.told, answer.asked_at))

    async def all_open_orders(self, symbols: Sequence[str]) -> list[OpenOrdersReported]:
        """Return what is open in each of these symbols, by one question. Raises Unanswered and Malformed."""
        answer = await self._ask(ALL_OPEN_ORDERS)
        found: dict[str, list[OrderReported]] = {symbol: [] for symbol in symbols}
        for order in open_orders(self._reader, answer.told, answer.asked_at):
            if order.symbol in found:
                found[order.symbol].append(order)
        return [OpenOrdersReported(symbol, "", answer.asked_at, tuple(orders)) for symbol, orders in found.items()]

    async def rates(self, symbols: Sequence[str]) -> None:
        """Learn the fee rates of symbols whose rates are not known; what is not told stays as it is assumed."""
        for symbol in symbols:
            if symbol not in self._reader.rates:
                answer = await self._doors.call(commission_call(symbol))
                try:
                    if isinstance(answer, Success):
                        self._reader.rates[symbol] = read_rates(answer.told)
                except Malformed as error:
                    self._reader.strangers.note("commission", error)

    async def instruments(self, symbols: Sequence[str]) -> dict[str, Instrument]:
        """Return the symbols' instruments as they now are, and take the exchange's limits. Raises Unanswered."""
        asked: dict[str, str | int | bool] = {}
        if len(symbols) <= _MOST_NAMED:
            asked["symbols"] = "[" + ",".join(f'"{symbol}"' for symbol in symbols) + "]"
        answer = await self._doors.public("/api/v3/exchangeInfo", asked, 20, "question")
        if not isinstance(answer, Success):
            raise Unanswered(answer)
        take_limits(answer.told, self._doors.budget)
        return instruments_of(answer.told, symbols, self._reader.strangers)

    async def _ask(self, call: Call) -> Success:
        answer = await self._doors.call(call)
        if not isinstance(answer, Success):
            raise Unanswered(answer)
        return answer


async def missed(questions: Questions, reader: Reader, symbols: Sequence[str]) -> list[ExchangeEvent]:
    """Return what may have been missed while nothing was heard: balances, open orders, executions since the last.

    Raises Unanswered and Malformed.
    """
    events: list[ExchangeEvent] = [await questions.account()]
    several = len(symbols) > _FEW
    if several:
        events += await questions.all_open_orders(symbols)
    for symbol in symbols:
        if not several:
            events.append(await questions.open_orders(symbol))
        last = reader.orders.last_trade_ids.get(symbol)
        if last is not None:
            events.append(await questions.executions(symbol, "", last + 1))
    return events


def _words(answer: Any) -> str:
    if isinstance(answer, Failure):
        return f"{answer.code}: {answer.message} (HTTP {answer.status})"
    if isinstance(answer, NotSent):
        return answer.message
    return answer.reason if isinstance(answer, Silence) else "an answer"
