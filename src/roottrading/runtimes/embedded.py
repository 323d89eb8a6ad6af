"""The embedded runtime: the tape replayed through all seven services in one process, its state kept in a store.

Stopped or killed at any moment and started again, it goes on at its last commit and ends with the very same cycles,
orders and fills (consistency-rules 3.6).
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from roottrading.adapters.store.port import Store
from roottrading.config.settings import Settings
from roottrading.domain.time import duration
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import (
    Cast,
    assemble,
    builders,
    listed_symbols,
    simulated_exchange,
    unlisted_symbols,
)
from roottrading.runtimes.controlling import Controls, Inbox, SimulatedAccount
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.keeping import Keeper, position_of
from roottrading.runtimes.learning import weights_for
from roottrading.runtimes.loading import fill_windows, known_until, restore, stand_on_opens
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import instants
from roottrading.runtimes.session import Position, Session, play
from roottrading.services.analyzer import NewestWindows

_CONTROL_SECONDS: Final = 0.2  # how often a person's commands are looked for, at most


class Progress(Struct, frozen=True):
    """What an observer is told at rest: how far the run came, and what the phase changed."""

    position: Position
    rows: Sequence[Row]
    session: Session


Observer = Callable[[Progress], bool]  # False stops the run at this rest


def run_embedded(
    settings: Settings, cast: Cast, market: Market, store: Store, observe: Observer = lambda _: True
) -> bool:
    """Play the market from where the store stands to its end; returns whether the end was reached.

    The observer is asked at every rest, paces the run and may stop it; what was done until then is kept.
    """
    loaded = store.load()
    resumed = position_of(loaded)
    until = known_until(resumed, market)
    exchange = simulated_exchange(settings, market)
    opinions = NewestWindows(cast.plan)
    fill_windows(opinions, cast, market, until)
    wiring = assemble(builders(settings, cast, market), opinions, exchange)
    restore(wiring.units, exchange, loaded, market, until)
    weights = weights_for(settings, cast, market)
    unlisted = unlisted_symbols(settings, market)
    session = Session(wiring, exchange, cast.decision_step, Deadlines(loaded.deadlines), weights, unlisted)
    readers = market.readers(market.tape)
    for symbol, reader in readers.items():
        row = reader.first_at_or_after(until) - 1
        if row >= 0:
            session.closes[symbol] = reader.candle(row).close
    traded = {symbol: market.instruments[symbol] for symbol in market.symbols}
    controls = Controls(session, SimulatedAccount(exchange), traded, settings.account.quote_asset)
    keeper = Keeper(store, session)
    inbox = Inbox(store, controls, keeper, loaded.control)
    polled = 0.0
    last = resumed or Position(market.start, "candles")
    if resumed is None:
        stand_on_opens(exchange, market.readers(listed_symbols(settings, market)), market.start)
    session.resume(last.at)

    def at_rest(position: Position) -> bool:
        nonlocal last, polled
        last = position
        if (now := time.monotonic()) - polled >= _CONTROL_SECONDS:
            polled = now
            inbox.empty(position.at)
        rows = session.flush()
        keeper.at_rest(position, rows)
        return observe(Progress(position, rows, session))

    step = duration(market.finest)
    begin = last.at if last.phase == "candles" else last.at - 1
    finished = play(session, instants(readers, begin - begin % step, market.end), at_rest, resumed)
    keeper.commit(last)
    return finished
