"""The simulated exchange: one matching core as a pure fold of requests and candles. Same inputs, same ids."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from roottrading.adapters.exchange.simulated.amending import amend_order
from roottrading.adapters.exchange.simulated.arrivals import meet_open
from roottrading.adapters.exchange.simulated.book import Book, Bounds
from roottrading.adapters.exchange.simulated.cancels import cancel_order, cancel_replace
from roottrading.adapters.exchange.simulated.candle_path import walk
from roottrading.adapters.exchange.simulated.ladder import Ladder
from roottrading.adapters.exchange.simulated.ladder_matching import meet_levels, meet_print
from roottrading.adapters.exchange.simulated.list_checks import check_list
from roottrading.adapters.exchange.simulated.lists import place_list, place_pending
from roottrading.adapters.exchange.simulated.placing import check_order, place
from roottrading.adapters.exchange.simulated.queries import answer
from roottrading.adapters.exchange.simulated.refusals import (
    BAD_SYMBOL,
    CLOCK,
    OUTSIDE_WINDOW,
    Refused,
    duplicate,
)
from roottrading.adapters.exchange.simulated.rows import all_rows, changed_rows, restore
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.exchange.simulated.venue import Changes, Venue
from roottrading.domain.balance import Balance
from roottrading.domain.candle import Candle
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, plain
from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import (
    AccountChanged,
    AmendOrder,
    CancelOrder,
    CancelRefused,
    CancelReplace,
    ExchangeEvent,
    InstrumentChanged,
    ListFills,
    ListOpenOrders,
    OrderRefused,
    PlaceOrder,
    PlaceOrderList,
    QueryAccount,
    QueryOrder,
    Request,
)
from roottrading.messages.service import Row

STATUSES: Final = ("TRADING", "HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY")
AHEAD: Final = SECOND  # how far a request's clock may run before the exchange's


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
        venue, who = self._venue, account or self._account
        try:
            self._carry_out(request, now, who)
        except Refused as refused:
            venue.mail[who].append(self._refusal(request, refused, now))
        return self._finish(who, now)

    def _carry_out(self, request: Request, now: Time, account: str) -> None:
        venue = self._venue
        book = venue.books.get(request.symbol)
        if book is None:
            raise Refused(BAD_SYMBOL, "Invalid symbol.")
        in_time = now - venue.model.receive_window <= request.issued_at <= now + AHEAD
        if in_time and isinstance(request, PlaceOrderList):  # the two that trade most come first
            place_list(venue, book, account, request, now)
        elif in_time and isinstance(request, CancelReplace):
            cancel_replace(venue, book, account, request, now)
        elif isinstance(request, QueryAccount):
            held = tuple(self.balances(account).values())
            venue.mail[account].append(AccountChanged(request.symbol, request.client_order_id, now, held))
        elif isinstance(request, (QueryOrder, ListOpenOrders, ListFills)):
            venue.mail[account].append(answer(book, account, request, now))
        elif not in_time:
            raise Refused(CLOCK, OUTSIDE_WINDOW)
        elif isinstance(request, PlaceOrder):
            check_order(book, account, request.order)
            place(venue, book, account, request.order, now)
        elif isinstance(request, CancelOrder):
            cancel_order(venue, book, account, request, now)
        elif isinstance(request, AmendOrder):
            amend_order(venue, book, account, request, now)
        else:
            raise TypeError(f"the exchange does not know the request {type(request).__name__}")
        if venue.placements:
            place_pending(venue, now)

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
        order = book.orders[order_id]
        if client_order_id != order.client_order_id:
            if book.alive(order.account, client_order_id) is not None:
                raise duplicate()
            del book.clients[order.account, order.client_order_id]
            order.client_order_id = client_order_id
            book.clients[order.account, client_order_id] = order_id
            self._venue.changed(order)

    def _refusal(self, request: Request, refused: Refused, now: Time) -> ExchangeEvent:
        if isinstance(request, CancelOrder):
            return CancelRefused(request.symbol, request.target, now, refused.code, refused.message)
        return OrderRefused(request.symbol, request.client_order_id, now, refused.code, refused.message)

    # ---- the tape

    def candle_opens(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Stand on a candle's open: MARKET orders that waited meet it (trading-rules 5.1).

        Raises ValueError for a symbol that the exchange has not. Standing on the same open again changes nothing.
        """
        book = self._book(candle.symbol)
        market = book.market
        book.begin_candle(candle.open_time, candle.volume)
        book.tell(now)
        market.standing = True
        market.last = candle.open
        self._changed(candle.symbol)
        if market.status != "TRADING":
            return ()
        if not book.waiting:
            return ()
        for order in list(book.waiting.values()):
            meet_open(self._venue, book, order, candle.open, now)
            place_pending(self._venue, now)
        return self._finish(self._account, now)

    def candle_closed(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Match what rested along the candle's path, at its close (trading-rules 5.2 to 5.5).

        Afterwards the tape stands on no open. Raises ValueError for a symbol that the exchange has not.
        """
        book = self._book(candle.symbol)
        market = book.market
        book.begin_candle(candle.open_time, candle.volume)
        book.tell(now)
        market.standing = False
        self._changed(candle.symbol)
        if not book.orders or market.status != "TRADING" or not market.traded:
            market.last = candle.close
            return ()
        walk(self._venue, book, candle, now)
        market.last = candle.close
        return self._finish(self._account, now)

    def price_moved(self, symbol: str, price: Decimal, volume: Decimal | None, now: Time) -> Sequence[ExchangeEvent]:
        """Go straight from the last price to `price`, and stay there: what comes before the next move meets it.

        For markets that move in points instead of candles. What rests in between is met on the way. Of `volume` the
        fill model's share is there for fills from now on (0: none); None leaves what is left. Raises ValueError for a
        symbol that the exchange has not.
        """
        book = self._book(symbol)
        market = book.market
        book.tell(now)
        book.lasting = market.standing = True
        market.open_time = now
        market.bought = ()
        if volume is not None:
            market.traded = volume > ZERO
            market.allowance = volume * book.volume_share
        begin = price if market.last is None else market.last
        market.last = price
        self._changed(symbol)
        if market.status != "TRADING" or not book.orders:
            return ()
        for order in list(book.waiting.values()):
            meet_open(self._venue, book, order, price, now)
            place_pending(self._venue, now)
        if market.traded:
            low, high = min(begin, price), max(begin, price)
            walk(self._venue, book, Candle(symbol, "1m", now, begin, high, low, price, ZERO), now)
            market.last = price
        return self._finish(self._account, now)

    def supply(self, symbol: str, ladder: Ladder, last: Decimal | None) -> None:
        """Match a symbol's orders against a ladder from now on; `last` is the last price known.

        Raises ValueError for a symbol that the exchange has not.
        """
        book = self._book(symbol)
        book.ladder = ladder
        book.lasting = book.market.standing = book.market.traded = True
        book.market.last = last
        self._changed(symbol)

    def book_moved(self, symbol: str, now: Time) -> Sequence[ExchangeEvent]:
        """Let the symbol's resting orders meet its ladder, which has changed."""
        book = self._book(symbol)
        if book.ladder is None or not book.limits or book.market.status != "TRADING":
            return ()
        meet_levels(self._venue, book, book.ladder, now)
        return self._finish(self._account, now)

    def printed(self, symbol: str, price: Decimal, quantity: Decimal, now: Time) -> Sequence[ExchangeEvent]:
        """Let a print of others go by in a symbol with a ladder: it is the last price, and stops go by it."""
        book = self._book(symbol)
        self._changed(symbol)
        if book.market.status != "TRADING" or not book.orders:
            book.tell(now)
            book.market.last = price
            return ()
        meet_print(self._venue, book, price, quantity, now)
        return self._finish(self._account, now)

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
        if status not in STATUSES:
            raise ValueError(f"status {status!r} of {symbol}: use one of {', '.join(STATUSES)}")
        self._book(symbol).market.status = status
        self._changed(symbol)
        return self._announce(InstrumentChanged(symbol, "", now, status), now)

    def change_filters(self, instrument: Instrument, now: Time) -> Sequence[ExchangeEvent]:
        """Judge a symbol's orders by these filters from now on, and tell every account; those in the book stay.

        Raises ValueError for a symbol that the exchange has not.
        """
        book = self._book(instrument.symbol)
        book.adopt(instrument)
        return self._announce(InstrumentChanged(instrument.symbol, "", now, book.market.status, instrument), now)

    def _announce(self, changed: InstrumentChanged, now: Time) -> Sequence[ExchangeEvent]:
        for account in sorted({self._account, *(account for account, _ in self._venue.wallets)}):
            self._venue.mail[account].append(changed)
        return self._finish(self._account, now)

    def deposit(self, asset: str, amount: Decimal, now: Time, account: str | None = None) -> Sequence[ExchangeEvent]:
        """Bring an amount into an account's free balance; a negative one takes it out.

        Raises ValueError where less than that is free.
        """
        who = account or self._account
        wallet = self._venue.wallet(who, asset)
        if wallet.free + amount < ZERO:
            held = f"account {who!r} has {plain(wallet.free)} {asset} free"
            raise ValueError(f"{held}: {plain(-amount)} can not be taken out")
        self._venue.touched.append(wallet)
        wallet.free += amount
        return self._finish(who, now)

    def balances(self, account: str | None = None) -> dict[str, Balance]:
        """Return the account's balances by asset."""
        who = account or self._account
        return {
            wallet.asset: Balance(wallet.asset, wallet.free, wallet.locked)
            for wallet in self._venue.wallets.values()
            if wallet.account == who
        }

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

    def _changed(self, symbol: str) -> None:
        if self._venue.changes is not None:
            self._venue.changes.markets.add(symbol)

    def _finish(self, account: str, now: Time) -> Sequence[ExchangeEvent]:
        """Close a call: balances that changed are told, and the account's mail is handed over."""
        venue = self._venue
        if venue.touched:
            venue.tell_balances(now)
        return venue.mail.pop(account, ())
