"""What a market does in public: trades, changes of the book, new best quotes."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time

Level = tuple[Decimal, Decimal]  # a price of the book, and the quantity that stands there (0: nothing any more)


class PublicTrade(Struct, frozen=True, gc=False):
    """A print; `buyer_is_maker` says that the seller took."""

    id: int
    price: Decimal
    quantity: Decimal
    at: Time
    buyer_is_maker: bool

    @property
    def quote_quantity(self) -> Decimal:
        """Price times quantity."""
        return self.price * self.quantity


class AggregateTrade(Struct, frozen=True, gc=False):
    """Prints of one taker at one price and instant, as one."""

    id: int
    price: Decimal
    quantity: Decimal
    first_trade: int
    last_trade: int
    at: Time
    buyer_is_maker: bool


class Traded(Struct, frozen=True, gc=False):
    """A print came; `aggregate` is the one that it completes, if it does."""

    symbol: str
    at: Time
    trade: PublicTrade
    aggregate: AggregateTrade | None = None


class Joined(Struct, frozen=True, gc=False):
    """An aggregate of prints came, told apart from them."""

    symbol: str
    at: Time
    aggregate: AggregateTrade


class Quoted(Struct, frozen=True, gc=False):
    """The price moved without a print: a candle without volume."""

    symbol: str
    at: Time
    price: Decimal


class BookChanged(Struct, frozen=True, gc=False):
    """Levels of the book changed; update ids from `first_update` to `last_update` are in it."""

    symbol: str
    at: Time
    first_update: int
    last_update: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BestChanged(Struct, frozen=True, gc=False):
    """The best quotes changed, as of an update id; None where a side is empty."""

    symbol: str
    at: Time
    update: int
    bid: Level | None
    ask: Level | None


class BookLoaded(Struct, frozen=True, gc=False):
    """The whole book as of an update id: what stood before is forgotten."""

    symbol: str
    at: Time
    update: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class CandleBegan(Struct, frozen=True, gc=False):
    """A candle of the tape opens: the whole of it is known to the exchange, and to nobody else before its end."""

    symbol: str
    at: Time
    candle: Candle


class CandleEnded(Struct, frozen=True, gc=False):
    """A candle of the tape is over."""

    symbol: str
    at: Time
    candle: Candle


MarketEvent = Traded | Joined | Quoted | BookChanged | BestChanged | BookLoaded | CandleBegan | CandleEnded
