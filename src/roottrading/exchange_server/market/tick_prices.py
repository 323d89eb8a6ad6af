"""The book around a candle's price: what trading-rules 5.3 and 5.4 let an order take there, and nothing else."""

from decimal import Decimal

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE, ceil_to, floor_to
from roottrading.exchange_server.market.events import Level

Sides = tuple[tuple[Level, ...], tuple[Level, ...]]


class TickPrices:
    """One level a side: at the price that a taker gets, with the share of the candle's volume that fills may take."""

    def __init__(self, instrument: Instrument, slippage: Decimal, volume_share: Decimal) -> None:
        """Take the fill model's slippage and volume share."""
        self._tick = instrument.tick_size
        self._step = instrument.step_size
        self._slippage = slippage
        self._share = volume_share

    def around(self, price: Decimal, volume: Decimal) -> Sides:
        """Return bids and asks at `price` in a candle of this volume; both empty where nothing may be taken."""
        quantity = floor_to(volume * self._share, self._step)
        if not quantity:
            return (), ()
        bid = floor_to(price * (ONE - self._slippage), self._tick) or self._tick
        ask = ceil_to(price * (ONE + self._slippage), self._tick)
        if ask <= bid:
            ask = bid + self._tick
        return ((bid, quantity),), ((ask, quantity),)
