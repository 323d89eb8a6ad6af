"""Fee rates of the account in a symbol, so that an execution's rate is known whatever asset its fee was taken in."""

from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.adapters.exchange.binance.wire import Malformed, is_amount
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.money import ONE, ZERO
from roottrading.domain.order import Side

BNB: Final = "BNB"


class _Parts(Struct, frozen=True):
    maker: Decimal = ZERO
    taker: Decimal = ZERO
    buyer: Decimal = ZERO
    seller: Decimal = ZERO

    def of(self, side: Side, is_maker: bool) -> Decimal:
        return (self.maker if is_maker else self.taker) + (self.buyer if side == "BUY" else self.seller)


class _Discount(Struct, frozen=True, rename="camel"):
    enabled_for_account: bool = False
    enabled_for_symbol: bool = False
    discount_asset: str | None = BNB
    discount: Decimal = ONE

    @property
    def left(self) -> Decimal:
        """What is left of the standard commission: `discount` is documented as that (0.75), and as its rest (0.25)."""
        return max(self.discount, ONE - self.discount)


class Rates(Struct, frozen=True, rename="camel"):
    """The parts of the commission: only the standard one is cut where it is paid in BNB."""

    standard_commission: _Parts = _Parts()
    special_commission: _Parts = _Parts()
    tax_commission: _Parts = _Parts()
    discount: _Discount = _Discount()

    def rate(self, side: Side, is_maker: bool, fee_asset: str) -> Decimal:
        """Return the fraction that an execution's fee is of what was traded."""
        standard = self.standard_commission.of(side, is_maker)
        if fee_asset and fee_asset == self.discount.discount_asset:
            standard *= self.discount.left
        return standard + self.special_commission.of(side, is_maker) + self.tax_commission.of(side, is_maker)


def rates_of(fees: FeeSchedule) -> Rates:
    """Return the rates that are taken for true until the exchange has told its own."""
    return Rates(_Parts(fees.maker, fees.taker), discount=_Discount(True, True, BNB, fees.bnb_factor))


def read_rates(told: Any) -> Rates:
    """Read the answer of account/commission. Raises Malformed."""
    try:
        rates = msgspec.convert(told, Rates)
    except (msgspec.ValidationError, RecursionError, ArithmeticError) as error:
        raise Malformed(f"commission: {error}") from None
    parts = (rates.standard_commission, rates.special_commission, rates.tax_commission)
    numbers = [getattr(part, name) for part in parts for name in part.__struct_fields__]
    if not all(is_amount(number) and 0 <= number <= ONE for number in (*numbers, rates.discount.discount)):
        raise Malformed("commission: a rate is no fraction")
    return rates
