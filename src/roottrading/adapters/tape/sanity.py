"""What no market can say: candles of a file that contradict themselves, each other, or the clock."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import UNITS_DIGITS, Candles
from roottrading.domain.money import plain
from roottrading.domain.time import Time, duration, iso


class Problem(Struct, frozen=True):
    """The first candle of a kind of wrong ones, and how many there are."""

    row: int
    column: str
    value: str
    what: str
    allowed: str
    count: int


def problems(candles: Candles, now: Time | None = None) -> Iterator[Problem]:
    """Yield what is wrong with the candles, one problem a kind; none is opened later than `now`."""
    times, span = candles.open_time, duration(candles.timeframe)
    yield from _time_problem(
        candles, times % span != 0, "not aligned:", f"multiples of {candles.timeframe} from 00:00 UTC"
    )
    backwards = np.concatenate(([False], times[1:] < times[:-1]))
    yield from _time_problem(candles, backwards, "time runs backwards at", "the time of the row before, or later")
    if now is not None:
        yield from _time_problem(candles, times > now, "from the future:", f"at most now, {iso(now)}")
    for column in ("open", "high", "low", "close"):
        yield from _price_problem(candles, column, getattr(candles, column) <= 0, "above 0")
    yield from _price_problem(candles, "high", candles.high < candles.low, "at least the low")
    for column in ("open", "close"):
        price = getattr(candles, column)
        wrong = ((price > candles.high) | (price < candles.low)) & (candles.high >= candles.low)
        yield from _price_problem(candles, column, wrong, "between low and high")
    yield from _price_problem(candles, "volume", candles.volume < 0, "0 or more")


def _time_problem(candles: Candles, wrong: npt.NDArray[np.bool_], what: str, allowed: str) -> Iterator[Problem]:
    if wrong.any():
        row = int(wrong.argmax())
        value = iso(int(candles.open_time[row]))
        yield Problem(row, "open_time", value, what, allowed, int(wrong.sum()))


def _price_problem(candles: Candles, column: str, wrong: npt.NDArray[np.bool_], allowed: str) -> Iterator[Problem]:
    if wrong.any():
        row = int(wrong.argmax())
        digits = candles.volume_digits if column == "volume" else UNITS_DIGITS
        value = plain(Decimal(int(getattr(candles, column)[row])).scaleb(-digits))
        yield Problem(
            row, column, value, f"candle of {iso(int(candles.open_time[row]))} has", allowed, int(wrong.sum())
        )
