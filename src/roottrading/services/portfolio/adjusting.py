"""The owner's hand: capital put in or taken out, and coins adopted (trading-rules 7.1)."""

from collections.abc import Mapping

from msgspec.structs import replace

from roottrading.domain.ids import cycle_id
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.messages.events import TradeCycleMoved
from roottrading.messages.service import AccountAdjusted, Row
from roottrading.services.portfolio import booking, state
from roottrading.services.portfolio.records import Records
from roottrading.services.portfolio.trading import lend_dust


def take_capital(records: Records, rows: list[Row], adjusted: AccountAdjusted) -> None:
    """Book capital that is in force: `amount` is quote, below 0 removes it."""
    rows.append(Row(state.ADJUSTMENTS, (adjusted.number,), adjusted))
    reference, at, amount = str(adjusted.number), adjusted.effective_at, adjusted.amount
    records.book(rows, at, "capital", "", reference, ZERO, amount)
    records.change_books(capital=amount, cash=amount)


def check_adoption(adjusted: AccountAdjusted, instruments: Mapping[str, Instrument]) -> None:
    """Raise BooksError where adopted coins have no price or are of an unknown symbol."""
    if adjusted.symbol not in instruments:
        raise booking.BooksError(
            f"adjustment {adjusted.number} adopts {adjusted.symbol}, which is not among the configured symbols"
        )
    if adjusted.price is None:
        raise booking.BooksError(
            f"adjustment {adjusted.number} adopts {adjusted.symbol} without a price: name what it shall have cost"
        )


def take_adoption(records: Records, rows: list[Row], moved: TradeCycleMoved) -> None:
    """Book coins when the cycle that adopts them opens: until then they are the owner's, whatever the symbol does."""
    adjusted = _adopted_by(records, moved.cycle_id) if records.pending else None
    if adjusted is None or adjusted.price is None:
        return
    del records.pending[adjusted.number]
    rows.append(Row(state.PENDING, (adjusted.number,), None))
    adjusted = replace(adjusted, effective_at=moved.at)
    rows.append(Row(state.ADJUSTMENTS, (adjusted.number,), adjusted))
    reference, amount, price = str(adjusted.number), adjusted.amount, adjusted.price or ZERO
    holding = records.holding(moved.symbol)
    lend_dust(records, rows, holding, reference, moved.at)
    cost = amount * price
    records.book(rows, moved.at, "adopted", moved.symbol, reference, amount, cost)
    records.keep(booking.after_adoption(booking.opened(holding, moved.cycle_id), amount, price))
    records.change_books(capital=cost)


def _adopted_by(records: Records, cycle: str) -> AccountAdjusted | None:
    deployment = records.books.deployment
    for number in sorted(records.pending):
        adjusted = records.pending[number]
        if adjusted.kind == "adopt" and cycle_id(deployment, f"adopt/{number}") == cycle:
            return adjusted
    return None
