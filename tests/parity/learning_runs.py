"""Runs that learn: strategies that differ, one that manages its positions, on days of the shipped tape."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from msgspec.structs import replace

from roottrading.config.settings import AccountSettings, RunSettings, Settings
from roottrading.domain.candle import Candle
from roottrading.domain.columns import Columns, Floats, candle_at
from roottrading.domain.position import Position
from roottrading.domain.time import Time, parse_time
from roottrading.runtimes.assembly import Cast, cast
from roottrading.runtimes.market import Market, open_market
from roottrading.runtimes.result import Journals, journal
from roottrading.services.analyzer import StrategyUse
from roottrading.services.signal_aggregator import AggregatorSettings
from roottrading.strategies.contract import HOLD, Adjustment, Evaluation, Strategy
from roottrading.strategies.indicators import talib

Left = dict[str, list[Any]]  # records by journal
JOURNALS = ("signals", "verdicts", "trade_cycles", "orders", "fills", "refusals")


class Dip(Strategy, frozen=True):
    """Buys what fell below its average, sells above it; no distances of its own."""

    period: int = 40

    @property
    def lookback(self) -> int:
        return self.period

    def evaluate(self, columns: Columns) -> Floats:
        average = talib.SMA(columns.close, self.period)
        distance = np.nan_to_num((columns.close - average) / average * 100.0)
        conviction: Floats = np.where(np.abs(distance) < 0.6, 0.0, -np.sign(distance) * 0.9)
        return conviction


class Climb(Strategy, frozen=True):
    """Buys after a rise, with every distance, and trails its stop by hand; leaves where the market falls."""

    manages: ClassVar[bool] = True
    period: int = 12
    sign: float = 1.0

    @property
    def lookback(self) -> int:
        return 2 * self.period

    def evaluate(self, columns: Columns) -> Evaluation:
        change = np.nan_to_num(talib.ROC(columns.close, self.period)) * self.sign
        width = np.maximum(np.nan_to_num(talib.ATR(columns.high, columns.low, columns.close, self.period)), 1e-4)
        conviction = np.where(change > 1.0, 1.0, np.where(change < -1.0, -1.0, 0.0))
        limit = np.full(len(change), 30, dtype=np.int64)
        return Evaluation(conviction, 2.5 * width, 5.0 * width, limit, columns={"width": width, "change": change})

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        if row["change"] < -2:
            return Adjustment(exit="falling")
        stop = position.highest_close - 2 * row["width"]
        return Adjustment(stop=stop) if stop > position.stop_price else HOLD


USES = (
    StrategyUse("climb", Climb(), "15m"),
    StrategyUse("copy", Dip(41), "5m"),
    StrategyUse("dip", Dip(), "5m"),
    StrategyUse("dive", Climb(sign=-1.0), "15m", ("XRPUSDT",)),
)


class TapeHistory:
    """The exchange's memory of candles: what the tape folds to, a few at a time."""

    def __init__(self, market: Market, most: int = 700) -> None:
        self._market = market
        self._most = most

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        candles = self._market.candles(symbol, timeframe)
        first, last = candles.open_time.searchsorted([start, end])
        return [candle_at(candles, row) for row in range(first, min(last, first + self._most))]


def learning_run(
    start: str = "2021-04-14T22:00:00Z", end: str = "2021-04-18T06:00:00Z"
) -> tuple[Settings, Cast, Market]:
    """Return a run of four strategies on two symbols, with learned weights."""
    run = RunSettings(symbols=("LTCUSDT", "XRPUSDT"), start=parse_time(start), end=parse_time(end))
    settings = Settings(
        run=run,
        account=AccountSettings(),
        aggregator=AggregatorSettings(weighting="learned", quorum=Decimal(0), threshold=Decimal("0.3")),
    )
    settings = replace(settings, coordinator=replace(settings.coordinator, threshold=settings.aggregator.threshold))
    market = open_market(run, settings.account.quote_asset)
    return settings, cast(settings, USES, market), market


def left_by(store: Journals) -> Left:
    """Return everything that a run wrote down, by journal, in an order that no store decides.

    Verdicts are without their votes: who searches ahead for verdicts does not write them down.
    """
    found = {name: sorted(journal(store, name), key=str) for name in JOURNALS}
    return found | {"verdicts": [replace(verdict, votes=()) for verdict in found["verdicts"]]}
