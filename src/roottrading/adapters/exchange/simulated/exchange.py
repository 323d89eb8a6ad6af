"""The simulated exchange: one matching core as a pure fold of requests and candles. Same inputs, same ids."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from roottrading.adapters.exchange.simulated import house
from roottrading.adapters.exchange.simulated.amending import rename_order
from roottrading.adapters.exchange.simulated.book import Book, Bounds
from roottrading.adapters.exchange.simulated.ladder import Ladder
from roottrading.adapters.exchange.simulated.list_checks import check_list
from roottrading.adapters.exchange.simulated.market_moves import (
    close_candle,
    follow,
    go_to,
    meet_ladder,
    pass_print,
    stand_on_open,
)
from roottrading.adapters.exchange.simulated.placing import check_order
from roottrading.adapters.exchange.simulated.requests import carry_out
from roottrading.adapters.exchange.simulated.rows import all_rows, changed_rows, restore
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.exchange.simulated.venue import Changes, Venue
from roottrading.domain.balance import Balance
from roottrading.domain.candle import Candle
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import ExchangeEvent, PlaceOrder, PlaceOrderList, Request
from roottrading.messages.service import Row


class SimulatedExchange:
    """An exchange of several accounts, matched against the tape's finest candles (trading-rules 5).

    Every call returns the events of one account, `account` or the exchange's own; what it caused for other accounts
    waits for `take_events` (mail is not part of the state: fetch it before the next commit). The caller moves the
    tape: `candle_opens` at a candle's open before any request of that instant, `candle_closed` at its close.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        fees: FeeSchedule,
        settings: FillModel,
        balances: Mapping[str, Decimal],
        account: str = "main",
        keeps_rows: bool = True,
    ) -> None:
        """Open the exchange; `keeps_rows` False where nobody asks for `changed_rows`."""
        self._account = account
        self._venue = Venue(instruments, fees, settings, Changes() if keeps_rows else None)
        for asset, amount in balances.items():
            self.deposit(asset, amount, 0)
        self._venue.mail.clear()

    # ---- requests

    def execute(self, request: Request, now: Time, account: str | None = None) -> Sequence[ExchangeEvent]:
        """Carry out one request of an account; a refusal is an event too."""
        who = account or self._account
        carry_out(self._venue, request, now, who)
        return self._finish(who, now)

    def check(self, request: PlaceOrder | PlaceOrderList, account: str | None = None) -> None:
        """Raise Refused where the order or list would not get through the door: form and filters, not funds or prices.

        Raises ValueError for a symbol that the exchange has not.
        """
        book, who = self._book(request.symbol), account or self._account
        if isinstance(request, PlaceOrder):
            check_order(book, who, request.order)
        else:
            check_list(book, who, request.kind, request.orders)

    def rename(self, symbol: str, order_id: int, client_order_id: str) -> None:
        """Give an open order another client order id: who amends one may (Binance's newClientOrderId)."""
        book = self._book(symbol)
        rename_order(self._venue, book, book.orders[order_id], client_order_id)

    # ---- the tape; each raises ValueError for a symbol that the exchange has not

    def candle_opens(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Stand on a candle's open: MARKET orders that waited meet it (trading-rules 5.1).

        Standing on the same open again changes nothing.
        """
        met = stand_on_open(self._venue, self._moving(candle.symbol), candle, now)
        return self._finish(self._account, now) if met else ()

    def candle_closed(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Match what rested along the candle's path, at its close (trading-rules 5.2 to 5.5).

        Afterwards the tape stands on no open.
        """
        met = close_candle(self._venue, self._moving(candle.symbol), candle, now)
        return self._finish(self._account, now) if met else ()

    def price_moved(self, symbol: str, price: Decimal, volume: Decimal | None, now: Time) -> Sequence[ExchangeEvent]:
        """Go straight from the last price to `price`, and stay there: what comes before the next move meets it.

        For markets that move in points instead of candles. What rests in between is met on the way. Of `volume` the
        fill model's share is there for fills from now on (0: none); None leaves what is left.
        """
        met = go_to(self._venue, self._moving(symbol), price, volume, now)
        return self._finish(self._account, now) if met else ()

    def supply(self, symbol: str, ladder: Ladder, last: Decimal | None) -> None:
        """Match a symbol's orders against a ladder from now on; `last` is the last price known."""
        follow(self._moving(symbol), ladder, last)

    def book_moved(self, symbol: str, now: Time) -> Sequence[ExchangeEvent]:
        """Let the symbol's resting orders meet its ladder, which has changed."""
        met = meet_ladder(self._venue, self._book(symbol), now)
        return self._finish(self._account, now) if met else ()

    def printed(self, symbol: str, price: Decimal, quantity: Decimal, now: Time) -> Sequence[ExchangeEvent]:
        """Let a print of others go by in a symbol with a ladder: it is the last price, and stops go by it."""
        met = pass_print(self._venue, self._moving(symbol), price, quantity, now)
        return self._finish(self._account, now) if met else ()

    def bounds(self, symbol: str) -> Bounds:
        """Return (below, above): a candle with low > below and high < above can do nothing to any resting order."""
        return self._book(symbol).bounds()

    def waits_for_open(self, symbol: str) -> bool:
        """Say whether an order waits for the symbol's next open."""
        return bool(self._book(symbol).waiting)

    # ---- the house

    def set_status(self, symbol: str, status: str, now: Time) -> Sequence[ExchangeEvent]:
        """Set a symbol's trading status, and tell every account; nothing is matched unless it is TRADING.

        Raises ValueError for a status that Binance has not.
        """
        house.set_status(self._venue, self._moving(symbol), status, now, self._account)
        return self._finish(self._account, now)

    def change_filters(self, instrument: Instrument, now: Time) -> Sequence[ExchangeEvent]:
        """Judge a symbol's orders by these filters from now on, and tell every account; those in the book stay.

        Raises ValueError for a symbol that the exchange has not.
        """
        house.change_filters(self._venue, self._book(instrument.symbol), instrument, now, self._account)
        return self._finish(self._account, now)

    def deposit(self, asset: str, amount: Decimal, now: Time, account: str | None = None) -> Sequence[ExchangeEvent]:
        """Bring an amount into an account's free balance; a negative one takes it out.

        Raises ValueError where less than that is free.
        """
        who = account or self._account
        house.deposit(self._venue, who, asset, amount)
        return self._finish(who, now)

    def balances(self, account: str | None = None) -> dict[str, Balance]:
        """Return the account's balances by asset."""
        return self._venue.balances(account or self._account)

    def take_events(self) -> dict[str, list[ExchangeEvent]]:
        """Hand over the events that earlier calls caused for other accounts, by account."""
        mail = {account: events for account, events in self._venue.mail.items() if events}
        self._venue.mail.clear()
        return mail

    @property
    def parts(self) -> Venue:
        """The books and wallets themselves, for who shows them: to be read only."""
        return self._venue

    # ---- rows

    def rows(self) -> tuple[Row, ...]:
        """Return the whole state as rows."""
        return all_rows(self._venue)

    def changed_rows(self) -> tuple[Row, ...]:
        """Return what changed since the last call as rows; None as values deletes."""
        changes = self._venue.changes
        if changes is None:
            raise RuntimeError("this exchange keeps no rows: make it with keeps_rows=True")
        rows = changed_rows(self._venue, changes)
        self._venue.changes = Changes()
        return rows

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the state that the rows describe; called once, on a fresh exchange, before anything else."""
        restore(self._venue, rows)
        if self._venue.changes is not None:
            self._venue.changes = Changes()

    def state(self) -> Mapping[tuple[str, tuple[Any, ...]], Any]:
        """Return the state by table and key, for comparison."""
        return {(row.table, row.key): row.values for row in self.rows()}

    # ---- inside

    def _book(self, symbol: str) -> Book:
        book = self._venue.books.get(symbol)
        if book is None:
            known = ", ".join(self._venue.books)
            raise ValueError(f"the exchange does not list {symbol!r}: it was given {known}")
        return book

    def _moving(self, symbol: str) -> Book:
        """Return the symbol's book, whose market is about to change."""
        venue = self._venue
        book = venue.books.get(symbol)
        if book is None:
            return self._book(symbol)  # which says what is wrong
        if venue.changes is not None:
            venue.changes.markets.add(symbol)
        return book

    def _finish(self, account: str, now: Time) -> Sequence[ExchangeEvent]:
        """Close a call: balances that changed are told, and the account's mail is handed over."""
        venue = self._venue
        if venue.touched:
            venue.tell_balances(now)
        return venue.mail.pop(account, ())
