"""The account's orders whose ids begin alike: who has traded under a name, and who does so now."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.calls import ALL_OPEN_ORDERS, Call
from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.wire import time_of
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import Time

NEWEST: Final = 1_000  # orders of a symbol that are looked through
_TRIES: Final = 3
_PAUSE: Final = 0.5


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

    `rate` is how many of the exchange's seconds pass in one of ours. Raises LinkError where the exchange does not say.
    """
    door = Rest(rest, LinkSettings(clock_rate=rate), credentials, ServerClock(_steady, rate), Budget())
    await door.open()
    try:
        calls = [ALL_OPEN_ORDERS, *(_orders_of(symbol) for symbol in symbols)]
        found = {(each.symbol, each.order_id): each for call in calls for each in await _asked(door, call)}
    finally:
        await door.close()
    ours = (each for each in found.values() if each.client_order_id.startswith(prefix))
    return sorted(ours, key=lambda each: (each.at, each.symbol, each.order_id))


def _orders_of(symbol: str) -> Call:
    return Call("GET", "/api/v3/allOrders", "", {"symbol": symbol, "limit": NEWEST}, "question", 20)


async def _asked(door: Rest, call: Call) -> list[FoundOrder]:
    answer: Answer = Silence("it does not tell its time")
    for _ in range(_TRIES):
        if await door.measure_clock():
            answer = await door.call(call)
            if isinstance(answer, Success):
                return _read(answer)
        await asyncio.sleep(_PAUSE)
    raise LinkError(f"the exchange does not list the account's orders ({_words(answer)}): try again")


def _read(answer: Success) -> list[FoundOrder]:
    try:
        return msgspec.convert(answer.told, list[FoundOrder])
    except msgspec.ValidationError as error:
        raise LinkError(f"the exchange's list of orders is not in Binance's form: {error}") from None


def _words(answer: Answer) -> str:
    match answer:
        case Failure():
            return f"{answer.code}: {answer.message}"
        case NotSent():
            return answer.message
        case Silence():
            return answer.reason
        case _:
            return "an answer"


def _steady() -> Time:
    return time.monotonic_ns() // 1_000
