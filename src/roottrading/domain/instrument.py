"""Instruments: the tradable pairs, and the exchange's rules for orders in them."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.money import ZERO, floor_to


class PercentPrice(Struct, frozen=True):
    """Bounds of an order's price as multiples of the average price, by side (PERCENT_PRICE_BY_SIDE)."""

    bid_up: Decimal
    bid_down: Decimal
    ask_up: Decimal
    ask_down: Decimal


class Instrument(Struct, frozen=True):
    """A pair with its filters; a bound of 0 (or None) means that the exchange set none."""

    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    min_price: Decimal = ZERO
    max_price: Decimal = ZERO
    market_step_size: Decimal = ZERO
    market_min_quantity: Decimal = ZERO
    market_max_quantity: Decimal = ZERO
    max_notional: Decimal = ZERO
    min_notional_at_market: bool = True
    max_notional_at_market: bool = False
    percent_price: PercentPrice | None = None
    max_orders: int | None = None
    max_algo_orders: int | None = None
    base_fee_digits: int = 8
    quote_fee_digits: int = 8
    status: str = "TRADING"
    order_types: frozenset[str] = frozenset(
        {"LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"}
    )
    oco_allowed: bool = True
    oto_allowed: bool = True
    opo_allowed: bool = True
    cancel_replace_allowed: bool = True
    self_trade_prevention: frozenset[str] = frozenset({"EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"})

    def sellable(self, quantity: Decimal, price: Decimal) -> bool:
        """Say whether a market sell of the whole steps of `quantity` near `price` passes the filters."""
        whole = floor_to(quantity, self.step_size)
        if self.market_step_size:
            whole = floor_to(whole, self.market_step_size)
        if whole <= 0 or whole < self.min_quantity or whole < self.market_min_quantity:
            return False
        return not self.min_notional_at_market or whole * price >= self.min_notional
