"""What learning reads out of a strategy's opinions on a recorded market: where they changed, and what they planned.

Only rows at which a direction changed are read, and numbers as they left the strategies' door: so it is what the stored
`signals` rows say, and a test holds both equal (trading-rules 3.8).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Candles, Floats, Ints, to_floats
from roottrading.domain.position import Position
from roottrading.domain.time import Time
from roottrading.services.analyzer.market_state import ATR
from roottrading.services.analyzer.opinion_columns import OpinionColumns
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.signal_aggregator.buy_opinions import BuyOpinions, buy_opinions
from roottrading.services.signal_aggregator.correlation import Directions
from roottrading.strategies.contract import HOLD, Adjustment, Strategy

_POWERS: Final = np.array([float(10**exponent) for exponent in range(23)])  # those that floats hold exactly
_NEAR_HALF: Final = 1e-3
_NO_OPINION: Final[Mapping[str, Decimal]] = {}


class StopRule(Struct, frozen=True):
    """The stop distance of a strategy that names none: a share of the close, else so many ATR (trading-rules 2.1)."""

    share: float | None
    atr: float | None

    def distances(self, named: Floats, close: Floats, atr: Floats) -> Floats:
        """Return the stop distances, 0 where there is no stop and so no entry."""
        if self.share is not None:
            other = self.share * close
        else:
            other = np.full(len(close), np.nan) if self.atr is None else self.atr * atr
        return np.nan_to_num(np.where(np.isnan(named), other, named))


def stop_rule(strategy: str, settings: CoordinatorSettings) -> StopRule:
    """Return the rule that the coordinator sizes a strategy's entries by."""
    share = settings.stop_distance.get(strategy)
    return StopRule(
        None if share is None else float(share), None if settings.stop_atr is None else float(settings.stop_atr)
    )


def directions_of(columns: OpinionColumns) -> Directions:
    """Return the directions in which the opinion stood: a row where it changed."""
    return Directions(columns.changed_at, _signs(columns))


def buys_of(columns: OpinionColumns, market: OpinionColumns, candles: Candles, stops: StopRule) -> BuyOpinions:
    """Return the BUY opinions of a strategy; `market` and `candles` are those of its stream."""
    rows, directions = columns.changes, _signs(columns)
    begins = directions > 0
    close = to_floats(candles.close[rows])
    atr = at_the_door(market.own.get(ATR), rows, begins)
    named = at_the_door(columns.plan.get("stop_distance"), rows, begins)
    limits = columns.plan.get("time_limit")
    limit = np.zeros(len(rows)) if limits is None else np.nan_to_num(np.where(begins, limits[rows], 0.0))
    return buy_opinions(
        columns.changed_at,
        directions,
        close,
        stops.distances(named, close, atr),
        at_the_door(columns.plan.get("target_distance"), rows, begins),
        np.maximum(limit, 0.0).astype(np.int64),
        atr,
    )


class Shadowing:
    """A strategy that manages shadow positions: whatever it raises, and where it has no opinion, they are held."""

    def __init__(self, strategy: Strategy, columns: OpinionColumns) -> None:
        """Ask `strategy` with the rows of its own columns."""
        self._strategy = strategy
        self._columns = columns

    def row_at(self, at: Time) -> Mapping[str, Decimal]:
        """Return the strategy's own columns at T, as its opinion would carry them."""
        columns = self._columns
        row = int(columns.open_time.searchsorted(at - columns.placement.anchor.span))
        opinion = columns.readout.opinion(row)
        return opinion.row if opinion.state == "ok" else _NO_OPINION

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        """Say what the strategy says; faults are counted where they cost money, not here."""
        if row is _NO_OPINION:
            return HOLD
        try:
            wish = self._strategy.manage(position, row)
            prices: list[object] = [price for price in (wish.stop, wish.target) if price is not None]
            usable = all(isinstance(price, Decimal) and price.is_finite() and price > 0 for price in prices)
        except (Exception, SystemExit):  # a user's code: a weight must not fail for it
            return HOLD
        return wish if usable else HOLD


def _signs(columns: OpinionColumns) -> Ints:
    return np.sign(columns.micros[columns.changes]).astype(np.int64)


def at_the_door(column: Floats | None, rows: Ints, wanted: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Return a column's values in these rows as they leave the analyzer, in 12 digits; NaN where not wanted."""
    found = np.full(len(rows), np.nan)
    if column is not None:
        found[wanted] = twelve_digits(column[rows[wanted]])
    return found


def twelve_digits(values: Floats) -> Floats:
    """Round floats to 12 significant digits as `format(value, ".11e")` does, many at once.

    Scaled to 12 digits before the point, a value is off by less than 1e-3; only those so near to a half, or too large
    or small for exact powers of ten, are asked for their text.
    """
    with np.errstate(all="ignore"):
        exponent = 11 - np.floor(np.log10(np.abs(values)))
        easy = np.abs(exponent) < len(_POWERS)
        power = _POWERS[np.where(easy, np.abs(exponent), 0).astype(np.int64)]
        scaled = np.where(exponent >= 0, values * power, values / power)
        whole = np.rint(scaled)
        easy &= (np.abs(np.abs(scaled - whole) - 0.5) > _NEAR_HALF) & (np.abs(whole) < 1e12) & (np.abs(whole) >= 1e11)
        found: Floats = np.where(exponent >= 0, whole / power, whole * power)
    hard = np.flatnonzero(~easy)
    found[hard] = [float(f"{value:.11e}") for value in values[hard].tolist()]
    return found
