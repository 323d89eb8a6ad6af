"""A bench for the simulated exchange: an instrument of round numbers, a tape, and short ways to ask for things."""

from collections.abc import Mapping, Sequence
from decimal import Decimal as D
from itertools import count
from typing import Any, TypeVar

from roottrading.adapters.exchange.simulated import FillModel, SimulatedExchange
from roottrading.domain.candle import Candle
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import plain
from roottrading.domain.order import ListKind, SelfTradePrevention, Side, TimeInForce
from roottrading.domain.time import MINUTE
from roottrading.messages.exchange import (
    CancelOrder,
    CancelReplace,
    ExchangeEvent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderRefused,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
)

SYMBOL = "BTCUSDT"
EventT = TypeVar("EventT", bound=ExchangeEvent)


def instrument(**changes: Any) -> Instrument:
    """BTCUSDT with a tick of 0.1, a step of 0.01 and a least notional of 5."""
    values: dict[str, Any] = {
        "symbol": SYMBOL,
        "base_asset": "BTC",
        "quote_asset": "USDT",
        "tick_size": D("0.1"),
        "step_size": D("0.01"),
        "min_quantity": D("0.01"),
        "max_quantity": D(9000),
        "min_notional": D(5),
        "self_trade_prevention": frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"}),
    }
    return Instrument(**{**values, **changes})


def market(side: Side, quantity: str | None, name: str = "m", quote: str | None = None) -> OrderSpec:
    return OrderSpec(
        name,
        side,
        "MARKET",
        None if quantity is None else D(quantity),
        quote_quantity=None if quote is None else D(quote),
    )


def limit(
    side: Side,
    quantity: str,
    price: str,
    name: str = "l",
    force: TimeInForce = "GTC",
    mode: SelfTradePrevention = "EXPIRE_TAKER",
) -> OrderSpec:
    return OrderSpec(name, side, "LIMIT", D(quantity), D(price), None, force, mode)


def maker(side: Side, quantity: str | None, price: str, name: str = "t") -> OrderSpec:
    return OrderSpec(name, side, "LIMIT_MAKER", None if quantity is None else D(quantity), D(price))


def stop(side: Side, quantity: str | None, stop_price: str, name: str = "s") -> OrderSpec:
    return OrderSpec(
        name, side, "STOP_LOSS", None if quantity is None else D(quantity), None, D(stop_price), None, "EXPIRE_TAKER"
    )


class Bench:
    """One exchange and its tape of one-minute candles, beginning at minute 1."""

    def __init__(
        self,
        balances: Mapping[str, str] | None = None,
        fees: FeeSchedule | None = None,
        model: FillModel | None = None,
        listed: Sequence[Instrument] | None = None,
        **changes: Any,
    ) -> None:
        self.instruments = {item.symbol: item for item in listed or (instrument(**changes),)}
        self.fees = fees or FeeSchedule(maker=D(0), taker=D(0))
        self.model = model or FillModel(slippage=D(0))
        self.start = {asset: D(amount) for asset, amount in (balances or {"USDT": "100000", "BTC": "1000"}).items()}
        self.exchange = self.fresh()
        self.now = MINUTE
        self.numbers = count(1)
        self.candle: Candle | None = None

    def fresh(self) -> SimulatedExchange:
        return SimulatedExchange(self.instruments, self.fees, self.model, self.start)

    # ---- the tape

    def opens(
        self,
        opened: str,
        high: str | None = None,
        low: str | None = None,
        close: str | None = None,
        volume: str = "1000",
    ) -> Sequence[ExchangeEvent]:
        """Begin the next candle; what is not said of it is its open."""
        self.candle = Candle(
            SYMBOL,
            "1m",
            self.now,
            D(opened),
            D(high or opened),
            D(low or opened),
            D(close or opened),
            D(volume),
        )
        return self.exchange.candle_opens(self.candle, self.now)

    def closes(self) -> Sequence[ExchangeEvent]:
        """Come to the close of the candle that was begun."""
        assert self.candle is not None
        self.now = self.candle.at
        return self.exchange.candle_closed(self.candle, self.now)

    def passes(self, opened: str, high: str, low: str, close: str, volume: str = "1000") -> list[ExchangeEvent]:
        """Begin and close a candle."""
        return [*self.opens(opened, high, low, close, volume), *self.closes()]

    # ---- requests

    def place(self, spec: OrderSpec, account: str | None = None) -> Sequence[ExchangeEvent]:
        return self.exchange.execute(PlaceOrder(SYMBOL, spec.client_order_id, 2, self.now, spec), self.now, account)

    def place_list(self, kind: ListKind, *specs: OrderSpec, name: str = "list") -> Sequence[ExchangeEvent]:
        return self.exchange.execute(PlaceOrderList(SYMBOL, name, 2, self.now, kind, specs), self.now)

    def cancel(self, target: str) -> Sequence[ExchangeEvent]:
        return self.exchange.execute(CancelOrder(SYMBOL, f"c{next(self.numbers)}", 1, self.now, target), self.now)

    def replace(
        self, target: str, spec: OrderSpec, stop_on_failure: bool = True, only_new: bool = False
    ) -> Sequence[ExchangeEvent]:
        request = CancelReplace(SYMBOL, spec.client_order_id, 1, self.now, target, spec, stop_on_failure, only_new)
        return self.exchange.execute(request, self.now)

    # ---- looking

    def holds(self, asset: str, account: str | None = None) -> tuple[object, object]:
        """Free and locked (as objects: a test may write a whole amount as an int)."""
        balance = self.exchange.balances(account).get(asset)
        return (D(0), D(0)) if balance is None else (balance.free, balance.locked)


def of(kind: type[EventT], events: Sequence[ExchangeEvent], name: str | None = None) -> list[EventT]:
    return [event for event in events if isinstance(event, kind) and name in {None, event.client_order_id}]


def fills(events: Sequence[ExchangeEvent], name: str | None = None) -> list[tuple[str, str]]:
    """Price and quantity of the executions."""
    return [(plain(event.price), plain(event.quantity)) for event in of(OrderExecuted, events, name)]


def endings(events: Sequence[ExchangeEvent]) -> list[tuple[str, str, str]]:
    """Order, status and reason of the orders that ended unfilled."""
    return [(event.client_order_id, event.status, event.reason) for event in of(OrderEnded, events)]


def openings(events: Sequence[ExchangeEvent]) -> list[tuple[str, str]]:
    """Order and status of the orders that the exchange said it had."""
    return [(event.client_order_id, event.status) for event in of(OrderOpened, events)]


def refusals(events: Sequence[ExchangeEvent]) -> list[tuple[int, str]]:
    return [(event.code, event.message) for event in of(OrderRefused, events)]
