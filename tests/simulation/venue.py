"""The exchange as the market moves it: the simulated one, with other people's coins and orders, and with halts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.domain.candle import Candle
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
    """The simulated exchange; at the instants named in `halts` a symbol's status changes."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        symbols: Sequence[str],
        foreign: Foreign,
        halts: Mapping[tuple[str, Time], str],
    ) -> None:
        self.exchange = exchange
        self.symbols = symbols
        self.foreign = foreign
        self._halts = halts
        self.statuses: dict[str, InstrumentChanged] = {}
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
        """Stand on a candle's open; at an instant of `halts` its symbol's status changes instead."""
        status = self._halts.get((candle.symbol, now))
        if status is None:
            return self.exchange.candle_opens(candle, now)
        self.statuses[candle.symbol] = InstrumentChanged(candle.symbol, "", now, status)
        return self.exchange.set_status(candle.symbol, status, now)

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

    def is_halted(self, symbol: str) -> bool:
        """Say whether the symbol takes no orders."""
        said = self.statuses.get(symbol)
        return said is not None and said.status != "TRADING"

    def own(self, asset: str) -> Decimal:
        """Return what of an asset is on the account beside other people's."""
        balance = self.exchange.balances().get(asset)
        total = ZERO if balance is None else balance.free + balance.locked
        foreign = self.foreign.other if asset == "BTC" else self.foreign.base
        return total - (self.foreign.quote if asset == "USDT" else foreign)
