"""Fills and cycles into the books: opening, executions, and what is left when a cycle ends."""

from msgspec.structs import replace

from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.events import TradeCycleMoved
from roottrading.messages.service import Row
from roottrading.services.portfolio import booking
from roottrading.services.portfolio.records import Records
from roottrading.services.portfolio.state import Holding


def take_fill(records: Records, rows: list[Row], fill: Fill, instrument: Instrument) -> None:
    """Book one execution: what moved between market, cash and position, and who paid its fee."""
    before = records.holding(fill.symbol)
    if before.cycle_id != fill.cycle_id:
        before = _begin(records, rows, before, fill)
    after = booking.after_fill(before, fill, instrument.base_asset)
    notional = fill.price * fill.quantity
    buys = fill.side == "BUY"
    records.book(
        rows,
        fill.filled_at,
        "bought" if buys else "sold",
        fill.symbol,
        fill.id,
        fill.quantity,
        notional,
        fill.fee,
        fill.fee_asset,
    )
    charged = fill.fee if fill.fee_asset == instrument.quote_asset else ZERO
    if fill.fee_asset not in (instrument.base_asset, instrument.quote_asset):
        records.pay_foreign_fee(rows, fill)
    if after.manual and booking.is_flat(after, instrument):
        after = _close(records, rows, after, fill.filled_at)
    records.keep(after)
    records.change_books(
        cash=-notional - charged if buys else notional - charged,
        charged=charged,
        fees=fill.fee_in_quote,
        filled_at=fill.filled_at,
    )


def take_move(records: Records, rows: list[Row], moved: TradeCycleMoved, instrument: Instrument) -> None:
    """Book a cycle's end: it closed, or people closed it (manual) and nothing sellable is left."""
    before = records.holding(moved.symbol)
    if before.cycle_id != moved.cycle_id:
        return
    manual = moved.status == "manual"
    after = before if before.manual == manual else replace(before, manual=manual)
    if moved.status == "closed" or booking.is_flat(after, instrument):
        after = _close(records, rows, after, moved.at)
    elif after is before:
        return
    records.keep(after)


def _begin(records: Records, rows: list[Row], holding: Holding, fill: Fill) -> Holding:
    if holding.cycle_id or fill.side == "SELL":
        raise booking.BooksError(
            f"fill {fill.id} {fill.side} {fill.symbol} is of cycle {fill.cycle_id}, but the open cycle in the books "
            f"is {holding.cycle_id or 'none'}: one at a time, and none begins with a sale"
        )
    lend_dust(records, rows, holding, fill.cycle_id, fill.filled_at)
    return booking.opened(holding, fill.cycle_id)


def lend_dust(records: Records, rows: list[Row], holding: Holding, reference: str, at: Time) -> None:
    """Book that a new cycle takes over the symbol's dust with its cost (trading-rules 2.6)."""
    if holding.dust_quantity or holding.dust_cost:
        records.book(rows, at, "lent", holding.symbol, reference, holding.dust_quantity, holding.dust_cost)


def _close(records: Records, rows: list[Row], holding: Holding, at: Time) -> Holding:
    after, left, profit = booking.closed(holding)
    records.book(rows, at, "closed", holding.symbol, holding.cycle_id, left.quantity, left.cost, ZERO, "", profit)
    records.change_books(realized=profit, settled=holding.other_fees)
    return after
