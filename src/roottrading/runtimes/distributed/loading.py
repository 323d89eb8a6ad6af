"""A process's units as they were left, and what goes on beside them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.bus.port import Sent
from roottrading.adapters.store.port import Commit, Loaded, UnitStore
from roottrading.domain.time import Time, duration
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import Request
from roottrading.messages.service import CandleObserved
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.casting import Casting
from roottrading.runtimes.distributed.exchange_side import ExchangeSide
from roottrading.runtimes.distributed.market_side import MarketSide
from roottrading.runtimes.distributed.redis_view.live_view import LiveView
from roottrading.runtimes.distributed.served import Served
from roottrading.runtimes.distributed.serving import Work
from roottrading.runtimes.distributed.sharding import unit_name
from roottrading.runtimes.distributed.surroundings import Live, Surroundings
from roottrading.runtimes.distributed.tending import TENDS, keep_tended
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.distributed.unit.ways import Publish, Ways
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED, VerdictBarrier
from roottrading.runtimes.distributed.weighing.weigher import Weighed
from roottrading.runtimes.linked.warming import candles_before
from roottrading.services.dispatcher import forward

POLL_SECONDS: Final = 0.2  # between two looks whether the market has begun


class Ready(Struct, frozen=True):
    """A unit that can be served; `first` is from when on a gateway wants its symbols' candles."""

    served: Served
    loaded: Loaded
    first: Mapping[str, Time]

    @property
    def weighed(self) -> Weighed:
        """The unit as whoever weighs sees it."""
        return Weighed(self.served.actor, self.served.streams, self.loaded.rows)


class Loader:
    """Loads units of one service; `works` go on beside them, `waits` while the market has not begun."""

    def __init__(self, role: Role, around: Surroundings, side: ExchangeSide, live: Live | None) -> None:
        """Take a `side` that is open; `live` is what a dispatcher shows."""
        self._role = role
        self._around = around
        self._side = side
        self._live = live
        self._casting = Casting(around.settings, around.cast, side.instruments, around.archive)
        self.barrier = self._barrier()
        self.works: list[Work] = []
        self.waits = False
        publish: Publish = around.carriers.publish
        if around.recent is not None and role.name == "gateway":
            recent = around.recent(self._casting.told)
            publish = recent.beside(publish)
            self.works.append(recent.run)
        if (tend := around.tend) is not None and role.name == TENDS:
            self.works.append(lambda: keep_tended(tend, side.now))
        self._ways = Ways(
            publish,
            around.archive.said,
            side.now,
            side.send,
            _forward(role),
            CandleObserved in role.inputs,
            role.keys == "trade",
            around.observed,
            None if around.commands is None else around.commands.post,
            prepare=self._prepare,
        )

    async def load(self, shard: int, symbols: tuple[str, ...]) -> Ready:
        """Take a shard's unit over and make it, once the market has begun. Raises StoreError."""
        role, casting, side = self._role, self._casting, self._side
        now = side.now()
        begins = now - now % duration(casting.finest)  # the last T, to the microsecond: candles are asked for from it
        store = self._around.unit(unit_name(role.name, shard))
        loaded = await store.load()
        first: dict[str, Time] = {}
        if isinstance(side, MarketSide) and role.name == "gateway":
            first = casting.said_until(symbols, loaded, shard, begins)
            await self._backfill(side, store, first)
        try:
            while (unit := await casting.make(role.name, shard, symbols, loaded, begins)) is None:
                self.waits = True
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self.waits = False
        if self.barrier is not None:
            self.barrier.restore(loaded.rows.get(COMPLETED.name, ()))
        ways = self._ways
        if self._live is not None:
            view = LiveView(self._live.keys, loaded.fence, self._live.active, self._live.account, unit.seen)
            self.works.append(view.run)
            ways = replace(ways, forward=view.beside(ways.forward))
        actor = Actor(unit, store, loaded, ways)
        if self._live is not None and self._around.adoption is not None:
            self.works.append(self._around.adoption(side.now, lambda row: actor.give([Given(None, rows=(row,))])).run)
        return Ready(Served(actor, loaded.offsets, casting.streams(role.name, symbols)), loaded, first)

    # ---- inside

    def _prepare(self, sent: Sequence[Sent], requests: Sequence[Request]) -> None:
        self._around.carriers.prepare(sent)
        self._side.prepare(requests)

    def _barrier(self) -> VerdictBarrier | None:
        role, casting = self._role, self._casting
        if not role.timed_by:
            return None
        hears = any(channel in role.consumes for channel in role.timed_by)
        return VerdictBarrier(role.name, casting.symbols, casting.cast.decision_step, hears)

    async def _backfill(self, side: MarketSide, store: UnitStore, until: Mapping[str, Time]) -> None:
        """Have `market_data` hold what windows need before the gateway says its first word."""
        for symbol, at in until.items():
            for (_, timeframe), since in self._casting.wanted(symbol, at).items():
                span = duration(timeframe)
                first = since - since % -span
                kept = await self._around.archive.candles(symbol, timeframe, first, at)
                if len(kept) < (at - at % span - first) // span:
                    rows = await candles_before(side.history, {(symbol, timeframe): first}, {symbol: at})
                    await store.commit(Commit(rows=rows))


def _forward(role: Role) -> Callable[[Envelope], Sequence[tuple[str, Envelope]]]:
    """Return what a service's process publishes of a message that it hears: only a bridge's does."""
    if role.name != "dispatcher":
        return lambda envelope: ()

    def on(envelope: Envelope) -> Sequence[tuple[str, Envelope]]:
        destination = forward(envelope.stream.partition("/")[0])
        return () if destination is None else ((destination, envelope),)

    return on
