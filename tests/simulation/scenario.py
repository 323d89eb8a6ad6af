"""A small, wild market and the seven real services on it: every seed another tape."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import Final

import numpy as np
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.tape.tape import Tape
from roottrading.config.settings import Settings
from roottrading.domain.columns import UNITS, Candles
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import DAY, MINUTE, Time
from roottrading.messages.service import NOTHING, Decision, Input, Row, Service
from roottrading.runtimes.assembly import ALL_TABLES, Cast, builders, cast, simulated_exchange
from roottrading.runtimes.loading import closed_by
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import Instant, instants
from roottrading.services.analyzer import NewestWindows, StrategyUse
from roottrading.strategies.ema_cross import EmaCross

SYMBOLS: Final = ("AAAUSDT", "BBBUSDT")
WARM_UP: Final = 3_000
START: Final = 1_618_704_000_000_000 // DAY * DAY
STATE_TABLES: Final = frozenset(table.name for table in ALL_TABLES if table.kept == "state")


class Bridge:
    """The dispatcher's thoughts: none. What it hears is forwarded by its process, as it is."""

    def restore(self, rows: Iterable[Row]) -> None:
        assert not list(rows)

    def decide(self, given: Input, now: Time) -> Decision:
        return NOTHING


class Scenario:
    """Two symbols that cross and trigger every few minutes; `flags` switches order lists off by seed."""

    state_tables = STATE_TABLES

    def __init__(self, seed: int, minutes: int = 48) -> None:
        dice = Random(seed)
        tape = Tape({symbol: _candles(symbol, dice.randrange(2**32), WARM_UP + minutes) for symbol in SYMBOLS}, "1m")
        opo, oco = dice.random() < 0.6, dice.random() < 0.9
        instruments = {symbol: replace(_INSTRUMENTS[symbol], opo_allowed=opo, oco_allowed=oco) for symbol in SYMBOLS}
        start = START + WARM_UP * MINUTE
        self.market = Market(tape, instruments, SYMBOLS, start, start + minutes * MINUTE)
        self.settings = _settings()
        uses = (
            StrategyUse("quick", EmaCross(fast=2, slow=3), "1m"),
            StrategyUse("slow", EmaCross(fast=2, slow=4), "3m"),
        )
        self.cast: Cast = cast(self.settings, uses, self.market)
        self.decision_step = self.cast.decision_step
        self._build = builders(self.settings, self.cast, self.market)

    @cached_property
    def instants(self) -> list[Instant]:
        """The market, instant by instant."""
        return list(instants(self.market.readers(SYMBOLS), self.market.start, self.market.end))

    def exchange(self) -> SimulatedExchange:
        """Return an exchange that holds the capital."""
        return simulated_exchange(self.settings, self.market)

    def fresh(self, role: str, heard: Mapping[tuple[str, ...], Time]) -> Service:
        """Build a service; the analyzer's windows hold the candles of each stream up to the T that was heard last."""
        if role == "dispatcher":
            return Bridge()
        windows = NewestWindows(self.cast.plan)
        if role == "analyzer":
            for stream in self.cast.plan.streams:
                until = heard.get(stream, self.market.start)
                windows.fill(closed_by(self.market.candles(*stream), until))
        return self._build[role](windows)


def _settings() -> Settings:
    base = Settings()
    return replace(
        base,
        aggregator=replace(base.aggregator, weighting="equal", threshold=Decimal("0.4")),
        coordinator=replace(
            base.coordinator,
            threshold=Decimal("0.4"),
            stake=Decimal(500),
            volume_share=None,
            cooldown_candles=1,
            stops_in_a_row=None,
            max_drawdown=None,
            daily_loss=None,
            stop_atr=Decimal("0.8"),
        ),
    )


def _candles(symbol: str, seed: int, minutes: int) -> Candles:
    """Return a random walk of five-second steps; now and then a minute without volume, and a gap in the market."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((minutes, 12)) * 0.0015
    path = 100 * np.exp(np.cumsum(steps).reshape(minutes, 12))
    opened = np.concatenate(([100.0], path[:-1, -1]))
    columns = [opened, np.maximum(path.max(1), opened), np.minimum(path.min(1), opened), path[:, -1]]
    prices = [np.round(column * 100).astype(np.int64) * (UNITS // 100) for column in columns]
    volume = (rng.random(minutes) * 400 + 20).astype(np.int64) * UNITS
    still = rng.random(minutes) < 0.02
    volume[still] = 0
    times = START + MINUTE * np.arange(minutes, dtype=np.int64)
    there = rng.random(minutes) >= 0.01
    there[: WARM_UP + 1] = True
    opened_at, high, low, closed = (price[there] for price in prices)
    return Candles(symbol, "1m", times[there], opened_at, high, low, closed, volume[there])


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        symbol,
        symbol.removesuffix("USDT"),
        "USDT",
        tick_size=Decimal("0.01"),
        step_size=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(100_000),
        min_notional=Decimal(10),
    )


_INSTRUMENTS: Final = {symbol: _instrument(symbol) for symbol in SYMBOLS}
