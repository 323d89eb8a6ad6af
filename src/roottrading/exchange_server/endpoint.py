"""Endpoints: what can be asked, over REST and over the WebSocket API alike, and what asking costs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.venue import TradingVenue
from roottrading.exchange_server.wording import Stamp

if TYPE_CHECKING:
    from roottrading.exchange_server.server import ExchangeServer

Security = Literal["none", "key", "signed"]
SIGNED = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})


class Call(Struct, frozen=True):
    """A request that got through the door: its account (empty where none is needed), its instant, its unit of time.

    `may_trade` says whether its key may do more than read.
    """

    server: "ExchangeServer"
    parameters: Parameters
    account: str
    now: Time
    stamp: Stamp
    may_trade: bool = True

    @property
    def venue(self) -> TradingVenue:
        """The exchange itself."""
        return self.server.venue


Weight = int | Callable[[Parameters], int]


class Endpoint(Struct, frozen=True):
    """One thing that can be asked.

    `handler` answers with what is to be sent as JSON, or raises ApiError; it never waits. `parameters` are all that it
    knows, beside those of a signature. `orders` is what a success counts against the order limits; one that `counts`
    does so itself. One that trades
    waits for its turn on the clock, and weighs nothing where it succeeds. `words` is the method's name in the WebSocket
    API; an empty `method` is one that REST has not.
    """

    method: str
    path: str
    words: str
    handler: Callable[[Call], Any]
    parameters: frozenset[str] = frozenset()
    security: Security = "none"
    weight: Weight = 1
    orders: int = 0
    counts: bool = False
    trades: bool = False

    def weight_of(self, parameters: Parameters) -> int:
        """Return what the request weighs; parameters that cannot be read weigh as if they were not there."""
        return self.weight if isinstance(self.weight, int) else self.weight(parameters)
