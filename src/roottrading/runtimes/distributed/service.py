"""One service's process put together: connect, load every unit that it owns, serve until something ends it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.server_clock import ServerClock, StandingClock
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.store.port import Archive, Commit, UnitStore
from roottrading.config.settings import Settings
from roottrading.domain.time import Time, duration
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import PortfolioUpdated
from roottrading.messages.exchange import AnyRequest
from roottrading.pipeline import Role
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.distributed.actor import Actor, Ways
from roottrading.runtimes.distributed.casting import Casting
from roottrading.runtimes.distributed.commanding import Commands, give_commands, keep_commanding
from roottrading.runtimes.distributed.exchange_sides import (
    AccountSide,
    ExchangeSide,
    MarketSide,
)
from roottrading.runtimes.distributed.live_view import Keys, LiveView
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.recent_candles import RecentCandles, Stream
from roottrading.runtimes.distributed.serving import Carriers, Serving, Work
from roottrading.runtimes.distributed.sharding import ROLE, shards_of, unit_name
from roottrading.runtimes.distributed.together import first_of
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED, VerdictBarrier
from roottrading.runtimes.distributed.weighing import Weighed, Weigher
from roottrading.runtimes.distributed.weighing_past import DatabasePast, Opinions
from roottrading.runtimes.linked.clocks import clock_of, link_settings
from roottrading.runtimes.linked.stepping import SteppedTime
from roottrading.runtimes.linked.warming import candles_before
from roottrading.services.dispatcher import forward

POLL_SECONDS: Final = 0.2  # between two looks whether the market has begun


class Live(Struct, frozen=True):
    """Where the dispatcher shows what is now; the active cycles, and the account, when it was asked."""

    keys: Keys
    active: tuple[str, ...]
    account: PortfolioUpdated | None = None


class Surroundings(Struct, frozen=True):
    """What a service's process is given: settings, the exchange's addresses, database and carriers.

    `admin` is the admin door of an exchange whose clock is stepped; weights are learned from `opinions`. `live` are the
    keys that the dispatcher shows things in, `recent` those of the gateway's candles.
    """

    settings: Settings
    cast: Cast
    places: Places
    credentials: Credentials | None
    unit: Callable[[str], UnitStore]
    archive: Archive
    opinions: Opinions
    carriers: Carriers
    admin: str | None = None
    rate: int = 1
    commands: Commands | None = None
    live: Callable[[], Awaitable[Live]] | None = None
    recent: Callable[[Iterable[Stream]], RecentCandles] | None = None
    observed: Observed = field(default_factory=Observed)


class ServiceProcess:
    """A service from its start to its end."""

    def __init__(self, role: str, around: Surroundings) -> None:
        self.role: Role = ROLE[role]
        self._around = around
        self._clock: ServerClock = clock_of(around.admin is not None, around.rate)
        self.serving: Serving | None = None
        self._weigher: Weigher | None = None
        self.side: ExchangeSide = self._open_side()

    async def run(self) -> None:
        """Serve until cancelled, or the stepped market's end. Raises what ends the units."""
        around = self._around
        await self.side.open()
        try:
            if around.admin is None:
                await self._serve(watch_time=True)
                return
            assert isinstance(self._clock, StandingClock)
            time = SteppedTime(
                around.admin,
                self._clock,
                self,
                self.next_deadline,
                self.due,
                service=self.role.name,
                places=self.places,
            )
            if self.role.name != "analyzer":  # it loads when the first candle came, for which time has to move
                self.serving = await self._load()
            await first_of(time.run(), self._serve(watch_time=False))
        finally:
            await self.side.close()

    # ---- as whoever moves the clock sees it

    @property
    def is_idle(self) -> bool:
        """Whether everything that reached it has been dealt with."""
        weighs = self._weigher is not None and self._weigher.busy
        return self.side.is_idle and (self.serving is None or self.serving.is_idle) and not weighs

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""
        return self.side.under_way

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read from the exchange, by connection."""
        return self.side.frames

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

    # ---- inside

    def _open_side(self) -> ExchangeSide:
        around, name = self._around, self.role.name
        settings = link_settings(around.admin is not None, around.rate)
        plan = around.cast.plan
        if self.role.keys == "none":
            heard = tuple(sorted({symbol for symbol, _ in plan.streams}))
            return MarketSide(around.places, heard if name == "gateway" else plan.symbols, self._clock, settings)
        if around.credentials is None:
            raise ValueError(f"{name} has no key: it needs one to see the account")
        return AccountSide(name, around.places, around.credentials, plan.symbols, self._clock, settings)

    async def _serve(self, watch_time: bool) -> None:
        if self.serving is None:
            self.serving = await self._load()
        observed = self._around.observed
        observed.measures["streams_behind"] = self.serving.streams_behind
        observed.serve(len(self.serving.actors))
        await self.serving.run(watch_time)

    async def _load(self) -> Serving:
        """Load every unit and put the process together around them."""
        around, role, side = self._around, self.role, self.side
        casting = Casting(around.settings, around.cast, side.instruments, around.archive)
        barrier = self._barrier(casting)
        now = side.now()
        begins = now - now % duration(casting.finest)  # the last T, to the microsecond: candles are asked for from it
        actors: dict[int, Actor] = {}
        offsets, streams, first = {}, {}, {}
        weighed: list[Weighed] = []
        by_the_clock = role.keys == "trade"
        live = None if around.live is None or role.name != "dispatcher" else await around.live()
        view: LiveView | None = None
        recent = None if around.recent is None or role.name != "gateway" else around.recent(casting.told)
        ways = Ways(
            around.carriers.publish if recent is None else recent.beside(around.carriers.publish),
            around.archive.said,
            side.now,
            side.send,
            _forward(role),
            by_the_clock,
            around.observed,
            None if around.commands is None else around.commands.post,
        )
        for shard, symbols in shards_of(role, casting.symbols_for(role.name)).items():
            store = around.unit(unit_name(role.name, shard))
            loaded = await store.load()
            if isinstance(side, MarketSide) and role.name == "gateway":
                since = casting.said_until(symbols, loaded, shard, begins)
                await self._backfill(casting, side, store, since)
                first.update(since)
            while (unit := await casting.make(role.name, shard, symbols, loaded, begins)) is None:
                await asyncio.sleep(POLL_SECONDS)
            if barrier is not None:
                barrier.restore(loaded.rows.get(COMPLETED.name, ()))
            if live is not None:
                view = LiveView(live.keys, loaded.fence, live.active, live.account)
                ways = replace(ways, forward=view.beside(ways.forward))
            actors[shard] = Actor(unit, store, loaded, ways)
            offsets[shard] = loaded.offsets
            streams[shard] = casting.streams(role.name, symbols)
            weighed.append(Weighed(actors[shard], streams[shard], loaded.rows))
        if isinstance(side, MarketSide) and first:
            side.follow(casting.finest, first)
        works: list[Work] = [lambda: side.serve(actors)]
        works += [each.run for each in (view, recent) if each is not None]
        commands = around.commands
        if commands is not None:
            units = tuple(actors.values())
            await give_commands(commands, units)  # before anything else is decided
            works.append(lambda: keep_commanding(commands, units))
        if role.name == "signal_aggregator" and around.settings.aggregator.weighting == "learned":
            past = DatabasePast(around.cast, around.opinions, around.archive)
            self._weigher = Weigher(around.settings, around.cast, around.opinions, past, side.now)
            self._weigher.begin(weighed)
            works.append(self._weigher.run)
        return Serving(role, actors, offsets, streams, around.carriers, side.now, barrier, works)

    def _barrier(self, casting: Casting) -> VerdictBarrier | None:
        if not self.role.timed_by:
            return None
        hears = any(channel in self.role.consumes for channel in self.role.timed_by)
        return VerdictBarrier(self.role.name, casting.symbols, casting.cast.decision_step, hears)

    async def _backfill(self, casting: Casting, side: MarketSide, store: UnitStore, until: Mapping[str, Time]) -> None:
        """Have `market_data` hold what windows need before the gateway says its first word."""
        for symbol, at in until.items():
            for (_, timeframe), since in casting.wanted(symbol, at).items():
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
