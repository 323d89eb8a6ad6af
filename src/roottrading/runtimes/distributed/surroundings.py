"""What a service's process is given by whoever runs it."""

from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct, field

from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.store.port import Archive, UnitStore
from roottrading.config.settings import Settings
from roottrading.messages.events import PortfolioUpdated
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.commands.adjusting import Requests
from roottrading.runtimes.distributed.commands.commanding import Commands
from roottrading.runtimes.distributed.configuring.changing import MakeAdoption
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.redis_view.live_view import Keys
from roottrading.runtimes.distributed.redis_view.recent_candles import RecentCandles, Stream
from roottrading.runtimes.distributed.tending import Tend
from roottrading.runtimes.distributed.weighing.past import Opinions


class Live(Struct, frozen=True):
    """Where the dispatcher shows what is now; the active cycles, and the account, when it was asked."""

    keys: Keys
    active: tuple[str, ...]
    account: PortfolioUpdated | None = None


class Surroundings(Struct, frozen=True):
    """What a service's process is given: settings, the exchange's addresses, database and carriers.

    `admin` is the admin door of an exchange whose clock is stepped; weights are learned from `opinions`. `live` are the
    keys that the dispatcher shows things in, `recent` those of the gateway's candles; `requests` are people's, for
    capital and coins. `tend` does what the database needs each day. `adoption` keeps the keys of the configuration,
    `ends` ends what was made for another. `streams` says how the market is listened to (None: as its pace wants it).
    `rouse` wakes the way to the database.
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
    requests: Requests | None = None
    tend: Tend | None = None
    adoption: MakeAdoption | None = None
    ends: Callable[[], Awaitable[None]] | None = None
    streams: StreamSettings | None = None
    rouse: Callable[[], Awaitable[None]] | None = None
