"""Putting a linked run together: Binance's account and market at one address, and the services over them."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.server_clock import StandingClock
from roottrading.adapters.exchange.binance.settings import Endpoints, Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.streams.binance_market import BinanceMarket, MarketEndpoints
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.store.port import Store
from roottrading.config.settings import Settings
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest
from roottrading.runtimes.assembly import Cast, assemble, builders
from roottrading.runtimes.linked.clocks import clock_of, link_settings
from roottrading.runtimes.linked.linked_session import Observer
from roottrading.runtimes.linked.market_feed import MarketFeed
from roottrading.runtimes.linked.outbox import Outbox
from roottrading.runtimes.linked.running import LinkedRun
from roottrading.runtimes.linked.stepping import SteppedTime
from roottrading.runtimes.linked.weighing import Weigher, weigher_of
from roottrading.runtimes.settle import Wiring
from roottrading.services.analyzer import NewestWindows

FINEST: Final = "1m"  # the candles that Binance's streams give and everything else is folded from


class LinkedMarket(Struct, frozen=True):
    """What is traded at the other end of a wire."""

    symbols: tuple[str, ...]
    instruments: Mapping[str, Instrument] = {}
    finest: str = FINEST


class Connections:
    """The account's link and the market's feed of one exchange, on one clock and one budget.

    `stepped` is for an exchange whose clock stands between moves; else it goes `rate` times as fast as ours, which is
    `local` (microseconds that only go forward). `streams` says how the market is listened to.
    """

    def __init__(
        self,
        places: Places,
        credentials: Credentials,
        symbols: tuple[str, ...],
        *,
        stepped: bool = False,
        rate: int = 1,
        local: Callable[[], Time] | None = None,
        streams: StreamSettings | None = None,
    ) -> None:
        settings = link_settings(stepped, rate)
        budget = Budget()
        self.clock = clock_of(stepped, rate, local)
        doors = Endpoints(places.rest, places.socket)
        self.link = BinanceLink(doors, credentials, symbols, settings, clock=self.clock, budget=budget)
        market = MarketEndpoints(places.rest, places.streams)
        self.feed = MarketFeed(
            lambda deliver: BinanceMarket(
                market, symbols, deliver, settings=settings, streams=streams, clock=self.clock, budget=budget
            )
        )

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange."""
        return self.link.is_idle and not self.feed.waiting and not self.feed.market.streams.asking

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""
        return self.link.under_way

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""
        return {**self.link.frames, **self.feed.market.streams.frames}


class Everything:
    """What a run waits for while it works: its connections, and the weights of the day."""

    def __init__(self, connections: Connections, weigher: Weigher | None) -> None:
        """Take both; a run that does not learn has no weigher."""
        self._connections = connections
        self._weigher = weigher

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange."""
        return self._connections.is_idle and not (self._weigher is not None and self._weigher.busy)

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""
        return self._connections.under_way

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""
        return self._connections.frames


def linked_run(
    settings: Settings,
    cast: Cast,
    symbols: tuple[str, ...],
    connections: Connections,
    store: Store,
    observe: Observer = lambda position, rows: None,
    admin: str | None = None,
) -> LinkedRun:
    """Return a run over these connections; `admin` is the admin door of an exchange whose clock is stepped."""
    clock = connections.clock
    weigher = weigher_of(settings, cast, connections.feed.history)

    def wire(opinions: NewestWindows, outbox: Outbox, instruments: Mapping[str, Instrument]) -> Wiring:
        return assemble(builders(settings, cast, LinkedMarket(symbols, instruments)), opinions, outbox)

    async def follow(run: LinkedRun) -> None:
        assert admin is not None
        assert isinstance(clock, StandingClock)
        await SteppedTime(admin, clock, Everything(connections, weigher), run.next_deadline, run.due, run.obey).run()

    return LinkedRun(
        cast.plan,
        cast.decision_step,
        settings.account.quote_asset,
        wire,
        lambda: connections.link.instruments,
        connections.link,
        connections.feed,
        store,
        observe,
        None if admin is None else follow,
        weigher,
    )
