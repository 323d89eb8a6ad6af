"""The door: what an order must look like, and the symbol's filters (in Binance's codes and words)."""

from decimal import Decimal
from typing import Final

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.refusals import (
    BAD_VALUE,
    ILLEGAL_CHARACTERS,
    INVALID,
    PRECISION,
    Refused,
    filter_failure,
    missing,
    not_required,
)
from roottrading.adapters.exchange.simulated.state import TRIGGERED_TYPES, Asked
from roottrading.domain.ids import CLIENT_ORDER_ID
from roottrading.domain.instrument import Instrument
from roottrading.domain.order import OrderType
from roottrading.messages.exchange import OrderSpec

# whether an order type has a price, a stop price, a time in force
SHAPES: Final[dict[OrderType, tuple[bool, bool, bool]]] = {
    "MARKET": (False, False, False),
    "LIMIT": (True, False, True),
    "LIMIT_MAKER": (True, False, False),
    "STOP_LOSS": (False, True, False),
    "TAKE_PROFIT": (False, True, False),
    "STOP_LOSS_LIMIT": (True, True, True),
    "TAKE_PROFIT_LIMIT": (True, True, True),
}
MOST_DIGITS: Final = -8


def check_tradable(book: Book) -> None:
    """Refuse every order while the symbol does not trade."""
    if book.market.status != "TRADING":
        raise Refused(INVALID, "Market is closed.")


def check_form(instrument: Instrument, spec: OrderSpec, sized: bool = True) -> None:
    """Refuse an order that lacks what its type needs, has what it must not, or is of a kind the symbol has not.

    `sized` says whether the quantity is the sender's to say (the exchange sizes an OPO's legs).
    """
    if CLIENT_ORDER_ID.fullmatch(spec.client_order_id) is None:
        raise Refused(
            ILLEGAL_CHARACTERS,
            f"Illegal characters found in parameter 'newClientOrderId'; legal range is '{CLIENT_ORDER_ID.pattern}'.",
        )
    if spec.type not in instrument.order_types:
        name = spec.type.replace("_", " ").capitalize()
        raise Refused(INVALID, f"{name} orders are not supported for this symbol.")
    if spec.self_trade_prevention not in instrument.self_trade_prevention:
        raise Refused(INVALID, "This symbol does not allow the specified self-trade prevention mode.")
    priced, stopped, forced = SHAPES[spec.type]
    if (spec.price is None) is priced:
        raise missing("price") if priced else not_required("price")
    if (spec.stop_price is None) is stopped:
        raise missing("stopPrice") if stopped else not_required("stopPrice")
    if (spec.time_in_force is None) is forced:
        raise missing("timeInForce") if forced else not_required("timeInForce")
    if spec.quote_quantity is not None:
        if spec.type != "MARKET" or not sized:
            raise not_required("quoteOrderQty")
        if spec.quantity is not None:
            raise not_required("quantity")
        if spec.quote_quantity <= 0:
            raise Refused(BAD_VALUE, "Data sent for parameter 'quoteOrderQty' is not valid.")
    elif sized and spec.quantity is None:
        raise missing("quantity")


def check_prices(book: Book, spec: OrderSpec) -> None:
    """Refuse prices off PRICE_FILTER, and a limit off PERCENT_PRICE_BY_SIDE (the average price is the last one)."""
    instrument = book.instrument
    price = spec.price
    for name, value in (("price", price), ("stopPrice", spec.stop_price)):
        if value is None:
            continue
        low, high = instrument.min_price, instrument.max_price
        if value <= 0 or value % book.tick or value < low or (high and value > high):
            raise _precise(value, name) or filter_failure("PRICE_FILTER")
    percent, last = instrument.percent_price, book.market.last
    if price is not None and percent is not None and last is not None:
        buys = spec.side == "BUY"
        up, down = (percent.bid_up, percent.bid_down) if buys else (percent.ask_up, percent.ask_down)
        if not last * down <= price <= last * up:
            raise filter_failure("PERCENT_PRICE_BY_SIDE")


def check_size(book: Book, spec: Asked, quantity: Decimal) -> None:
    """Refuse a quantity off the lot filters, and a notional off NOTIONAL (of a market stop: at its stop price)."""
    check_lots(book, spec.type, quantity)
    price = spec.price or spec.stop_price or book.market.last
    if price is not None:
        check_notional(book.instrument, price * quantity, spec.type == "MARKET")


def check_lots(book: Book, kind: OrderType, quantity: Decimal) -> None:
    """Refuse a quantity off LOT_SIZE, of a market order off MARKET_LOT_SIZE too."""
    instrument = book.instrument
    most = instrument.max_quantity
    if quantity <= 0 or quantity < instrument.min_quantity or (most and quantity > most) or quantity % book.step:
        raise _precise(quantity, "quantity") or filter_failure("LOT_SIZE")
    if kind == "MARKET":
        step, most = instrument.market_step_size, instrument.market_max_quantity
        if quantity < instrument.market_min_quantity or (most and quantity > most) or (step and quantity % step):
            raise filter_failure("MARKET_LOT_SIZE")


def check_notional(instrument: Instrument, notional: Decimal, market: bool) -> None:
    """Refuse a notional off NOTIONAL (MIN_NOTIONAL in older recordings)."""
    least, most = instrument.min_notional, instrument.max_notional
    if notional < least and (not market or instrument.min_notional_at_market):
        raise filter_failure("NOTIONAL")
    if most and notional > most and (not market or instrument.max_notional_at_market):
        raise filter_failure("NOTIONAL")


def check_counts(book: Book, account: str, specs: tuple[OrderSpec, ...]) -> None:
    """Refuse what would bring the account above MAX_NUM_ORDERS or MAX_NUM_ALGO_ORDERS; pending legs count."""
    instrument = book.instrument
    orders, algos = instrument.max_orders, instrument.max_algo_orders
    if orders is None and algos is None:
        return
    if len(book.orders) + len(specs) <= min(orders or len(specs), algos or len(specs)):
        return  # not even all accounts together reach a bound
    types: list[OrderType] = [order.type for order in book.of_account(account)]
    types += [spec.type for spec in specs]
    if orders is not None and len(types) > orders:
        raise filter_failure("MAX_NUM_ORDERS")
    if algos is not None and sum(kind in TRIGGERED_TYPES for kind in types) > algos:
        raise filter_failure("MAX_NUM_ALGO_ORDERS")


def _precise(value: Decimal, name: str) -> Refused | None:
    """Return the refusal of a number with more digits than any asset has, else None."""
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < MOST_DIGITS:
        return Refused(PRECISION, f"Parameter '{name}' has too much precision.")
    return None
