"""The exchange as the market moves it: the simulated one, with other people's coins and orders, and with halts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.domain.candle import Candle
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    ENTRY,
    AccountChanged,
    ExchangeEvent,
    ExecutionsReported,
    InstrumentChanged,
    ListFills,
    ListOpenOrders,
    OpenOrdersReported,
    OrderExecuted,
    OrderReported,
    OrderSpec,
    PlaceOrder,
    Request,
)
from roottrading.messages.service import Row

ASKING: Final = "observer"
FOREIGN_ORDER: Final = "by-hand-1"
FAR_AWAY: Final = Decimal(900)  # no candle ever comes there


class Foreign(Struct, frozen=True):
    """What is on the account beside the bot's: base of each symbol (a part of it in a resting order), quote, BTC."""

    base: Decimal = ZERO
    quote: Decimal = ZERO
    other: Decimal = ZERO


class Venue:
    """The simulated exchange; at the instants named in `halts` and `filters` a symbol's status or filters change."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        symbols: Sequence[str],
        foreign: Foreign,
        halts: Mapping[tuple[str, Time], str],
        filters: Mapping[tuple[str, Time], Instrument],
    ) -> None:
        self.exchange = exchange
        self.symbols = symbols
        self.foreign = foreign
        self._halts = halts
        self._filters = filters
        self._changes: dict[str, InstrumentChanged] = {}  # the last one of each symbol
        if foreign.base:
            for symbol in symbols:
                exchange.deposit(symbol.removesuffix("USDT"), foreign.base, 0)
                spec = OrderSpec(FOREIGN_ORDER, "SELL", "LIMIT", Decimal(1), FAR_AWAY, None, "GTC")
                exchange.execute(PlaceOrder(symbol, FOREIGN_ORDER, ENTRY, 0, spec), 0)
            exchange.deposit("USDT", foreign.quote, 0)
            exchange.deposit("BTC", foreign.other, 0)

    # ---- as a session and the door see it

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Carry a request out."""
        return self.exchange.execute(request, now)

    def candle_opens(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Stand on a candle's open; at an instant of `halts` or `filters` its symbol changes instead."""
        symbol = candle.symbol
        status, instrument = self._halts.get((symbol, now)), self._filters.get((symbol, now))
        if status is not None:
            events = self.exchange.set_status(symbol, status, now)
        elif instrument is not None:
            events = self.exchange.change_filters(instrument, now)
        else:
            return self.exchange.candle_opens(candle, now)
        book = self.exchange.parts.books[symbol]
        self._changes[symbol] = InstrumentChanged(symbol, "", now, book.market.status, book.instrument)
        return events

    def candle_closed(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Match what rested along the candle."""
        return self.exchange.candle_closed(candle, now)

    def changed_rows(self) -> Sequence[Row]:
        """Nobody keeps the exchange: it never dies here."""
        return ()

    # ---- as one looks at it from outside

    def account(self, now: Time) -> AccountChanged:
        """Return all balances, as a connection tells them when it begins."""
        return AccountChanged("", "", now, tuple(self.exchange.balances().values()))

    def open_orders(self, symbol: str, now: Time) -> tuple[OrderReported, ...]:
        """Return what is open."""
        (event,) = self.exchange.execute(ListOpenOrders(symbol, ASKING, ENTRY, now), now)
        assert isinstance(event, OpenOrdersReported)
        return event.orders

    def executions(self, symbol: str, now: Time) -> tuple[OrderExecuted, ...]:
        """Return all that was executed."""
        (event,) = self.exchange.execute(ListFills(symbol, ASKING, ENTRY, now), now)
        assert isinstance(event, ExecutionsReported)
        return event.executions

    def instruments(self) -> list[InstrumentChanged]:
        """Return what changed of symbols, as a connection tells it when it begins."""
        return list(self._changes.values())

    def instrument(self, symbol: str) -> Instrument:
        """Return the filters by which orders are judged now."""
        return self.exchange.parts.books[symbol].instrument

    def has_changing_filters(self, symbol: str) -> bool:
        """Say whether the symbol's filters change at some time."""
        return any(name == symbol for name, _ in self._filters)

    def is_halted(self, symbol: str) -> bool:
        """Say whether the symbol takes no orders."""
        return self.exchange.parts.books[symbol].market.status != "TRADING"

    def own(self, asset: str) -> Decimal:
        """Return what of an asset is on the account beside other people's."""
        balance = self.exchange.balances().get(asset)
        total = ZERO if balance is None else balance.free + balance.locked
        foreign = self.foreign.other if asset == "BTC" else self.foreign.base
        return total - (self.foreign.quote if asset == "USDT" else foreign)
