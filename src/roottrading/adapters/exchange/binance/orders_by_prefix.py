"""The account's orders whose ids begin alike: who has traded under a name, and who does so now."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from roottrading.adapters.exchange.binance.answers import Success
from roottrading.adapters.exchange.binance.calls import ALL_OPEN_ORDERS, Call
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.single_questions import single_questions
from roottrading.adapters.exchange.binance.wire import time_of
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import Time

NEWEST: Final = 1_000  # orders of a symbol that are looked through


class FoundOrder(Struct, frozen=True, rename="camel"):
    """An order as the exchange lists it."""

    symbol: str
    order_id: int
    client_order_id: str
    time: int

    @property
    def at(self) -> Time:
        """When it was placed."""
        return time_of(self.time)


async def orders_by_prefix(
    rest: str, credentials: Credentials, prefix: str, symbols: Sequence[str], rate: int = 1
) -> list[FoundOrder]:
    """Return the orders under this prefix, oldest first: what is open in any symbol, and the newest of these symbols.

    `rate` is how many of the exchange's seconds pass in one of ours. Of very many symbols it takes minutes: a question
    weighs 20. Raises LinkError where the exchange does not say.
    """
    found: dict[tuple[str, int], FoundOrder] = {}
    async with single_questions(rest, credentials, rate) as questions:
        for call in (ALL_OPEN_ORDERS, *(_orders_of(symbol) for symbol in symbols)):
            listed = _read(await questions.ask(call, "list the account's orders"))
            found |= {(each.symbol, each.order_id): each for each in listed}
    ours = (each for each in found.values() if each.client_order_id.startswith(prefix))
    return sorted(ours, key=lambda each: (each.at, each.symbol, each.order_id))


def _orders_of(symbol: str) -> Call:
    return Call("GET", "/api/v3/allOrders", "", {"symbol": symbol, "limit": NEWEST}, "question", 20)


def _read(answer: Success) -> list[FoundOrder]:
    try:
        return msgspec.convert(answer.told, list[FoundOrder])
    except msgspec.ValidationError as error:
        raise LinkError(f"the exchange's list of orders is not in Binance's form: {error}") from None
