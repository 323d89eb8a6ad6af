"""The portfolio service: fills become balances, positions and profit, every booking twice (trading-rules 5.7, 7.1)."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from roottrading.domain.balance import Balance
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.channels import PORTFOLIO_UPDATES
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import OrderChanged, OrderFilled, TradeCycleMoved, TradeProgressed
from roottrading.messages.exchange import AccountChanged, InstrumentChanged
from roottrading.messages.service import (
    NOTHING,
    AccountAdjusted,
    DeadlineDue,
    Decision,
    Input,
    InstantComplete,
    Outgoing,
    Row,
)
from roottrading.services.portfolio import state, valuation
from roottrading.services.portfolio.adjusting import check_adoption, take_adoption, take_capital
from roottrading.services.portfolio.booking import BooksError
from roottrading.services.portfolio.discrepancies import check_against, is_certain
from roottrading.services.portfolio.journal import Accounts
from roottrading.services.portfolio.records import Records
from roottrading.services.portfolio.state import AccountTotal, Lock
from roottrading.services.portfolio.trading import take_fill, take_move

KEY = "account"  # portfolio.updates is one stream
_DEADLINE = "adjustment"


class Portfolio:
    """Keeps the bot's own share of the account: `capital` of the quote asset, and what its own fills made of it.

    It says `PortfolioUpdated` at an `InstantComplete` when something changed since the last. Raises BooksError where a
    fact contradicts the books (a fill of an unknown symbol, a sale of more than is owned).
    """

    def __init__(
        self, deployment: str, quote_asset: str, capital: Decimal, instruments: Mapping[str, Instrument]
    ) -> None:
        self._quote_asset = quote_asset
        self._instruments = dict(instruments)
        self._records = Records(deployment, capital)
        self._handlers: dict[type, Callable[[Any, Time], Decision]] = {
            Envelope: self._on_event,
            InstantComplete: self._on_instant,
            AccountChanged: self._on_account,
            InstrumentChanged: self._on_instrument,
            AccountAdjusted: self._on_adjustment,
            DeadlineDue: self._on_deadline,
        }
        self._takes: dict[type, Callable[[Any, list[Row]], None]] = {
            OrderChanged: self._on_order,
            OrderFilled: self._on_fill,
            TradeCycleMoved: self._on_moved,
        }

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the state that the rows describe."""
        self._records.restore(rows)
        self._instruments.update(self._records.instruments)

    def decide(self, given: Input, now: Time) -> Decision:
        """Fold one input; what is none of the books' business changes nothing."""
        handler = self._handlers.get(type(given))
        return NOTHING if handler is None else handler(given, now)

    def state(self) -> dict[str, dict[Any, Any]]:
        """Return the records of each state table, for comparison."""
        return {table: dict(records) for table, records in self._records.tables().items()}

    def balances(self) -> tuple[Balance, ...]:
        """Return the bot's own share of the account, free and locked, dust included."""
        records = self._records
        return valuation.balances_of(
            records.books, records.holdings.values(), records.locks.values(), self._instruments, self._quote_asset
        )

    def accounts(self) -> Accounts:
        """Return every account's balance from the state alone; it equals what the journal's postings sum to."""
        records = self._records
        return valuation.accounts_in(
            records.books,
            records.holdings.values(),
            records.foreign_fees.values(),
            self._instruments,
            self._quote_asset,
        )

    def _on_event(self, envelope: Envelope, now: Time) -> Decision:
        body, takes = envelope.body, self._takes
        rows: list[Row] = []
        for fact in body.facts if type(body) is TradeProgressed else (body,):
            take = takes.get(type(fact))
            if take is not None:
                take(fact, rows)
        return self._records.decision(rows)

    def _on_fill(self, filled: OrderFilled, rows: list[Row]) -> None:
        fill = filled.fill
        take_fill(self._records, rows, fill, self._instrument(fill.symbol, "fill", fill.id))

    def _on_moved(self, moved: TradeCycleMoved, rows: list[Row]) -> None:
        if moved.status == "open":
            take_adoption(self._records, rows, moved)
        elif moved.status in ("closed", "manual"):
            take_move(self._records, rows, moved, self._instrument(moved.symbol, "cycle", moved.cycle_id))

    def _on_order(self, changed: OrderChanged, rows: list[Row]) -> None:
        order, amount, locks = changed.order, changed.locked, self._records.locks
        known = locks.get(order.id)
        if amount == (ZERO if known is None else known.amount):
            return
        if amount:
            instrument = self._instrument(order.symbol, "order", order.client_order_id)
            asset = instrument.quote_asset if order.side == "BUY" else instrument.base_asset
            lock = locks[order.id] = Lock(order.id, asset, amount)
            rows.append(Row(state.LOCKS, (order.id,), lock))
        else:
            del locks[order.id]
            rows.append(Row(state.LOCKS, (order.id,), None))
        self._records.mark_changed()

    def _on_instant(self, complete: InstantComplete, now: Time) -> Decision:
        records = self._records
        if not records.books.changed:
            return NOTHING
        balances = self.balances()
        positions = valuation.value_positions(records.holdings.values(), complete.closes)
        short = check_against(balances, records.account) if records.account else ()
        told = [each for each in short if is_certain(each.asset, records.books, records.account, complete.at)]
        records.replace_books(
            replace(records.books, changed=len(told) < len(short), short=tuple(each.asset for each in short))
        )
        update = valuation.portfolio_at(complete.at, records.books, balances, positions, tuple(map(str, told)))
        return records.decision([], (Outgoing(PORTFOLIO_UPDATES, KEY, update),))

    def _on_account(self, changed: AccountChanged, now: Time) -> Decision:
        rows: list[Row] = []
        account = self._records.account
        for balance in changed.balances:
            asset, total = balance.asset, balance.free + balance.locked
            known = account.get(asset)
            if known is None or known.total != total:
                kept = account[asset] = AccountTotal(asset, total, now)
                rows.append(Row(state.ACCOUNT, (asset,), kept))
        if not rows:
            return NOTHING
        self._records.mark_changed()
        return self._records.decision(rows)

    def _on_instrument(self, changed: InstrumentChanged, now: Time) -> Decision:
        """Go by filters that changed: they say what of a cycle that people sell is left as dust."""
        told = changed.instrument
        if told is None or self._instruments.get(told.symbol) in (None, told):
            return NOTHING
        self._instruments[told.symbol] = self._records.instruments[told.symbol] = told
        return self._records.decision([Row(state.INSTRUMENTS, (told.symbol,), told)])

    def _on_adjustment(self, adjusted: AccountAdjusted, now: Time) -> Decision:
        records = self._records
        if adjusted.number <= records.books.adjusted:
            return NOTHING
        if adjusted.kind == "adopt":
            check_adoption(adjusted, self._instruments)
        rows: list[Row] = []
        records.replace_books(replace(records.books, adjusted=adjusted.number))
        if adjusted.kind == "capital" and adjusted.effective_at <= now:
            take_capital(records, rows, adjusted)
            return records.decision(rows)
        records.pending[adjusted.number] = adjusted
        rows.append(Row(state.PENDING, (adjusted.number,), adjusted))
        if adjusted.kind == "adopt":
            return records.decision(rows)
        return records.decision(rows, (), ((f"{_DEADLINE}/{adjusted.number}", adjusted.effective_at),))

    def _on_deadline(self, due: DeadlineDue, now: Time) -> Decision:
        name, _, number = due.key.partition("/")
        adjusted = self._records.pending.pop(int(number), None) if name == _DEADLINE else None
        if adjusted is None:
            return NOTHING
        rows = [Row(state.PENDING, (adjusted.number,), None)]
        take_capital(self._records, rows, adjusted)
        return self._records.decision(rows)

    def _instrument(self, symbol: str, what: str, name: str) -> Instrument:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise BooksError(f"{what} {name} is in {symbol}, which is not among the configured symbols")
        return instrument
