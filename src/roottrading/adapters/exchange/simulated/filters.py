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
_ALLOWED: Final = CLIENT_ORDER_ID.fullmatch


def check_tradable(book: Book) -> None:
    """Refuse every order while the symbol does not trade."""
    if book.market.status != "TRADING":
        raise Refused(INVALID, "Market is closed.")


def check_form(instrument: Instrument, spec: OrderSpec, sized: bool = True) -> None:
    """Refuse an order that lacks what its type needs, has what it must not, or is of a kind the symbol has not.

    `sized` says whether the quantity is the sender's to say (the exchange sizes an OPO's legs).
    """
    if _ALLOWED(spec.client_order_id) is None:
        raise Refused(
            ILLEGAL_CHARACTERS,
            f"Illegal characters found in parameter 'newClientOrderId'; legal range is '{CLIENT_ORDER_ID.pattern}'.",
        )
    if spec.type not in instrument.order_types:
        name = spec.type.replace("_", " ").capitalize()
        raise Refused(INVALID, f"{name} orders are not supported for this symbol.")
    if spec.self_trade_prevention not in instrument.self_trade_prevention:
        raise Refused(INVALID, "This symbol does not allow the specified self-trade prevention mode.")
    priced, stopped, timed = SHAPES[spec.type]
    if (spec.price is None) is priced or (spec.stop_price is None) is stopped or (spec.time_in_force is None) is timed:
        shape = (spec.price is not None, spec.stop_price is not None, spec.time_in_force is not None)
        raise _misshapen(shape, SHAPES[spec.type])
    if spec.quote_quantity is not None:
        _check_quote_form(spec, sized)
    elif sized and spec.quantity is None:
        raise missing("quantity")


def _misshapen(shape: tuple[bool, bool, bool], wanted: tuple[bool, bool, bool]) -> Refused:
    """Return the refusal that names what is missing or too much."""
    for name, has, wants in zip(("price", "stopPrice", "timeInForce"), shape, wanted, strict=True):
        if wants and not has:
            return missing(name)
        if has and not wants:
            return not_required(name)
    raise AssertionError("the shapes are equal")


def _check_quote_form(spec: OrderSpec, sized: bool) -> None:
    """Refuse a quote amount where only a quantity will do."""
    if spec.type != "MARKET" or not sized:
        raise not_required("quoteOrderQty")
    if spec.quantity is not None:
        raise not_required("quantity")
    if spec.quote_quantity is None or spec.quote_quantity <= 0:
        raise Refused(BAD_VALUE, "Data sent for parameter 'quoteOrderQty' is not valid.")


def check_prices(book: Book, spec: OrderSpec) -> None:
    """Refuse prices off PRICE_FILTER, and a limit off PERCENT_PRICE_BY_SIDE (the average price is the last one)."""
    lowest, tick, highest = book.lowest_price, book.tick, book.highest_price
    price = spec.stop_price
    if price is not None and (price < lowest or price % tick or price > highest):
        raise _precise(price, "stopPrice") or filter_failure("PRICE_FILTER")
    price = spec.price
    if price is None:
        return
    if price < lowest or price % tick or price > highest:
        raise _precise(price, "price") or filter_failure("PRICE_FILTER")
    percent, last = book.instrument.percent_price, book.market.last
    if percent is not None and last is not None:
        if spec.side == "BUY":
            if not last * percent.bid_down <= price <= last * percent.bid_up:
                raise filter_failure("PERCENT_PRICE_BY_SIDE")
        elif not last * percent.ask_down <= price <= last * percent.ask_up:
            raise filter_failure("PERCENT_PRICE_BY_SIDE")


def check_size(book: Book, spec: Asked, quantity: Decimal) -> None:
    """Refuse a quantity off the lot filters, and a notional off NOTIONAL (of a market stop: at its stop price)."""
    check_lots(book, spec.type, quantity)
    price = spec.price or spec.stop_price or book.market.last
    if price is not None:
        notional, instrument = price * quantity, book.instrument
        if notional < instrument.min_notional or instrument.max_notional:
            check_notional(instrument, notional, spec.type == "MARKET")


def check_lots(book: Book, kind: OrderType, quantity: Decimal) -> None:
    """Refuse a quantity off LOT_SIZE, of a market order off MARKET_LOT_SIZE too."""
    if quantity < book.least_quantity or quantity > book.most_quantity or quantity % book.step:
        raise _precise(quantity, "quantity") or filter_failure("LOT_SIZE")
    if kind == "MARKET":
        instrument = book.instrument
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
    if book.room is None or len(book.orders) + len(specs) <= book.room:
        return  # not even all accounts together reach a bound
    orders, algos = book.instrument.max_orders, book.instrument.max_algo_orders
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
