"""Simulated money on a market that is heard over a wire: the trades of a backtest, also when loaded anew in between."""

import asyncio
from random import Random

import pytest
from msgspec.structs import replace

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit, Store
from roottrading.config.settings import Settings
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.exchange import InstrumentChanged
from roottrading.messages.service import CandleObserved, ControlChanged
from roottrading.runtimes.assembly import ALL_TABLES, Cast
from roottrading.runtimes.assembly import cast as make_cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.embedded import Observer, Progress
from roottrading.runtimes.linked.market_session import MarketSession, heard_symbols, starts_after
from roottrading.runtimes.linked.warming import candles_before
from roottrading.runtimes.linked.whole_instants import WholeInstants
from roottrading.runtimes.market import Market, open_market
from roottrading.runtimes.replay import Instant, instants
from roottrading.runtimes.result import journal
from roottrading.services.analyzer import NewestWindows, StrategyUse
from tests.parity.learning_runs import TapeHistory, learning_run, left_by
from tests.parity.test_skipping import FREE, Case, Informed, Moody, leaves, walk


class Follower:
    """A session beside the tape that it hears of, candle by candle."""

    def __init__(self, settings: Settings, cast: Cast, market: Market, store: Store) -> None:
        self.settings, self.cast, self.market, self.store = settings, cast, market, store
        self.session, self.whole = self.loaded(market.start)

    def loaded(self, now: Time, observe: Observer = lambda _: True) -> tuple[MarketSession, WholeInstants]:
        """Load whatever was kept."""
        opinions, kept = NewestWindows(self.cast.plan), self.store.load()
        symbols = heard_symbols(self.settings, self.cast)
        after = starts_after(kept, self.market.finest, now)
        wanted = opinions.wanted_at(after)
        candles = asyncio.run(candles_before(TapeHistory(self.market), wanted, dict.fromkeys(symbols, after)))
        instruments = {symbol: self.market.instruments[symbol] for symbol in symbols}
        session = MarketSession(
            self.settings, self.cast, instruments, self.store, kept, after, opinions, candles, observe=observe
        )
        self.session, self.whole = session, WholeInstants(symbols, self.market.finest, after)
        assert session.begin()
        return session, self.whole

    def closed_since(self, after: Time) -> list[Instant]:
        """Return what the tape says from `after` on."""
        return list(instants(self.market.readers(self.market.tape), after, self.market.end))

    def hear(self, instant: Instant) -> None:
        for closed in instant.closed:
            self.whole.arrive(CandleObserved(closed) if isinstance(closed, Candle) else closed)

    def play(self, until: Time) -> None:
        """Hear and play the tape from wherever the state stands to `until`, or to its end."""
        for instant in self.closed_since(self.whole.at - 60_000_000):
            if instant.at > until:
                return
            self.hear(instant)
            while (whole := self.whole.next()) is not None:
                if not self.session.play(whole):
                    return
        last = self.whole.last()
        assert last is not None
        assert self.session.play(last)
        self.session.end()


def a_run(start: str) -> tuple[Settings, Cast, Market]:
    settings, cast, market = learning_run(start, "2021-04-18T06:00:00Z")
    return replace(settings, aggregator=replace(settings.aggregator, weighting="equal")), cast, market


def test_it_trades_as_a_backtest_does() -> None:
    settings, cast, market = a_run("2021-04-16T22:00:00Z")
    store = MemoryStore(ALL_TABLES)
    Follower(settings, cast, market, store).play(market.end)
    alone = left_by(run_backtest(settings, cast, market))
    assert len(alone["trade_cycles"]) > 3
    assert left_by(store) == alone


def test_fees_in_bnb_are_priced_by_a_symbol_that_nobody_trades() -> None:
    settings, cast, market = a_run("2021-04-17T00:00:00Z")
    settings = replace(settings, fees=replace(settings.fees, in_bnb=True))
    market = open_market(settings.run, settings.account.quote_asset, {"BNBUSDT": "fees"})
    store = MemoryStore(ALL_TABLES)
    Follower(settings, cast, market, store).play(market.end)
    found = left_by(store)
    assert {fill.fee_asset for fill in found["fills"]} == {"BNB"}
    assert found == left_by(run_backtest(settings, cast, market))


HALF_A_DAY = 12 * 60
GAPS = (walk("AAAUSDT", 3, HALF_A_DAY, missing=0.05, halt=40), walk("BBBUSDT", 4, HALF_A_DAY, missing=0.3))
MOODY = (StrategyUse("moody", Moody(), "1m"), StrategyUse("informed", Informed(), "5m"))


@pytest.mark.parametrize("traded", [(), ("AAAUSDT",)])
def test_holes_halts_and_a_symbol_that_is_only_looked_at(traded: tuple[str, ...]) -> None:
    case = Case(GAPS, MOODY, FREE, skip=3 * 60_000_000, cut=7 * 60_000_000, traded=traded)
    alone, settings, market = leaves(case, every_candle=True)
    store = MemoryStore(ALL_TABLES)
    Follower(settings, make_cast(settings, case.uses, market), market, store).play(market.end)
    assert len(journal(alone, "fills")) > 10
    assert left_by(store) == left_by(alone)


@pytest.mark.parametrize("seed", [1, 2])
def test_stopped_in_any_phase_and_loaded_anew_it_trades_the_same(seed: int) -> None:
    settings, cast, market = a_run("2021-04-17T12:00:00Z")
    alone = left_by(run_backtest(settings, cast, market))
    dice, store, rests = Random(seed), MemoryStore(ALL_TABLES), 0
    follower = Follower(settings, cast, market, store)
    phases = set[str]()

    def stops(progress: Progress) -> bool:
        nonlocal rests
        rests -= 1
        if rests == 0:
            phases.add(progress.position.phase)
        return rests != 0

    while store.load().position != (market.end, "candles"):
        rests = dice.randrange(30, 900)
        follower.loaded(market.start, stops)
        follower.play(market.end)
    assert len(phases) > 1
    assert len(alone["trade_cycles"]) > 1
    assert left_by(store) == alone


def test_a_symbol_that_is_halted_is_not_bought_and_goes_on_when_it_trades_again() -> None:
    settings, cast, market = a_run("2021-04-17T12:00:00Z")
    store = MemoryStore(ALL_TABLES)
    follower = Follower(settings, cast, market, store)
    follower.play(market.start + 10 * 60_000_000)
    for symbol in market.symbols:
        assert follower.session.change(InstrumentChanged(symbol, "", 0, "HALT"))
    follower.play(market.end)
    assert not left_by(store)["trade_cycles"]
    assert {refusal.reason for refusal in left_by(store)["refusals"]} >= {"market_closed"}


def test_what_trades_again_while_nobody_ran_is_bought_again() -> None:
    settings, cast, market = a_run("2021-04-17T12:00:00Z")
    store = MemoryStore(ALL_TABLES)
    follower = Follower(settings, cast, market, store)
    follower.play(market.start + 10 * 60_000_000)
    for symbol in market.symbols:
        assert follower.session.change(InstrumentChanged(symbol, "", 0, "HALT"))
    follower.loaded(market.start)
    follower.play(market.end)
    assert left_by(store)["trade_cycles"]


def test_filters_that_changed_while_nobody_ran_are_gone_by() -> None:
    settings, cast, market = a_run("2021-04-17T12:00:00Z")
    store = MemoryStore(ALL_TABLES)
    follower = Follower(settings, cast, market, store)
    follower.play(market.start + 10 * 60_000_000)
    usual = market.instruments["LTCUSDT"]
    coarser = replace(usual, tick_size=usual.tick_size * 10)
    for now in (coarser, usual):
        if now is coarser:
            assert follower.session.change(InstrumentChanged("LTCUSDT", "", 0, "TRADING", now))
        else:
            follower.loaded(market.start)
        follower.session.end()
        rows = store.load().rows
        for service in ("coordinator", "trader", "portfolio"):
            assert [row.values for row in rows[f"{service}_instruments"]] == [now]


def test_a_persons_command_is_taken_between_two_instants() -> None:
    settings, cast, market = a_run("2021-04-17T12:00:00Z")
    store = MemoryStore(ALL_TABLES)
    follower = Follower(settings, cast, market, store)
    follower.play(market.start + 10 * 60_000_000)
    store.post_control(ControlChanged(0, "state", "halted", "", "", "me", "lunch"))
    assert follower.session.obey()
    follower.play(market.end)
    assert not left_by(store)["trade_cycles"]


class FullDisk(MemoryStore):
    """A store that cannot keep anything from some moment on."""

    is_full = False

    def commit(self, commit: Commit) -> None:
        if self.is_full:
            raise OSError("no space left")
        super().commit(commit)


def test_what_could_not_be_kept_is_never_acted_on() -> None:
    settings, cast, market = a_run("2021-04-17T12:00:00Z")
    store = FullDisk(ALL_TABLES)
    follower = Follower(settings, cast, market, store)
    follower.play(market.start + 10 * 60_000_000)
    store.is_full = True
    store.post_control(ControlChanged(0, "state", "halted", "", "", "me", "lunch"))
    with pytest.raises(OSError, match="no space left"):
        follower.session.obey()
    store.is_full = False
    kept = store.load().position
    assert not follower.session.obey()
    assert not follower.session.change(InstrumentChanged("LTCUSDT", "", 0, "HALT"))
    assert store.load().position == kept
