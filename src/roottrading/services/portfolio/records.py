"""The portfolio's state as records by key, and the bookings that change them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.service import NOTHING, AccountAdjusted, Decision, Outgoing, Row
from roottrading.services.portfolio import state
from roottrading.services.portfolio.state import (
    AccountTotal,
    Books,
    EntryKind,
    ForeignFees,
    Holding,
    JournalEntry,
    Lock,
)


class Records:
    """What the portfolio knows, each kind by its key; a change is made here and leaves as a row.

    Books and holdings may change several times in a decision: their rows are what `decision` finds at its end.
    """

    def __init__(self, deployment: str, capital: Decimal) -> None:
        self.books = Books(deployment, capital, capital)
        self._entries = 0
        self.holdings: dict[str, Holding] = {}
        self.locks: dict[str, Lock] = {}
        self.foreign_fees: dict[str, ForeignFees] = {}
        self.account: dict[str, AccountTotal] = {}
        self.instruments: dict[str, Instrument] = {}  # as the exchange changed them
        self.pending: dict[int, AccountAdjusted] = {}
        self._books_changed = False
        self._holdings_changed: dict[str, None] = {}  # by symbol

    def tables(self) -> dict[str, dict[Any, Any]]:
        """Return the records of each table by the first column of its key; the books are one row."""
        return {
            state.BOOKS: {self.books.deployment: self.books},
            state.HOLDINGS: self.holdings,
            state.LOCKS: self.locks,
            state.FOREIGN_FEES: self.foreign_fees,
            state.ACCOUNT: self.account,
            state.INSTRUMENTS: self.instruments,
            state.PENDING: self.pending,
        }

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the state that the rows describe."""
        tables = self.tables()
        for row in rows:
            if row.table == state.BOOKS:
                self.books = row.values
                self._entries = self.books.entries
            else:
                tables[row.table][row.key[0]] = row.values

    def holding(self, symbol: str) -> Holding:
        """Return the symbol's holding; an empty one where there never was any."""
        return self.holdings.get(symbol) or Holding(symbol)

    def book(
        self,
        rows: list[Row],
        at: Time,
        kind: EntryKind,
        symbol: str,
        reference: str,
        quantity: Decimal,
        amount: Decimal,
        fee: Decimal = ZERO,
        fee_asset: str = "",
        profit: Decimal = ZERO,
    ) -> None:
        """Write a journal entry, before the very first one the opening capital's; `change_books` must follow."""
        number = self._entries + 1
        if number == 1:
            opening = JournalEntry(1, at, "capital", "", "opening", ZERO, self.books.capital)
            rows.append(Row(state.JOURNAL, (1,), opening))
            number = 2
        entry = JournalEntry(number, at, kind, symbol, reference, quantity, amount, fee, fee_asset, profit)
        rows.append(Row(state.JOURNAL, (number,), entry))
        self._entries = number

    def change_books(
        self,
        capital: Decimal = ZERO,
        cash: Decimal = ZERO,
        realized: Decimal = ZERO,
        charged: Decimal = ZERO,
        settled: Decimal = ZERO,
        fees: Decimal = ZERO,
        filled_at: Time = 0,
    ) -> None:
        """Add to the accounts in quote, and remember that an update is due."""
        books = self.books
        self.books = Books(
            books.deployment,
            books.capital + capital,
            books.cash + cash,
            books.realized + realized,
            books.charged + charged,
            books.settled + settled,
            books.fees + fees,
            self._entries,
            books.adjusted,
            filled_at=max(filled_at, books.filled_at),
            short=books.short,
        )
        self._books_changed = True

    def mark_changed(self) -> None:
        """Remember that an update is due."""
        if not self.books.changed:
            self.replace_books(replace(self.books, changed=True))

    def replace_books(self, books: Books) -> None:
        """Take other books whole."""
        self.books = books
        self._books_changed = True

    def pay_foreign_fee(self, rows: list[Row], fill: Fill) -> None:
        """Add a fee that the owner's coins paid."""
        known = self.foreign_fees.get(fill.fee_asset)
        fees = ForeignFees(fill.fee_asset, fill.fee + (known.amount if known else ZERO))
        self.foreign_fees[fill.fee_asset] = fees
        rows.append(Row(state.FOREIGN_FEES, (fill.fee_asset,), fees))

    def keep(self, holding: Holding) -> None:
        """Take a changed holding."""
        self.holdings[holding.symbol] = holding
        self._holdings_changed[holding.symbol] = None

    def decision(
        self,
        rows: list[Row],
        messages: tuple[Outgoing, ...] = (),
        deadlines: tuple[tuple[str, Time | None], ...] = (),
    ) -> Decision:
        """Return what an input came to: `rows`, and those of the books and holdings that it changed."""
        if self._holdings_changed:
            for symbol in self._holdings_changed:
                rows.append(Row(state.HOLDINGS, (symbol,), self.holdings[symbol]))
            self._holdings_changed = {}
        if self._books_changed:
            rows.append(Row(state.BOOKS, (self.books.deployment,), self.books))
            self._books_changed = False
        if not (rows or messages or deadlines):
            return NOTHING
        return Decision(messages, (), deadlines, tuple(rows))
