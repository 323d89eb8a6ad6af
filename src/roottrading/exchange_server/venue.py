"""The venue: the matching core with its accounts, its ledger, and all who listen to what happens in it.

A clock moves its market (`candle_opens`, `candle_closed`, `price_moved`), accounts trade on it (`execute`), and both
reach whoever listens: user data by account, and news of the market. Nothing here waits or reads a clock.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated.exchange import SimulatedExchange
from roottrading.adapters.exchange.simulated.ladder import Ladder
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.balance import Balance
from roottrading.domain.candle import Candle
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.exchange_server.ledger import NOTHING_ASKED, Asked, Ledger
from roottrading.exchange_server.records import OrderRecord
from roottrading.exchange_server.user_events import BalanceUpdate, UserEvent
from roottrading.messages.exchange import ENTRY, AmendOrder, ExchangeEvent, OrderExecuted, OrderReported, Request

NOBODY: Final = ""  # the core's own account: nobody's
LEAST_HISTORY: Final = 10_000  # more than can end in one call: the ledger reads there what ended in it
_PREVENTIONS: Final = frozenset(
    {"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"}
)  # what the core can do


class OwnTrade(Struct, frozen=True):
    """A trade in which an account took part, as the public sees it."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    at: Time


class StatusChanged(Struct, frozen=True):
    """A symbol's trading status changed."""

    symbol: str
    status: str
    at: Time


MarketNews = OwnTrade | StatusChanged
UserListener = Callable[[str, UserEvent], None]
MarketListener = Callable[[MarketNews], None]


class TradingVenue:
    """The simulated exchange that a server serves."""

    def __init__(self, instruments: Mapping[str, Instrument], fees: FeeSchedule, model: FillModel) -> None:
        self.instruments = {
            symbol: replace(each, self_trade_prevention=each.self_trade_prevention & _PREVENTIONS)
            for symbol, each in instruments.items()
        }
        self.fees = fees
        self.model = model = replace(model, history=max(model.history, LEAST_HISTORY))
        self.exchange = SimulatedExchange(self.instruments, fees, model, {}, NOBODY, keeps_rows=False)
        self.exchange.parts.preventions = []
        self.ledger = Ledger(sorted(instruments))
        self.user_listeners: list[UserListener] = []
        self.market_listeners: list[MarketListener] = []
        self.updated_at: dict[str, Time] = {}  # by account: the last change of its balances
        self._found = _BookOrders(self.exchange.parts)

    # ---- accounts

    def open_account(self, account: str, balances: Mapping[str, Decimal], now: Time) -> None:
        """Open an account with these balances."""
        for asset, held in balances.items():
            self.exchange.deposit(asset, held, now, account)
        self.updated_at[account] = now

    def deposit(self, account: str, asset: str, change: Decimal, now: Time) -> None:
        """Change an account's free balance by hand; ValueError where less than that is free."""
        events = self.exchange.deposit(asset, change, now, account)
        self._tell(account, BalanceUpdate(now, asset, change))
        self._deliver(account, events)

    def balances(self, account: str) -> dict[str, Balance]:
        """Return the account's balances by asset."""
        return self.exchange.balances(account)

    # ---- requests

    def execute(
        self, account: str, request: Request, now: Time, asked: Asked = NOTHING_ASKED
    ) -> Sequence[ExchangeEvent]:
        """Carry out an account's request at once; its own events are returned, everybody's are told."""
        events = self.exchange.execute(request, now, account)
        self._deliver(account, events, asked)
        return events

    def amend(self, record: OrderRecord, quantity: Decimal, new_id: str, now: Time) -> Sequence[ExchangeEvent]:
        """Lower an order's quantity and give it a new client order id; a refusal is under that id."""
        left = quantity - self.ledger.decremented(record)  # the core has taken what was prevented from its quantity
        request = AmendOrder(record.symbol, new_id, ENTRY, now, record.client_order_id, left)
        events = self.exchange.execute(request, now, record.account)
        if any(isinstance(event, OrderReported) for event in events):
            self.exchange.rename(record.symbol, record.order_id, new_id)
            for heard in self.ledger.amend(record, quantity, new_id, now):
                self._tell(record.account, heard)
        self._deliver(record.account, events)
        return events

    # ---- the market

    def candle_opens(self, candle: Candle, now: Time) -> None:
        """Stand on a candle's open: what comes at this very instant meets it (trading-rules 5.1)."""
        self._deliver(NOBODY, self.exchange.candle_opens(candle, now))

    def candle_closed(self, candle: Candle, now: Time) -> None:
        """Match what rested along the candle's path, at its close (trading-rules 5.2)."""
        self._deliver(NOBODY, self.exchange.candle_closed(candle, now))

    def price_moved(self, symbol: str, price: Decimal, volume: Decimal | None, now: Time) -> None:
        """Move straight to `price` and stay there; of a `volume` the model's share is there for fills from now on."""
        self._deliver(NOBODY, self.exchange.price_moved(symbol, price, volume, now))

    def supply(self, symbol: str, ladder: Ladder, last: Decimal | None) -> None:
        """Match a symbol's orders against a recorded book from now on."""
        self.exchange.supply(symbol, ladder, last)

    def book_moved(self, symbol: str, now: Time) -> None:
        """Let a symbol's resting orders meet its recorded book, which has changed."""
        self._deliver(NOBODY, self.exchange.book_moved(symbol, now))

    def printed(self, symbol: str, price: Decimal, quantity: Decimal, now: Time) -> None:
        """Let a print of the recording go by: resting orders beyond it are met, and stops go by it."""
        self._deliver(NOBODY, self.exchange.printed(symbol, price, quantity, now))

    def last_price(self, symbol: str) -> Decimal | None:
        """Return the symbol's last price, None before its market began."""
        return self.exchange.parts.books[symbol].market.last

    def status(self, symbol: str) -> str:
        """Return the symbol's trading status."""
        return self.exchange.parts.books[symbol].market.status

    def set_status(self, symbol: str, status: str, now: Time) -> None:
        """Set a symbol's trading status; ValueError for one that Binance has not."""
        self._deliver(NOBODY, self.exchange.set_status(symbol, status, now))
        self._announce(StatusChanged(symbol, status, now))

    def change_filters(self, instrument: Instrument, now: Time) -> None:
        """Judge a symbol's orders by these filters from now on; who asks for them is told."""
        self.instruments[instrument.symbol] = instrument
        self._deliver(NOBODY, self.exchange.change_filters(instrument, now))

    def resting(self, symbol: str) -> list[BookOrder]:
        """Return the accounts' orders that rest at a limit, for who shows the book; to be read only."""
        return list(self.exchange.parts.books[symbol].limits.values())

    # ---- inside

    def _deliver(self, first: str, events: Sequence[ExchangeEvent], asked: Asked = NOTHING_ASKED) -> None:
        """Tell everybody what one call of the core caused: first the account that asked, then the others."""
        self._note_preventions()
        mails = {first: events, **self.exchange.take_events()}
        mails.pop(NOBODY, None)
        trades: dict[tuple[str, int], OrderExecuted] = {}
        for account, mail in mails.items():
            for event in self.ledger.fold(account, mail, self._found, asked if account == first else NOTHING_ASKED):
                self._tell(account, event)
            for each in mail:
                if isinstance(each, OrderExecuted):  # both sides may be accounts here: one trade to the public
                    trades.setdefault((each.symbol, each.trade_id), each)
        for _, trade in sorted(trades.items()):
            buyer_is_maker = trade.is_maker == (trade.side == "BUY")
            self._announce(
                OwnTrade(trade.symbol, trade.trade_id, trade.price, trade.quantity, buyer_is_maker, trade.at)
            )

    def _note_preventions(self) -> None:
        preventions = self.exchange.parts.preventions
        if preventions:
            for match in preventions:
                self.ledger.note_prevention(self._found[match.symbol, match.taker_id].account, match)
            preventions.clear()

    def _tell(self, account: str, event: UserEvent) -> None:
        self.updated_at[account] = event.at
        for listener in self.user_listeners:
            listener(account, event)

    def _announce(self, news: MarketNews) -> None:
        for listener in self.market_listeners:
            listener(news)


class _BookOrders(dict[tuple[str, int], BookOrder]):
    """The core's orders by symbol and id, open or ended; nothing is kept in here."""

    def __init__(self, parts: Venue) -> None:
        super().__init__()
        self._parts = parts

    def __missing__(self, key: tuple[str, int]) -> BookOrder:
        book = self._parts.books[key[0]]
        return book.orders.get(key[1]) or book.history[key[1]]
