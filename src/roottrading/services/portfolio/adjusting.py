"""The owner's hand: capital put in or taken out, and coins adopted (trading-rules 7.1)."""

from collections.abc import Mapping

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.messages.service import AccountAdjusted, Row
from roottrading.services.portfolio import booking, state
from roottrading.services.portfolio.records import Records
from roottrading.services.portfolio.trading import lend_dust


def take_adjustment(
    records: Records, rows: list[Row], adjusted: AccountAdjusted, instruments: Mapping[str, Instrument]
) -> None:
    """Book an adjustment that is in force: `amount` is quote (capital, below 0 removes it) or base (adopt).

    Raises BooksError where adopted coins have no price or are of an unknown symbol.
    """
    rows.append(Row(state.ADJUSTMENTS, (adjusted.number,), adjusted))
    reference, at, amount = str(adjusted.number), adjusted.effective_at, adjusted.amount
    if adjusted.kind == "capital":
        records.book(rows, at, "capital", "", reference, ZERO, amount)
        records.change_books(rows, capital=amount, cash=amount)
    else:
        if adjusted.symbol not in instruments:
            raise booking.BooksError(
                f"adjustment {adjusted.number} adopts {adjusted.symbol}, which is not among the configured symbols"
            )
        if adjusted.price is None:
            raise booking.BooksError(
                f"adjustment {adjusted.number} adopts {adjusted.symbol} without a price: name what it shall have cost"
            )
        holding = records.holding(adjusted.symbol)
        if not holding.cycle_id:
            lend_dust(records, rows, holding, reference, at)
        cost = amount * adjusted.price
        records.book(rows, at, "adopted", adjusted.symbol, reference, amount, cost)
        records.keep(rows, booking.after_adoption(holding, amount, adjusted.price))
        records.change_books(rows, capital=cost)
