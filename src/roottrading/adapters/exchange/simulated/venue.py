"""The whole exchange as its parts see it: books, wallets, what changed, and events on their way to the accounts."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.exchange.simulated.state import BookOrder, Wallet
from roottrading.domain.balance import Balance
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import AccountChanged, ExchangeEvent

Key = tuple[str, ...]


class Prevention(Struct, frozen=True):
    """A match of an account with itself that did not happen; the quantities are what was left of both orders."""

    symbol: str
    taker_id: int
    maker_id: int
    mode: str
    price: Decimal
    taker_quantity: Decimal
    maker_quantity: Decimal
    at: Time


class Changes:
    """The keys of what changed since the last look."""

    __slots__ = ("executions", "markets", "orders", "wallets")

    def __init__(self) -> None:
        self.orders: set[tuple[str, int]] = set()
        self.markets: set[str] = set()
        self.wallets: set[tuple[str, str]] = set()
        self.executions: set[tuple[str, int, int]] = set()


class Venue:
    """The exchange's state and its mail."""

    __slots__ = ("books", "changes", "fees", "mail", "model", "placements", "preventions", "told", "touched", "wallets")

    def __init__(
        self, instruments: Mapping[str, Instrument], fees: FeeSchedule, model: FillModel, changes: Changes | None
    ) -> None:
        self.books = {symbol: Book(instrument, model) for symbol, instrument in instruments.items()}
        self.wallets: dict[tuple[str, str], Wallet] = {}
        self.fees = fees
        self.model = model
        self.changes = changes  # None: nobody keeps rows
        self.mail: defaultdict[str, list[ExchangeEvent]] = defaultdict(list)
        self.told: dict[int, tuple[Decimal, Decimal]] = {}  # by wallet: what its account heard last
        self.touched: list[Wallet] = []  # whose amounts moved in this call
        self.preventions: list[Prevention] | None = None  # kept where somebody shows them, and no part of the state
        self.placements: list[BookOrder] = []  # working orders that filled: their pending legs come in now

    def wallet(self, account: str, asset: str) -> Wallet:
        """Return the account's wallet of an asset, made on first use."""
        wallet = self.wallets.get((account, asset))
        if wallet is None:
            wallet = self.wallets[account, asset] = Wallet(account, asset)
            self.told[id(wallet)] = (wallet.free, wallet.locked)
            if self.changes is not None:
                self.changes.wallets.add((account, asset))
        return wallet

    def pair(self, book: Book, account: str) -> tuple[Wallet, Wallet]:
        """Return the account's wallets of the symbol's base and quote asset."""
        pair = book.pairs.get(account)
        if pair is None:
            instrument = book.instrument
            pair = book.pairs[account] = (
                self.wallet(account, instrument.base_asset),
                self.wallet(account, instrument.quote_asset),
            )
        return pair

    def balances(self, account: str) -> dict[str, Balance]:
        """Return the account's balances by asset."""
        return {
            wallet.asset: Balance(wallet.asset, wallet.free, wallet.locked)
            for wallet in self.wallets.values()
            if wallet.account == account
        }

    def changed(self, order: BookOrder) -> None:
        """Remember that an order changed, and its market's counters with it."""
        if self.changes is not None:
            self.changes.orders.add((order.symbol, order.id))
            self.changes.markets.add(order.symbol)

    def tell_balances(self, now: Time) -> None:
        """Tell every account the whole values of those balances that the call changed."""
        changed: dict[str, list[Balance]] = {}
        told = self.told
        for wallet in self.touched:
            free, locked = amounts = (wallet.free, wallet.locked)
            if amounts != told[id(wallet)]:
                told[id(wallet)] = amounts
                account = wallet.account
                balance = Balance(wallet.asset, free, locked)
                if account in changed:
                    changed[account].append(balance)
                else:
                    changed[account] = [balance]
                if self.changes is not None:
                    self.changes.wallets.add((account, wallet.asset))
        self.touched.clear()
        for account, balances in changed.items():
            self.mail[account].append(AccountChanged("", "", now, tuple(balances)))
