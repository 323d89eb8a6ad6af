"""A small, wild market and the seven real services on it: every seed another tape, other flags, other settings."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.tape.tape import Tape
from roottrading.config.settings import Settings
from roottrading.domain.candle import Candle
from roottrading.domain.columns import UNITS, Candles
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE
from roottrading.domain.time import MINUTE, SECOND, Time
from roottrading.messages.service import NOTHING, Decision, Input, Row, Service
from roottrading.runtimes.assembly import ALL_TABLES, Cast, builders, cast, simulated_exchange
from roottrading.runtimes.loading import closed_by
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import Instant, instants
from roottrading.services.analyzer import NewestWindows, StrategyUse
from roottrading.services.coordinator.settings import NO_BOUNDS, AbnormalSettings, TrailingSettings
from tests.simulation.hands import Given, hands
from tests.simulation.restless import Restless
from tests.simulation.venue import Foreign, Venue

SYMBOLS: Final = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
BNBUSDT: Final = "BNBUSDT"  # there only to price fees
WARM_UP: Final = 780  # what windows on 3m look back; they begin a little before the market does
BLOCKS: Final = 6_144 * MINUTE  # the blocks of windows on 1m and on 3m begin together here
START: Final = 1_618_704_000_000_000 // BLOCKS * BLOCKS - (WARM_UP - 6) * MINUTE
PATIENCE: Final = 20 * SECOND  # after the last candle: every doubt is over by then
STATE_TABLES: Final = frozenset(table.name for table in ALL_TABLES if table.kept == "state")


class Bridge:
    """The dispatcher's thoughts: none. What it hears is forwarded by its process, as it is."""

    def restore(self, rows: Iterable[Row]) -> None:
        assert not list(rows)

    def decide(self, given: Input, now: Time) -> Decision:
        return NOTHING


class Scenario:
    """One to three symbols that are entered and left every few minutes; the seed decides what is allowed and used."""

    state_tables = STATE_TABLES

    def __init__(self, seed: int, minutes: int) -> None:
        dice = Random(seed)
        symbols = SYMBOLS[: dice.choice((1, 2, 2, 3))]
        thin = dice.random() < 0.3
        candles = {symbol: _candles(symbol, dice.randrange(2**32), WARM_UP + minutes, thin) for symbol in symbols}
        flags: dict[str, Any] = {
            "opo_allowed": dice.random() < 0.6,
            "oco_allowed": dice.random() < 0.85,
            "cancel_replace_allowed": dice.random() < 0.85,
        }
        if dice.random() < 0.2:
            flags["order_types"] = _INSTRUMENT.order_types - {"STOP_LOSS"}
        self.start = START + WARM_UP * MINUTE
        self.end = self.start + minutes * MINUTE
        self.settings = _settings(dice)
        self.foreign = Foreign() if dice.random() < 0.6 else _FOREIGN
        self.halts = _halts(dice, symbols, self.start, minutes) if dice.random() < 0.25 else {}
        uses = _uses(dice)
        more = Random(f"{seed}/more")  # dice of their own, so that what was chosen before them stays as it was
        if more.random() < 0.25:
            candles[BNBUSDT] = _candles(BNBUSDT, more.randrange(2**32), WARM_UP + minutes, thin=False)
            self.settings = _paying_in_bnb(more, self.settings, len(symbols) == 1)
        if more.random() < 0.3:
            self.settings = _with_limits(more, self.settings)
        self.hands: dict[Time, tuple[Given, ...]] = {}
        if more.random() < 0.5:
            self.hands = hands(more, symbols, [use.name for use in uses], self.start, minutes)
        instruments = {symbol: _instrument(symbol, flags) for symbol in candles}
        self.market = Market(Tape(candles, "1m"), instruments, symbols, self.start, self.end)
        self.cast: Cast = cast(self.settings, uses, self.market)
        self.decision_step = self.cast.decision_step
        self._build = builders(self.settings, self.cast, self.market)

    @cached_property
    def instants(self) -> list[Instant]:
        """The market, instant by instant."""
        market = instants(self.market.readers(self.market.tape), self.start, self.end)
        found = {instant.at: instant for instant in market}
        found |= {at: Instant(at, (), (said,)) for at, said in self._announcements()}
        found |= {at: Instant(at, (), ()) for at in self.hands if at not in found}
        return [found[at] for at in sorted(found)]

    def _announcements(self) -> list[tuple[Time, Candle]]:
        """Return at which instants the venue is shown a symbol for nothing but a change of its status."""
        return [(at, Candle(symbol, "1m", at, ONE, ONE, ONE, ONE, ONE)) for symbol, at in self.halts]

    def venue(self) -> Venue:
        """Return the exchange with the bot's capital, other people's coins and orders, and the halts to come."""
        exchange: SimulatedExchange = simulated_exchange(self.settings, self.market, keeps_rows=False)
        return Venue(exchange, self.market.symbols, self.foreign, self.halts)

    def fresh(self, role: str, heard: Mapping[tuple[str, ...], Time]) -> Service:
        """Build a service; the analyzer's windows hold the candles of each stream up to the T that was heard last."""
        if role == "dispatcher":
            return Bridge()
        windows = self._windows  # nobody but the analyzer asks for opinions
        if role == "analyzer":
            windows = deepcopy(windows, _shared(windows, self.cast))
            for stream in self.cast.plan.streams:
                if stream in heard:
                    windows.fill(self._between(stream, heard[stream]))
        return self._build[role](windows)

    @cached_property
    def _windows(self) -> NewestWindows:
        """The windows as they stand when the market begins: filled once, copied at every load."""
        windows = NewestWindows(self.cast.plan, room=1024)
        for stream in self.cast.plan.streams:
            windows.fill(closed_by(self.market.candles(*stream), self.start))
        return windows

    def _between(self, stream: tuple[str, str], until: Time) -> Candles:
        """Return the stream's candles from the market's start on that are closed at `until`."""
        candles = self.market.candles(*stream)
        return candles.slice(len(closed_by(candles, self.start)), len(closed_by(candles, until)))


def _shared(windows: NewestWindows, cast: Cast) -> dict[int, Any]:
    """Return what a copy of windows may share: the plan; and lists of numbers, copied whole, which is fast."""
    known: dict[int, Any] = {id(cast.plan): cast.plan}
    for turnover in vars(windows)["_turnover"].values():
        known |= {id(held): held[:] for held in vars(turnover).values() if isinstance(held, list)}
    return known


def _uses(dice: Random) -> tuple[StrategyUse, ...]:
    quick = StrategyUse("quick", Restless(slow=2, variety=dice.choice((0, 1))), "1m")
    if dice.random() < 0.6:
        return (quick,)
    return (quick, StrategyUse("slow", Restless(slow=4, variety=dice.choice((0, 1))), "3m"))


def _settings(dice: Random) -> Settings:
    base = Settings()
    return replace(
        base,
        aggregator=replace(base.aggregator, threshold=Decimal("0.4")),
        coordinator=replace(
            base.coordinator,
            threshold=Decimal("0.4"),
            stake=Decimal(500) if dice.random() < 0.8 else None,
            volume_share=None,
            cooldown_candles=1,
            stops_in_a_row=None,
            abnormal=NO_BOUNDS,
            max_drawdown=None,
            daily_loss=Decimal("0.004") if dice.random() < 0.15 else None,
            stop_atr=Decimal("0.8"),
            trailing=TrailingSettings(Decimal("0.3"), Decimal(1)) if dice.random() < 0.3 else None,
            entry_style="resting" if dice.random() < 0.3 else "taker",
            entry_timeout=2,
        ),
    )


def _paying_in_bnb(dice: Random, settings: Settings, alone: bool) -> Settings:
    """Return the settings with fees in BNB, of which there is plenty, or soon none left.

    The last of it is left to a symbol that is `alone`: which of two gets it at one instant hangs on the round in which
    their requests come, and whoever has just been loaded asks one round later.
    """
    bnb = dice.choice((Decimal(1_000), Decimal("0.02"), Decimal("0.004"))) if alone else Decimal(1_000)
    return replace(settings, fees=replace(settings.fees, in_bnb=True), exchange=replace(settings.exchange, bnb=bnb))


def _with_limits(dice: Random, settings: Settings) -> Settings:
    """Return the settings with limits so tight that they are met within minutes."""
    abnormal = AbnormalSettings(
        orders_per_minute=dice.choice((None, 4)),
        reject_share=dice.choice((None, Decimal("0.05"))),
        reject_least=2,
        slippage=dice.choice((None, Decimal("0.0001"))),
        losses_in_a_row=dice.choice((None, 2, 3)),
    )
    limited = replace(
        settings.coordinator,
        abnormal=abnormal,
        stops_in_a_row=dice.choice((None, 2)),
        max_drawdown=dice.choice((None, Decimal("0.001"))),
        volume_share=dice.choice((None, Decimal("0.02"))),
        max_cycles=dice.choice((1, 2, 5)),
    )
    return replace(settings, coordinator=limited)


def _halts(dice: Random, symbols: tuple[str, ...], start: Time, minutes: int) -> dict[tuple[str, Time], str]:
    """Return one halt: (symbol, instant) -> status from there on, inside a candle; the tape goes on meanwhile."""
    symbol, begin = dice.choice(symbols), start + dice.randrange(2, max(3, minutes - 4)) * MINUTE + 30 * SECOND
    status = dice.choice(("HALT", "CANCEL_ONLY", "BREAK"))
    return {(symbol, begin): status, (symbol, begin + dice.choice((1, 2)) * MINUTE): "TRADING"}


def _candles(symbol: str, seed: int, minutes: int, thin: bool) -> Candles:
    """Return a random walk of five-second steps; now and then a minute without volume, and a gap in the market."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((minutes, 12)) * 0.0015
    path = 100 * np.exp(np.cumsum(steps).reshape(minutes, 12))
    opened = np.concatenate(([100.0], path[:-1, -1]))
    columns = [opened, np.maximum(path.max(1), opened), np.minimum(path.min(1), opened), path[:, -1]]
    prices = [np.round(column * 100).astype(np.int64) * (UNITS // 100) for column in columns]
    volume = (rng.random(minutes) * 400 + 20).astype(np.int64) * UNITS // (8 if thin else 1)
    still = rng.random(minutes) < 0.02
    volume[still] = 0
    times = START + MINUTE * np.arange(minutes, dtype=np.int64)
    there = rng.random(minutes) >= 0.01
    there[: WARM_UP + 1] = True
    opened_at, high, low, closed = (price[there] for price in prices)
    return Candles(symbol, "1m", times[there], opened_at, high, low, closed, volume[there])


_INSTRUMENT: Final = Instrument(
    "",
    "",
    "USDT",
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(100_000),
    min_notional=Decimal(10),
)
_FOREIGN: Final = Foreign(Decimal("3.21"), Decimal(1_000), Decimal(250))


def _instrument(symbol: str, flags: Mapping[str, Any]) -> Instrument:
    return replace(_INSTRUMENT, symbol=symbol, base_asset=symbol.removesuffix("USDT"), **flags)
