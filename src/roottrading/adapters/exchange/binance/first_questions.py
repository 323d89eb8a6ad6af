"""What is asked before anything else at a start, and what makes a start impossible."""

from collections.abc import Container, Iterable
from typing import Final

from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.link import LinkError

_CLOCK_QUESTIONS: Final = 3


async def learn_clock(rest: Rest, clock: ServerClock) -> None:
    """Measure the exchange's time, which sets the clock. Raises LinkError where the exchange does not tell it."""
    for _ in range(_CLOCK_QUESTIONS):
        await rest.measure_clock()
    if not clock.is_set:
        raise LinkError("the exchange does not tell its time: check its address, the network, and a geo-block (451)")


def check_listed(symbols: Iterable[str], listed: Container[str]) -> None:
    """Raise LinkError naming the symbols that the exchange does not list."""
    lacking = [symbol for symbol in symbols if symbol not in listed]
    if lacking:
        raise LinkError(f"the exchange does not list {', '.join(lacking)}: check the configured symbols")
