"""What no market can say: candles that are refused at the door."""

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration, iso


class BadCandle(Exception):
    """A candle contradicts itself or the clock; the text names symbol, time, field and value."""

    def __init__(self, candle: Candle, field: str, value: object, allowed: str) -> None:
        super().__init__(
            f"{candle.symbol} {candle.timeframe} candle of {iso(candle.open_time)}: {field} is {value}, "
            f"but must be {allowed}; fetch it again or repair its source"
        )
        self.candle = candle
        self.field = field


def check_candle(candle: Candle, now: Time) -> None:
    """Raise BadCandle unless the candle is aligned, closed by `now` and its prices and volume make sense."""
    span = duration(candle.timeframe)
    low, high = candle.low, candle.high
    if not (
        low <= candle.open <= high
        and low <= candle.close <= high
        and low > 0
        and candle.volume >= 0
        and candle.open_time + span <= now
        and not candle.open_time % span
    ):
        _refuse(candle, now, span)


def _refuse(candle: Candle, now: Time, span: int) -> None:
    low, high = candle.low, candle.high
    if candle.open_time % span:
        raise BadCandle(candle, "open_time", iso(candle.open_time), f"a multiple of {candle.timeframe}")
    if candle.open_time + span > now:
        raise BadCandle(candle, "close time", iso(candle.open_time + span), f"at or before now, {iso(now)}")
    for field, value in (("low", low), ("open", candle.open), ("close", candle.close), ("high", high)):
        if value <= 0:
            raise BadCandle(candle, field, value, "above 0")
    if candle.volume < 0:
        raise BadCandle(candle, "volume", candle.volume, "0 or more")
    if high < low:
        raise BadCandle(candle, "high", high, f"at least the low, {low}")
    field, value = ("open", candle.open) if not low <= candle.open <= high else ("close", candle.close)
    raise BadCandle(candle, field, value, f"between low {low} and high {high}")
