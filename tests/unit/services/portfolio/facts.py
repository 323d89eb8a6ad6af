"""Facts for the books: instruments, fills and envelopes, as the trader would say them."""

from decimal import Decimal

from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.order import Order, Side
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import CycleStatus
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import OrderChanged, OrderFilled, TradeCycleMoved

D = Decimal


def instrument(symbol: str, base: str) -> Instrument:
    return Instrument(symbol, base, "USDT", D("0.01"), D("0.001"), D("0.001"), D(9000), D(5))


INSTRUMENTS = {"BTCUSDT": instrument("BTCUSDT", "BTC"), "ETHUSDT": instrument("ETHUSDT", "ETH")}


def envelope(body: Message, sequence: int = 1) -> Envelope:
    return Envelope("trader", "trade.events/X", sequence, sequence - 1, 0, "", body)


def fill(  # the figures of one execution
    trade_id: int,
    cycle: str,
    symbol: str,
    side: Side,
    price: str | Decimal,
    quantity: str | Decimal,
    fee: str | Decimal,
    fee_asset: str,
    at: Time = 0,
    fee_in_quote: str | Decimal | None = None,
) -> Fill:
    price, quantity, fee = D(price), D(quantity), D(fee)
    if fee_in_quote is None:
        fee_in_quote = fee if fee_asset == "USDT" else fee * price
    return Fill(
        f"fill-{trade_id}",
        f"order-{trade_id}",
        cycle,
        symbol,
        side,
        price,
        quantity,
        fee,
        fee_asset,
        False,
        at,
        D("0.001"),
        D(fee_in_quote),
        trade_id,
    )


def filled(execution: Fill) -> Envelope:
    return envelope(OrderFilled(execution))


def moved(cycle: str, symbol: str, status: CycleStatus, at: Time = 0) -> Envelope:
    return envelope(TradeCycleMoved(cycle, symbol, status, "stop", at))


def locked(order_id: str, symbol: str, side: Side, amount: str) -> Envelope:
    order = Order(order_id, "c", f"id-{order_id}", symbol, side, "LIMIT", D(1), D(1), None, "NEW", 0, 0)
    return envelope(OrderChanged(order, D(amount)))
