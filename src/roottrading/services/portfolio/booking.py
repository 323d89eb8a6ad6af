"""How a holding changes: by a fill, by its cycle's end, by adopted coins. Pure functions over the records."""

from decimal import Decimal

from msgspec.structs import replace

from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, plain
from roottrading.domain.trade_cycle import Dust, cycle_pnl, dust_left
from roottrading.services.portfolio.state import Holding


class BooksError(Exception):
    """A fact that the books cannot hold: the message says which, and what they hold instead."""


def opened(holding: Holding, cycle_id: str) -> Holding:
    """Return the holding with a new open cycle, which takes over the symbol's dust with its cost."""
    return Holding(
        symbol=holding.symbol,
        cycle_id=cycle_id,
        lent_quantity=holding.dust_quantity,
        lent_cost=holding.dust_cost,
        price=holding.price,
        from_market=holding.from_market,
        from_owner=holding.from_owner,
        all_base_fees=holding.all_base_fees,
    )


def after_fill(holding: Holding, fill: Fill, base_asset: str) -> Holding:
    """Return the holding after one execution of its open cycle.

    Raises BooksError where the fill sells what the bot does not own.
    """
    in_base = fill.fee_asset == base_asset
    base_fee = fill.fee if in_base else ZERO
    other_fee = ZERO if in_base else fill.fee_in_quote
    buys = fill.side == "BUY"
    bought = fill.quantity if buys else ZERO
    sold = ZERO if buys else fill.quantity
    notional = fill.price * fill.quantity
    after = Holding(
        holding.symbol,
        holding.cycle_id,
        holding.manual,
        holding.bought + bought,
        holding.sold + sold,
        holding.base_fees + base_fee,
        holding.paid + notional if buys else holding.paid,
        holding.received if buys else holding.received + notional,
        holding.other_fees + other_fee,
        holding.lent_quantity,
        holding.lent_cost,
        holding.dust_quantity,
        holding.dust_cost,
        fill.price,
        holding.from_market + bought - sold,
        holding.from_owner,
        holding.all_base_fees + base_fee,
    )
    if after.quantity < 0:
        raise BooksError(
            f"fill {fill.id} of cycle {fill.cycle_id} sells {plain(fill.quantity)} {base_asset}, "
            f"but the books hold {plain(holding.quantity)}: compare them with the exchange's myTrades"
        )
    return after


def after_adoption(holding: Holding, quantity: Decimal, price: Decimal) -> Holding:
    """Return the open cycle's holding with coins of the owner's in it, at the price that he named."""
    return replace(
        holding,
        bought=holding.bought + quantity,
        paid=holding.paid + quantity * price,
        from_owner=holding.from_owner + quantity,
        price=holding.price or price,
    )


def closed(holding: Holding) -> tuple[Holding, Dust, Decimal]:
    """Return the holding after its cycle ended, the dust it leaves, and its profit before charged fees."""
    left = dust_left(holding.paid, holding.bought - holding.base_fees, holding.sold, holding.lent)
    profit = cycle_pnl(holding.received, holding.paid, ZERO, holding.lent, left)
    after = Holding(
        symbol=holding.symbol,
        dust_quantity=left.quantity,
        dust_cost=left.cost,
        price=holding.price,
        from_market=holding.from_market,
        from_owner=holding.from_owner,
        all_base_fees=holding.all_base_fees,
    )
    return after, left, profit


def is_flat(holding: Holding, instrument: Instrument) -> bool:
    """Say whether a cycle that people sold by hand is over: something was sold, and the filters refuse the rest."""
    return holding.sold > 0 and not instrument.sellable(holding.quantity, holding.price)
