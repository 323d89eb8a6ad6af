"""One service's process put together: connect, load every unit that it holds, serve until something ends it."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from roottrading.adapters.exchange.binance.server_clock import ServerClock, StandingClock
from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest
from roottrading.messages.service import AccountAdjusted
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.commands.adjusting import keep_answering
from roottrading.runtimes.distributed.commands.commanding import give_commands, keep_commanding
from roottrading.runtimes.distributed.commands.judges import judge_of
from roottrading.runtimes.distributed.exchange_side import ExchangeSide
from roottrading.runtimes.distributed.exchange_sides import side_of
from roottrading.runtimes.distributed.figures import figures_of
from roottrading.runtimes.distributed.finishing import finish
from roottrading.runtimes.distributed.forgeries import Forgeries
from roottrading.runtimes.distributed.holding import Holding, Shares
from roottrading.runtimes.distributed.loading import Loader, Ready
from roottrading.runtimes.distributed.rousing import Rousing
from roottrading.runtimes.distributed.serving import Serving, Work
from roottrading.runtimes.distributed.sharding import ROLE, shards_of
from roottrading.runtimes.distributed.surroundings import Surroundings
from roottrading.runtimes.distributed.weighing.past import DatabasePast
from roottrading.runtimes.distributed.weighing.weigher import Weighed, Weigher
from roottrading.runtimes.linked.clocks import clock_of
from roottrading.runtimes.linked.stepping import SteppedTime, expected_of
from roottrading.runtimes.together import Together

LEAVING_SECONDS: Final = 2.0  # for what is under way where a shard is given up
_NAMED: Final = 20  # symbols in a line of the log
_LOG: Final = logging.getLogger(__name__)
_LOOKS: Final = 0.005  # seconds between two looks at how far things are


class ServiceProcess:
    """A service from its start to its end.

    `shares` say which shards it serves, of those that have something to do; without them it serves all.
    """

    def __init__(self, role: str, around: Surroundings, shares: Shares | None = None) -> None:
        self.role: Role = ROLE[role]
        self._around = around
        self._shares = shares
        self._clock: ServerClock = clock_of(around.admin is not None, around.rate)
        self.serving: Serving | None = None
        self._weigher: Weigher | None = None
        self._weighed: dict[int, Weighed] = {}
        plan = around.cast.plan
        heard = sorted({symbol for symbol, _ in plan.streams})
        self._symbols = tuple(heard) if role == "gateway" else plan.symbols
        self._shards = shards_of(self.role, self._symbols)
        self.side: ExchangeSide = side_of(self.role, around, self._symbols, self._clock)
        self._is_open = False
        self._loader: Loader | None = None
        self._holding: Holding | None = None
        self._has_all = False  # of what it is to serve, where nobody shares
        self._together = Together()

    async def run(self) -> None:
        """Serve until cancelled, or the stepped market's end. Raises what ends the units."""
        self._together.begin(self._hold())
        if self._around.admin is not None:
            self._together.begin(self._keep_time(self._around.admin))
        try:
            await self._together.run()
        finally:
            if self._is_open:
                await self.side.close()

    async def finish(self) -> None:
        """Take nothing new, and bring to its end what is under way. Raises StoreError."""
        if self._holding is not None:
            self._holding.finish()
        if self.serving is not None and self._around.admin is None:  # a stepped exchange answers when it is its time
            await finish(self.role, self.serving, self.side, self._around.requests)

    # ---- as whoever moves the clock sees it

    @property
    def is_idle(self) -> bool:
        """Whether everything that reached it has been dealt with."""
        weighs = self._weigher is not None and self._weigher.busy
        at_rest = (not self._is_open or self.side.is_idle) and (self.serving is None or self.serving.is_idle)
        return at_rest and not weighs and (self._is_settled or (self._loader is not None and self._loader.waits))

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""
        return self.side.under_way

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read from the exchange, by connection."""
        return self.side.frames if self._is_open else {}

    def places(self) -> dict[str, Mapping[str, object]]:
        """Return the last sequences published, by stream, and taken, by source and stream."""
        return {} if self.serving is None else {"sent": self.serving.sent, "seen": self.serving.seen}

    def next_deadline(self) -> Time | None:
        """Return the next moment at which something is to be done."""
        times = [each.next_deadline() for each in (self.serving, self._weigher) if each is not None]
        return min((at for at in times if at is not None), default=None)

    def due(self) -> None:
        """Give the deadlines that have come."""
        if self.serving is not None:
            self.serving.due()

    # ---- what it holds

    async def _hold(self) -> None:
        """Take and leave shards until cancelled."""
        around = self._around
        if self._shares is None:
            await self._take(tuple(self._shards))
            self._has_all = True
            await asyncio.Event().wait()
            return
        around.observed.reach("standing by")
        members = 1 if around.admin is None else await expected_of(around.admin, self.role.name)
        self._holding = Holding(self._shares.shifts(tuple(self._shards), members), self._take, self._leave)
        await self._holding.run()

    async def _take(self, shards: Sequence[int]) -> None:
        """Load these and serve them."""
        around = self._around
        symbols = [symbol for shard in shards for symbol in self._shards[shard]]
        if self.serving is None:
            around.observed.reach("loading")
        loader = self._loader or await self._make_loader()
        ready = [await loader.load(shard, self._shards[shard]) for shard in shards]
        if around.commands is not None:  # before anything else is decided
            await give_commands(around.commands, [each.served.actor for each in ready])
        serving = self._serve(loader, ready)
        serving.take([each.served for each in ready])
        self.side.take(symbols, {symbol: at for each in ready for symbol, at in each.first.items()})
        around.observed.serve(len(serving.actors), serving.unread)
        if self._shares is not None:
            _LOG.info("took %s", _named(symbols))

    async def _leave(self, shards: Sequence[int]) -> None:
        """Finish what these have, as far as that takes no longer than a moment, and serve them no more."""
        serving = self.serving
        assert serving is not None
        symbols = frozenset(symbol for shard in shards for symbol in self._shards[shard])
        serving.deafen(shards)
        self.side.leave(symbols)
        try:
            async with asyncio.timeout(LEAVING_SECONDS):
                while not self._are_done(serving, shards, symbols):
                    await asyncio.sleep(_LOOKS)
        except TimeoutError:
            pass  # what is unknown then, whoever takes them asks for
        await serving.leave(shards)
        for shard in shards:
            self._weighed.pop(shard, None)
        if self._weigher is not None:
            self._weigher.begin(self._weighed.values())
        _LOG.info("gave up %s", _named(sorted(symbols)))
        if serving.actors:
            self._around.observed.serve(len(serving.actors), serving.unread)
        else:
            self._around.observed.reach("standing by")

    def _are_done(self, serving: Serving, shards: Sequence[int], symbols: frozenset[str]) -> bool:
        """Say whether nothing of these shards is under way."""
        if any(request.symbol in symbols for request in self.side.under_way):
            return False
        return all(serving.actors[shard].is_idle for shard in shards)

    # ---- inside

    @property
    def _is_settled(self) -> bool:
        """Whether it serves what it is to serve."""
        if self._shares is None:
            return self._has_all
        return self._shares.is_settled and self._holding is not None and self._holding.is_idle

    async def _keep_time(self, admin: str) -> None:
        """Answer waves once it serves what it is to: before that time would go on without it."""
        assert isinstance(self._clock, StandingClock)
        while not (self._is_settled or (self._loader is not None and self._loader.waits)):
            await asyncio.sleep(_LOOKS)
        time = SteppedTime(
            admin,
            self._clock,
            self,
            self.next_deadline,
            self.due,
            service=self.role.name,
            places=self.places,
        )
        await time.run()

    async def _make_loader(self) -> Loader:
        """Connect to the exchange."""
        around = self._around
        if not self._is_open:
            await self.side.open()
            self._is_open = True
        live = None if around.live is None or self.role.name != "dispatcher" else await around.live()
        self._loader = Loader(self.role, around, self.side, live)
        return self._loader

    def _serve(self, loader: Loader, ready: Sequence[Ready]) -> Serving:
        """Return the serving, which begins with the first units."""
        around, side = self._around, self.side
        self._weighed.update({each.served.shard: each.weighed for each in ready})
        if self.serving is None:
            works: list[Work] = [lambda: side.serve(serving.actors), *loader.works]
            if (commands := around.commands) is not None:
                works.append(lambda: keep_commanding(commands, serving.actors.values()))
            if (requests := around.requests) is not None and AccountAdjusted in self.role.inputs:
                (judged,) = (each.served.actor for each in ready)  # of such services one instance has all
                judge = judge_of(judged, side, around.settings.account.quote_asset, requests)
                works.append(lambda: keep_answering(requests, judged, judge, side.now))
            if self.role.name == "signal_aggregator" and around.settings.aggregator.weighting == "learned":
                self._weigher = Weigher(
                    around.settings,
                    around.cast,
                    around.opinions,
                    lambda cast: DatabasePast(cast, around.opinions, around.archive),
                    side.now,
                )
                works.append(self._weigher.run)
            if (rouse := around.rouse) is not None and self.role.forewarned and around.admin is None:
                rousing = Rousing(rouse, lambda: serving.is_idle)
                signs = [channel.name for channel in self.role.forewarned]
                works.append(lambda: rousing.run(around.carriers.pubsub, signs))
            forgeries = Forgeries(self.role, self._symbols, around.archive.said, around.observed, side.now)
            serving = Serving(self.role, around.carriers, side.now, loader.barrier, works, forgeries)
            self.serving = serving
            around.observed.measures |= figures_of(serving)
            self._together.begin(serving.run(watch_time=around.admin is None))
        if self._weigher is not None:
            self._weigher.begin(self._weighed.values())
        return self.serving


def _named(symbols: Sequence[str]) -> str:
    return ", ".join(symbols[:_NAMED]) + (f" and {len(symbols) - _NAMED} more" if len(symbols) > _NAMED else "")
