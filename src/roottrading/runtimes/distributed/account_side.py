"""A process's own connection to the account: requests out, and what the exchange says of them and of balances."""

from collections.abc import Iterable, Mapping, Sequence

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import Endpoints, LinkSettings, Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    EXIT,
    AccountChanged,
    AnyRequest,
    ExchangeEvent,
    ExchangeReply,
    InstrumentChanged,
    ListOpenOrders,
    Request,
)
from roottrading.runtimes.distributed.exchange_side import Actors
from roottrading.runtimes.distributed.sharding import home_among
from roottrading.runtimes.distributed.unit.inbox import Given


class AccountSide:
    """The account: a trader carries requests out and hears all of its symbols, the books hear balances."""

    def __init__(
        self,
        role: str,
        places: Places,
        credentials: Credentials,
        symbols: Sequence[str],
        clock: ServerClock,
        settings: LinkSettings,
    ) -> None:
        self._trades = role == "trader"
        self._home = home_among(symbols)
        self._link = BinanceLink(Endpoints(places.rest, places.socket), credentials, symbols, settings, clock=clock)
        self._heard_at: Time = 0
        self._has_taken = False  # something: until then what the exchange says waits
        self.whole: AccountChanged | None = None  # the last answer to a question for all balances

    async def open(self) -> None:
        """Connect. Raises LinkError."""
        await self._link.open()

    async def close(self) -> None:
        """End all connections."""
        await self._link.close()

    def now(self) -> Time:
        """Return the exchange's time."""
        return max(self._link.now(), self._heard_at)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The symbols' filters."""
        return self._link.instruments

    def take(self, symbols: Iterable[str], first: Mapping[str, Time]) -> None:
        """Ask what is open, where the exchange's greeting was before; all else their units ask for themselves."""
        if self._has_taken and self._trades:
            self._link.send([ListOpenOrders(symbol, "", EXIT, self.now()) for symbol in symbols])
        self._has_taken = True

    def leave(self, symbols: Iterable[str]) -> None:
        """Nothing: the whole account is heard anyway, and what concerns no unit here is passed over."""

    async def serve(self, actors: Actors) -> None:
        """Hand what the account says to the units until cancelled: what was said at once is heard at once."""
        async for events in self._link.events():
            self._heard_at = max(self._heard_at, *(event.at for event in events))
            for event in events:
                if isinstance(event, AccountChanged) and event.client_order_id:
                    self.whole = event
            for shard, actor in actors.items():
                told = [event for event in events if self._concerns(event, shard)]
                if not told:
                    continue
                if self._trades:
                    actor.give([Given(told[0] if len(told) == 1 else ExchangeReply(tuple(told)))])
                else:
                    actor.give([Given(event) for event in told])

    def prepare(self, requests: Sequence[Request]) -> None:
        """Sign them: nothing leaves."""
        self._link.prepare(requests)

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out."""
        self._link.send(requests)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange."""
        return self._link.is_idle

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests without an answer."""
        return self._link.under_way

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""
        return self._link.frames

    def _concerns(self, event: ExchangeEvent, shard: int) -> bool:
        if self._trades:
            return not event.symbol or self._home(event.symbol) == shard
        return isinstance(event, AccountChanged | InstrumentChanged)
