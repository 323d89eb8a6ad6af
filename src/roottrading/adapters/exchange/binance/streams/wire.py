"""The frames as Binance writes them: only the fields that we use are read, and what is documented is known by name."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Raw, Struct, field

from roottrading.adapters.exchange.binance.streams.subscriptions import Kind


class WireError(Struct, gc=False):
    """Why a control message was refused."""

    code: int = 0
    msg: str = ""


class Frame(Struct, gc=False):
    """Any frame: an event of a combined stream, the reply to a control message, or a raw serverShutdown."""

    stream: str = ""
    data: Raw = field(default_factory=Raw)
    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    error: WireError | None = None
    event: str = field(default="", name="e")


class WireCandle(Struct, gc=False):
    """The `k` of a kline event."""

    open_time: int = field(name="t")
    timeframe: str = field(name="i")
    open: Decimal = field(name="o")
    close: Decimal = field(name="c")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    volume: Decimal = field(name="v")
    closed: bool = field(name="x")


class CandleEvent(Struct, gc=False):
    """Payload of `<symbol>@kline_<timeframe>`."""

    said_at: int = field(name="E")
    symbol: str = field(name="s")
    candle: WireCandle = field(name="k")


class AggregateTradeEvent(Struct, gc=False):
    """Payload of `<symbol>@aggTrade`."""

    said_at: int = field(name="E")
    symbol: str = field(name="s")
    trade_id: int = field(name="a")
    price: Decimal = field(name="p")
    quantity: Decimal = field(name="q")
    first_id: int = field(name="f")
    last_id: int = field(name="l")
    at: int = field(name="T")
    buyer_is_maker: bool = field(name="m")


class TradeEvent(Struct, gc=False):
    """Payload of `<symbol>@trade`."""

    said_at: int = field(name="E")
    symbol: str = field(name="s")
    trade_id: int = field(name="t")
    price: Decimal = field(name="p")
    quantity: Decimal = field(name="q")
    at: int = field(name="T")
    buyer_is_maker: bool = field(name="m")


class BestQuoteEvent(Struct, gc=False):
    """Payload of `<symbol>@bookTicker`: it has neither a type nor a time."""

    update_id: int = field(name="u")
    symbol: str = field(name="s")
    bid: Decimal = field(name="b")
    bid_quantity: Decimal = field(name="B")
    ask: Decimal = field(name="a")
    ask_quantity: Decimal = field(name="A")


class DepthEvent(Struct, gc=False):
    """Payload of `<symbol>@depth`."""

    said_at: int = field(name="E")
    symbol: str = field(name="s")
    first_id: int = field(name="U")
    last_id: int = field(name="u")
    bids: list[tuple[Decimal, Decimal]] = field(name="b")
    asks: list[tuple[Decimal, Decimal]] = field(name="a")


class TickerEvent(Struct, gc=False):
    """Payload of `<symbol>@ticker` and `<symbol>@miniTicker`: what both have."""

    said_at: int = field(name="E")
    symbol: str = field(name="s")
    close: Decimal = field(name="c")
    open: Decimal = field(name="o")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    volume: Decimal = field(name="v")
    quote_volume: Decimal = field(name="q")


# Every field that Binance documents for a payload (2026-07), read by us or not: another one is news, and is counted.
DOCUMENTED: Final[Mapping[Kind, frozenset[str]]] = {
    "candles": frozenset("eEsk"),
    "aggregate_trades": frozenset("eEsapqflTmM"),
    "trades": frozenset("eEstpqTmM"),
    "best_quote": frozenset("usbBaA"),
    "depth": frozenset("eEsUuba"),
    "day_ticker": frozenset("eEspPwxcQbBaAohlvqOCFLn"),
    "mini_ticker": frozenset("eEscohlvq"),
}
DOCUMENTED_CANDLE: Final = frozenset("tTsifLochlvnxqVQB")
