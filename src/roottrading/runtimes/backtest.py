"""The backtest runtime: the tape through all seven services with no event loop, no store and no clock.

Only candles at which something can happen are delivered; that this changes nothing is held against delivering them
all, by tests (consistency-rules 1.5).
"""

from collections.abc import Callable
from functools import cache

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit, Store
from roottrading.config.settings import Settings
from roottrading.domain.time import DAY, HOUR, Time, start_of_day
from roottrading.messages.service import WeightsSet
from roottrading.runtimes.assembly import (
    ALL_TABLES,
    Cast,
    assemble,
    builders,
    fee_symbol,
    listed_symbols,
    simulated_exchange,
    unlisted_symbols,
)
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.learning import weights_for, whole_blocks
from roottrading.runtimes.loading import stand_on_opens
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import instants
from roottrading.runtimes.search_columns import grid_of, symbol_columns
from roottrading.runtimes.session import Position, Session, WeightsFor, play
from roottrading.runtimes.skipping import Skipper
from roottrading.runtimes.skipping_exchange import SkippingExchange
from roottrading.runtimes.skipping_rows import SkippingStore
from roottrading.services.analyzer import Analyzer, WholeBlocks
from roottrading.services.coordinator.verdicts_to_commands import Coordinator
from roottrading.services.gateway import Forwarder
from roottrading.services.signal_aggregator.formula import micro

_KEEP_EVERY = 200  # rows: few enough that the next ones are made in memory that is still at hand

Observer = Callable[[Position], bool]  # told of what came to rest; False stops the run


def run_backtest(
    settings: Settings,
    cast: Cast,
    market: Market,
    observe: Observer = lambda _: True,
    *,
    every_candle: bool = False,
    blocks: WholeBlocks | None = None,
) -> Store:
    """Play the market from its start to its end; returns what was kept, for reports.

    `every_candle` delivers them all: the same trades, only slower. `blocks` are the `whole_blocks` of the run, where
    its caller wants them too: what one has evaluated, the other need not.
    """
    blocks = blocks or whole_blocks(cast, market)
    if every_candle:
        return _every_candle(settings, cast, market, blocks, observe)
    return SkippingRun(settings, cast, market, blocks).play(observe)


def _every_candle(settings: Settings, cast: Cast, market: Market, opinions: WholeBlocks, observe: Observer) -> Store:
    store = MemoryStore(ALL_TABLES)
    exchange = simulated_exchange(settings, market)
    wiring = assemble(builders(settings, cast, market), opinions, exchange)
    weights = weights_for(settings, cast, market, opinions)
    session = Session(wiring, exchange, cast.decision_step, Deadlines(), weights, unlisted_symbols(settings, market))
    stand_on_opens(exchange, market.readers(listed_symbols(settings, market)), market.start)
    session.resume(market.start)
    play(session, instants(market.readers(market.tape), market.start, market.end), _keeping(session, store, observe))
    store.commit(Commit(session.flush()))
    return store


class SkippingRun:
    """A backtest of only what matters, in two stages: columns of everything first, then the play."""

    def __init__(self, settings: Settings, cast: Cast, market: Market, blocks: WholeBlocks | None = None) -> None:
        """Evaluate all strategies and verdicts; raises what `run_backtest` raises."""
        blocks = blocks or whole_blocks(cast, market)
        learned = weights_for(settings, cast, market, blocks)
        weights = cache(learned) if learned is not None else None
        grid = grid_of(market, cast.decision_step)
        known = _weights_of_all_days(weights, market)
        symbols = [symbol_columns(symbol, settings, cast, market, blocks, grid, known) for symbol in market.symbols]
        span = (market.start, market.end)
        self.store = SkippingStore(ALL_TABLES, cast.plan, blocks, span)
        self.store.know(symbols, micro(settings.aggregator.threshold), cast.fastest)
        readers = market.readers(listed_symbols(settings, market)) | {given.symbol: given.finest for given in symbols}
        exchange = simulated_exchange(settings, market, keeps_rows=False)
        self.exchange = SkippingExchange(exchange, readers, fee_symbol(settings))
        build = builders(settings, cast, market) | {
            "gateway": lambda _: Forwarder(market.symbols),
            "analyzer": lambda opinions: Analyzer(cast.plan, opinions, keeps_signals=False),  # the store reads columns
        }
        self.wiring = assemble(build, blocks, self.exchange)
        self.session = Session(self.wiring, self.exchange, cast.decision_step, Deadlines(), weights)
        coordinator = self.wiring.units["coordinator"].service
        assert isinstance(coordinator, Coordinator)
        threshold = settings.coordinator.threshold
        self.skipper = Skipper(self.session, self.exchange, coordinator, symbols, grid, span, threshold)

    def play(self, observe: Observer = lambda _: True) -> Store:
        """Play from the start to the end; called once."""
        self.session.resume(self.skipper.start)
        self.skipper.play(_keeping(self.session, self.store, observe))
        self.store.commit(Commit(self.session.flush()))
        return self.store


def _keeping(session: Session, store: Store, observe: Observer) -> Observer:
    def at_rest(position: Position) -> bool:
        if len(session.effects.rows) >= _KEEP_EVERY:
            store.commit(Commit(session.flush()))
        return observe(position)

    return at_rest


def _weights_of_all_days(weights: WeightsFor | None, market: Market) -> list[WeightsSet]:
    """Return what the session will give, at 01:00 UTC of every day of the run."""
    if weights is None:
        return []
    first: Time = start_of_day(market.start - HOUR) + DAY + HOUR
    return [weights(start_of_day(at)) for at in range(first, market.end + 1, DAY)]
