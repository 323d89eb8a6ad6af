"""A session over a wire decides what a backtest decides, in whatever order symbols and events speak."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Store
from roottrading.config.settings import Settings
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest, ExchangeEvent, canonical_order
from roottrading.messages.service import CandleObserved
from roottrading.runtimes.assembly import ALL_TABLES, Cast, assemble, builders, simulated_exchange
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.controlling import Controls, Inbox
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.keeping import Keeper, position_of
from roottrading.runtimes.linked.barrier import CandleBarrier
from roottrading.runtimes.linked.linked_session import LinkedSession
from roottrading.runtimes.linked.outbox import Outbox
from roottrading.runtimes.linked.recorded import began_at
from roottrading.runtimes.linked.shared_account import SharedAccount
from roottrading.runtimes.linked.warming import candles_before, closes_in, heard_until
from roottrading.runtimes.linked.weighing import Weigher
from roottrading.runtimes.loading import load_units, stand_on_opens
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import Instant, instants
from roottrading.runtimes.result import journal
from roottrading.runtimes.session import Position, Session
from roottrading.services.analyzer import NewestWindows
from tests.parity.learning_runs import TapeHistory, learning_run, left_by


class Wire:
    """The simulated exchange at the other end: it holds requests until nobody has anything to say, as the rules ask."""

    def __init__(
        self, settings: Settings, cast: Cast, market: Market, dice: Random, store: Store | None = None
    ) -> None:
        self.settings, self.cast, self.market = settings, cast, market
        self.exchange: SimulatedExchange = simulated_exchange(settings, market)
        self.held: list[AnyRequest] = []
        self.now = market.start
        self.store = store or MemoryStore(ALL_TABLES)
        self.dice = dice
        self.restarts = 0
        self.ends_learning = 0  # times that the run ends in the middle of making weights
        stand_on_opens(self.exchange, market.readers(market.tape), market.start)
        self.linked = self.loaded()

    def loaded(self) -> LinkedSession:
        """Load whatever was kept, and begin."""
        settings, cast, market = self.settings, self.cast, self.market
        outbox, opinions, loaded = Outbox(), NewestWindows(cast.plan), self.store.load()
        completed = position_of(loaded) or Position(market.start, "candles")
        wiring = assemble(builders(settings, cast, market), opinions, outbox)
        until = heard_until(loaded.units, {symbol for symbol, _ in cast.plan.streams}, market.finest, completed.at)
        candles = asyncio.run(candles_before(TapeHistory(market), opinions.wanted_at(min(until.values())), until))
        load_units(wiring.units, loaded, candles)
        started = began_at(loaded.rows["gateway_streams"], market.finest, completed.at)
        assert started == market.start
        weigher = self.weigher = Weigher(settings, cast, TapeHistory(market))
        weigher.begin(loaded, journal(self.store, "signals"), started, completed.at)
        session = Session(wiring, outbox, cast.decision_step, Deadlines(loaded.deadlines))
        session.closes.update(closes_in(candles))
        account, keeper = SharedAccount(wiring.units, market.instruments), Keeper(self.store, session)
        linked = LinkedSession(
            session,
            outbox,
            keeper,
            CandleBarrier(market.symbols, market.finest, completed.at),
            account,
            Inbox(self.store, Controls(session, account, market.instruments, "USDT"), keeper, loaded.control),
            lambda: self.now,
            self.send,
            lambda position, rows: weigher.rested(position.at, rows),
        )
        self.linked = linked
        linked.begin(completed)
        self.rest()
        return linked

    def restart(self) -> None:
        """End, and begin again from what was kept; the exchange has gone nowhere."""
        self.restarts += 1
        self.linked.end()
        self.linked = self.loaded()

    def send(self, requests: Sequence[AnyRequest]) -> None:
        self.held.extend(requests)

    def rest(self) -> None:
        while self.held:
            held, self.held = sorted(self.held, key=canonical_order), []
            for request in held:
                self.say(self.exchange.execute(request, self.now))
        if self.settings.aggregator.weighting == "learned":
            self.weigh()

    def weigh(self) -> None:
        """Make the weights of the day where they are due, unless the run ends before they are given."""
        if self.weigher.busy and self.ends_learning:
            self.ends_learning -= 1
            self.restart()
        asyncio.run(self.weigher.work(self.linked.weigh))

    def say(self, events: Sequence[ExchangeEvent]) -> None:
        """Tell the events in one go or one by one, as frames happen to come."""
        if events and self.dice.random() < 0.5:
            self.linked.said(events)
        else:
            for event in events:
                self.linked.said((event,))

    def play(self, instant: Instant) -> None:
        while (due := self.linked.session.deadlines.next()) is not None and due < instant.at:
            self.at(due)
        self.now = instant.at
        for candle in instant.closed:
            if isinstance(candle, Candle):
                self.say(self.exchange.candle_closed(candle, instant.at))
        for candle in instant.opening:
            self.say(self.exchange.candle_opens(candle, instant.at))
        self.rest()
        self.at(instant.at)
        for closed in self.dice.sample(instant.closed, len(instant.closed)):
            self.linked.heard(CandleObserved(closed) if isinstance(closed, Candle) else closed)
        self.rest()

    def at(self, now: Time) -> None:
        self.now = now
        self.linked.due()
        self.rest()


def over_the_wire(settings: Settings, cast: Cast, market: Market, seed: int, restarts: float = 0.0) -> Store:
    dice = Random(seed)
    wire = Wire(settings, cast, market, dice)
    wire.ends_learning = 2 if restarts else 0
    for instant in instants(market.readers(market.tape), market.start, market.end):
        wire.play(instant)
        if dice.random() < restarts:
            wire.restart()
    wire.linked.end()
    assert wire.linked.completed == Position(market.end, "candles")
    assert wire.linked.given_up == 0
    assert (wire.restarts > 5) == (restarts > 0)
    return wire.store


@pytest.mark.parametrize(("weighting", "seed"), [("equal", 1), ("learned", 2)])
def test_what_comes_over_a_wire_is_traded_as_in_a_backtest(weighting: str, seed: int) -> None:
    settings, cast, market = learning_run("2021-04-15T22:00:00Z", "2021-04-18T06:00:00Z")
    settings = replace(settings, aggregator=replace(settings.aggregator, weighting=weighting))
    alone = left_by(run_backtest(settings, cast, market))
    assert len(alone["trade_cycles"]) > 5
    assert left_by(over_the_wire(settings, cast, market, seed)) == alone


def test_loaded_anew_in_between_it_trades_the_same() -> None:
    settings, cast, market = learning_run("2021-04-15T22:00:00Z", "2021-04-18T06:00:00Z")
    alone = run_backtest(settings, cast, market)
    assert len(left_by(alone)["trade_cycles"]) > 5
    kept = over_the_wire(settings, cast, market, 3, restarts=0.005)
    assert left_by(kept) == left_by(alone)
    weights = [row.values for row in alone.load().rows["weights"]]
    assert [row.values for row in kept.load().rows["weights"]] == weights
    assert len({weight for each in weights for weight in each.weights.values()}) > 2
