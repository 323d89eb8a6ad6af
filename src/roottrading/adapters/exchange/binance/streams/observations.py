"""What is heard of the market beside candles; times are microseconds UTC, prices and quantities exact."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.exchange import InstrumentChanged, LinkChanged
from roottrading.messages.service import CandleMissing, CandleObserved

Level = tuple[Decimal, Decimal]  # price, quantity


class PublicTrade(Struct, frozen=True, gc=False):
    """Someone's print: a single trade, or all fills of one taker order at one price (`aggregate`).

    `trade_id` counts without holes within its kind; `first_id` to `last_id` are the single trades that it is made of.
    """

    symbol: str
    aggregate: bool
    trade_id: int
    price: Decimal
    quantity: Decimal
    at: Time
    buyer_is_maker: bool
    first_id: int
    last_id: int


class FullCandle(Struct, frozen=True, gc=False):
    """A candle of the past with all that is said of it; `taker_base` and `taker_quote` are what buyers took."""

    candle: Candle
    quote_volume: Decimal
    trades: int
    taker_base: Decimal
    taker_quote: Decimal


class TradesLost(Struct, frozen=True, gc=False):
    """The prints from `first` to `last` were not heard, and the exchange's history does not give them any more."""

    symbol: str
    aggregate: bool
    first: int
    last: int


class BestQuote(Struct, frozen=True, gc=False):
    """The best bid and ask as of an update of the book; the next one replaces it."""

    symbol: str
    update_id: int
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal


class DepthChange(Struct, frozen=True):
    """The levels that updates `first_id` to `last_id` set; a quantity of 0 removes its level."""

    symbol: str
    first_id: int
    last_id: int
    at: Time
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookSnapshot(Struct, frozen=True):
    """A whole book (as deep as was asked for) as of update `last_id`; bids from the highest, asks from the lowest."""

    symbol: str
    last_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookLost(Struct, frozen=True, gc=False):
    """Updates are missing: there is no book of this symbol until its next BookSnapshot."""

    symbol: str
    why: str


class DayTicker(Struct, frozen=True, gc=False):
    """What a symbol did in the last 24 hours (not in the UTC day); volumes in base and in quote."""

    symbol: str
    at: Time
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal


MarketObservation = (
    CandleObserved
    | CandleMissing
    | PublicTrade
    | TradesLost
    | BestQuote
    | DepthChange
    | BookSnapshot
    | BookLost
    | DayTicker
    | InstrumentChanged
    | LinkChanged
)

StreamBody = Candle | PublicTrade | BestQuote | DepthChange | DayTicker
