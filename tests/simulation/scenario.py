"""A small, wild market and the seven real services on it: every seed another tape, other flags, other settings."""

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import Any, Final

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.tape.tape import Tape
from roottrading.domain.candle import Candle
from roottrading.domain.columns import Candles
from roottrading.domain.money import ONE
from roottrading.domain.time import MINUTE, SECOND, Time
from roottrading.messages.service import Service
from roottrading.runtimes.assembly import ALL_TABLES, Cast, builders, cast, simulated_exchange
from roottrading.runtimes.loading import closed_by
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import Instant, instants
from roottrading.services.analyzer import NewestWindows
from roottrading.services.dispatcher import Dispatcher
from tests.simulation.choices import chosen_settings, chosen_uses, paying_in_bnb, with_limits
from tests.simulation.hands import Given, hands
from tests.simulation.random_walk import (
    INSTRUMENT,
    START,
    WARM_UP,
    filters_of,
    halts_of,
    instrument_of,
    random_walk,
)
from tests.simulation.venue import Foreign, Venue

SYMBOLS: Final = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
BNBUSDT: Final = "BNBUSDT"  # there only to price fees
PATIENCE: Final = 20 * SECOND  # after the last candle: every doubt is over by then
FOREIGN: Final = Foreign(Decimal("3.21"), Decimal(1_000), Decimal(250))
STATE_TABLES: Final = frozenset(table.name for table in ALL_TABLES if table.kept == "state")


class Scenario:
    """One to three symbols that are entered and left every few minutes; the seed decides what is allowed and used."""

    state_tables = STATE_TABLES

    def __init__(self, seed: int, minutes: int) -> None:
        dice = Random(seed)
        symbols = SYMBOLS[: dice.choice((1, 2, 2, 3))]
        thin = dice.random() < 0.3
        candles = {symbol: random_walk(symbol, dice.randrange(2**32), WARM_UP + minutes, thin) for symbol in symbols}
        flags: dict[str, Any] = {
            "opo_allowed": dice.random() < 0.6,
            "oco_allowed": dice.random() < 0.85,
            "cancel_replace_allowed": dice.random() < 0.85,
        }
        if dice.random() < 0.2:
            flags["order_types"] = INSTRUMENT.order_types - {"STOP_LOSS"}
        self.start = START + WARM_UP * MINUTE
        self.end = self.start + minutes * MINUTE
        self.settings = chosen_settings(dice)
        self.foreign = Foreign() if dice.random() < 0.6 else FOREIGN
        self.halts = halts_of(dice, symbols, self.start, minutes) if dice.random() < 0.25 else {}
        uses = chosen_uses(dice)
        more = Random(f"{seed}/more")  # dice of their own, so that what was chosen before them stays as it was
        if more.random() < 0.25:
            candles[BNBUSDT] = random_walk(BNBUSDT, more.randrange(2**32), WARM_UP + minutes, thin=False)
            self.settings = paying_in_bnb(more, self.settings, len(symbols) == 1)
        if more.random() < 0.3:
            self.settings = with_limits(more, self.settings)
        self.hands: dict[Time, tuple[Given, ...]] = {}
        if more.random() < 0.5:
            self.hands = hands(more, symbols, [use.name for use in uses], self.start, minutes)
        self.parted = more.random() < 0.15  # the exchange's word comes event by event, as on a live connection
        changing = more.random() < 0.3
        self.filters = filters_of(more, symbols, self.start, minutes, flags) if changing else {}
        instruments = {symbol: instrument_of(symbol, flags) for symbol in candles}
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
        """Return at which instants the venue is shown a symbol for nothing but a change of its status or filters."""
        changes = [*self.halts, *self.filters]
        return [(at, Candle(symbol, "1m", at, ONE, ONE, ONE, ONE, ONE)) for symbol, at in changes]

    def venue(self) -> Venue:
        """Return the exchange with the bot's capital, other people's coins and orders, and the halts to come."""
        exchange: SimulatedExchange = simulated_exchange(self.settings, self.market, keeps_rows=False)
        return Venue(exchange, self.market.symbols, self.foreign, self.halts, self.filters)

    def fresh(self, role: str, heard: Mapping[tuple[str, ...], Time]) -> Service:
        """Build a service; the analyzer's windows hold the candles of each stream up to the T that was heard last."""
        if role == "dispatcher":
            return Dispatcher()
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
