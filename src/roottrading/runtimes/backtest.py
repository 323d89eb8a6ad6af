"""The backtest runtime: the tape through all seven services with no event loop, no store and no clock."""

from collections.abc import Callable

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit, Store
from roottrading.config.settings import Settings
from roottrading.runtimes.assembly import ALL_TABLES, Cast, assemble, builders, simulated_exchange
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.learning import weights_for, whole_blocks
from roottrading.runtimes.loading import stand_on_opens
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import instants
from roottrading.runtimes.session import Position, Session, play

_KEEP_EVERY = 1_000  # rows


def run_backtest(
    settings: Settings, cast: Cast, market: Market, observe: Callable[[Position], bool] = lambda _: True
) -> Store:
    """Play the market from its start to its end; returns what was kept, for reports."""
    store = MemoryStore(ALL_TABLES)
    exchange = simulated_exchange(settings, market)
    opinions = whole_blocks(cast, market)
    wiring = assemble(builders(settings, cast, market), opinions, exchange)
    weights = weights_for(settings, cast, market, opinions)
    session = Session(wiring, exchange, cast.decision_step, Deadlines(), weights)
    stand_on_opens(exchange, market, market.start)
    session.resume(market.start)

    def at_rest(position: Position) -> bool:
        if len(session.effects.rows) >= _KEEP_EVERY:
            store.commit(Commit(session.flush()))
        return observe(position)

    play(session, instants(market.readers(market.tape), market.start, market.end), at_rest)
    store.commit(Commit(session.flush()))
    return store
