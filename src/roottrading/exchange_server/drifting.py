"""A clock that can be wrong: server time, recvWindow and limits go by it, the market by the one behind it."""

from roottrading.domain.time import Time
from roottrading.exchange_server.ports import Clock


class DriftingClock:
    """Another clock's time and, where somebody meddles, `drift` microseconds beside it; then it may jump back."""

    def __init__(self, clock: Clock) -> None:
        """Tell the other clock's time as it is."""
        self._clock = clock
        self.drift = 0

    def now(self) -> Time:
        """Return the exchange's present instant, as it believes."""
        return self._clock.now() + self.drift

    async def turn(self, symbol: str, client_order_id: str) -> None:
        """Wait as the other clock has it."""
        await self._clock.turn(symbol, client_order_id)
