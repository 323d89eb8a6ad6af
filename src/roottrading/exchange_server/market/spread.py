"""A candle spread over its span: open, low, high and close at 0, 1/3, 2/3 and 1 of it, a quarter of the volume each.

What a candle does not tell is invented here in one way and always the same: four prints whose fold is the candle
again. The close comes a millisecond before the end, still inside the candle as Binance counts.
"""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.money import ONE
from roottrading.domain.time import MILLISECOND, Time, duration
from roottrading.exchange_server.market.events import PublicTrade
from roottrading.exchange_server.market.klines import Kline

POINTS: Final = 4
_UNIT: Final = ONE.scaleb(-8)
_SELLER_TOOK: Final = (False, True, False, True)


class Point(Struct, frozen=True, gc=False):
    """A price that the market goes to, and how much is traded there."""

    at: Time
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


def point_times(open_time: Time, span: int) -> tuple[Time, Time, Time, Time]:
    """Return the instants of a candle's four points."""
    return open_time, open_time + span // 3, open_time + 2 * span // 3, open_time + span - MILLISECOND


def spread(candle: Candle) -> tuple[Point, Point, Point, Point]:
    """Return the candle's four points; its low comes before its high (trading-rules 5.2)."""
    quarter = candle.volume / 4 // _UNIT * _UNIT
    rest = candle.volume - 3 * quarter
    first, second, third, fourth = point_times(candle.open_time, duration(candle.timeframe))
    return (
        Point(first, candle.open, quarter, _SELLER_TOOK[0]),
        Point(second, candle.low, quarter, _SELLER_TOOK[1]),
        Point(third, candle.high, quarter, _SELLER_TOOK[2]),
        Point(fourth, candle.close, rest, _SELLER_TOOK[3]),
    )


def prints(candle: Candle, first_id: int) -> list[PublicTrade]:
    """Return the prints of a candle under ids from `first_id` on: four, or none without volume."""
    if not candle.volume:
        return []
    return [
        PublicTrade(first_id + place, point.price, point.quantity, point.at, point.buyer_is_maker)
        for place, point in enumerate(spread(candle))
    ]


def partial(candle: Candle, first_id: int, now: Time) -> Kline | None:
    """Return what is known of a candle at `now`; None before its open."""
    end = candle.open_time + duration(candle.timeframe)
    known: Kline | None = None
    for place, point in enumerate(spread(candle)):
        if point.at > now:
            break
        if known is None:
            known = Kline(candle.open_time, end, point.price, point.price, point.price, point.price)
        known.high = max(known.high, point.price)
        known.low = min(known.low, point.price)
        known.close = point.price
        if candle.volume:
            known.volume += point.quantity
            quote = point.price * point.quantity
            known.quote_volume += quote
            known.trades += 1
            known.last_trade = first_id + place
            if not point.buyer_is_maker:
                known.taker_base += point.quantity
                known.taker_quote += quote
    if known is not None and candle.volume:
        known.first_trade = first_id
    return known
