"""From a candle to the request that it leads to, in one process: the embedded runtime, its state on the disk.

It begins where the candle is given to the services and ends where the exchange's port is handed a request.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np
from msgspec.structs import replace

from benchmarks.distributed.figures import told
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.config.settings import RunSettings, Settings
from roottrading.domain.columns import Columns, Floats
from roottrading.domain.money import ZERO
from roottrading.domain.time import MINUTE, Time, parse_time
from roottrading.messages.exchange import ExchangeEvent, Request
from roottrading.runtimes.assembly import ALL_TABLES, cast
from roottrading.runtimes.embedded import Progress, run_embedded
from roottrading.runtimes.market import open_market
from roottrading.runtimes.settle import InProcessExchange
from roottrading.services.analyzer import StrategyUse
from roottrading.services.coordinator.settings import NO_BOUNDS, CoordinatorSettings
from roottrading.services.signal_aggregator.settings import AggregatorSettings
from roottrading.strategies.contract import Strategy

_FROM: Final = parse_time("2021-04-17")  # a day of the shipped tape is known by then, which entries want
_SYMBOL: Final = "LTCUSDT"
_WARM: Final = 100


class Turns(Strategy, frozen=True):
    """A minute in, a minute out: every candle leads to a request."""

    @property
    def lookback(self) -> int:
        """Return 0: it looks at the time alone."""
        return 0

    def evaluate(self, columns: Columns) -> Floats:
        """Return conviction."""
        return np.where(columns.open_time // MINUTE % 2 == 0, 1.0, -1.0)


class Stopwatch:
    """Observes a run, and stands before its exchange: when a candle was given, when the first request came of it."""

    def __init__(self) -> None:
        self.spans: list[float] = []
        self._exchange: InProcessExchange | None = None
        self._began = 0.0

    def __call__(self, progress: Progress) -> bool:
        """Begin to measure where candles are next; the run goes on."""
        wiring = progress.session.wiring
        if self._exchange is None:
            self._exchange, wiring.exchange = wiring.exchange, self
        self._began = perf_counter() if progress.position.phase == "deadlines" else 0.0
        return True

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Note the first request of a candle, and carry it out."""
        if self._began:
            self.spans.append(perf_counter() - self._began)
            self._began = 0.0
        assert self._exchange is not None
        return self._exchange.execute(request, now)


def measure(candles: int) -> None:
    """Play so many candles and print what their requests took."""
    run = RunSettings(symbols=(_SYMBOL,), start=_FROM, end=_FROM + (candles + _WARM) * MINUTE)
    settings = Settings(
        run=run,
        aggregator=replace(AggregatorSettings(), weighting="equal", quorum=ZERO),
        coordinator=replace(
            CoordinatorSettings(),
            cooldown_candles=None,
            stops_in_a_row=None,
            daily_loss=None,
            max_drawdown=None,
            abnormal=NO_BOUNDS,
        ),
    )
    market = open_market(run, settings.account.quote_asset)
    acting = cast(settings, [StrategyUse("turns", Turns(), "1m")], market)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="roottrading-bench-") as folder:
        store = SqliteStore.open(Path(folder), ALL_TABLES, {})
        try:
            run_embedded(settings, acting, market, store, watch)
        finally:
            store.close()
    spans = watch.spans[_WARM:]
    print(f"{len(spans)} of {candles} candles led to a request")
    print(f"  from the candle given to its request at the exchange's port: {told(spans)}")
