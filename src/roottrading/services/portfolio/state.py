"""The portfolio's records: what restore is given back, and what it only writes."""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import Dust
from roottrading.messages.service import AccountAdjusted, Table

EntryKind = Literal["capital", "adopted", "lent", "bought", "sold", "closed"]


class Books(Struct, frozen=True, gc=False):
    """The accounts in quote, one row a deployment.

    `capital` is what was put in (adopted coins at their price), `cash` the quote owned, free and locked together.
    `realized` is what closed cycles earned before fees charged in quote or BNB, `charged` the fees taken in quote so
    far, `settled` those fees (BNB at quote value) of closed cycles only; `fees` is every fee at its own fill's price.
    `entries` counts the journal, `adjusted` is the last adjustment's number, `changed` says that an update is due.
    `filled_at` is when the last fill was executed, `short` the assets that the account had too little of at the last T.
    """

    deployment: str
    capital: Decimal
    cash: Decimal
    realized: Decimal = ZERO
    charged: Decimal = ZERO
    settled: Decimal = ZERO
    fees: Decimal = ZERO
    entries: int = 0
    adjusted: int = 0
    changed: bool = True
    filled_at: Time = 0
    short: tuple[str, ...] = ()


class Holding(Struct, frozen=True, gc=False):
    """A symbol's accounts: the open cycle's, its dust, and what came from market, owner and fees since the start.

    Quantities are in base, costs in quote. `lent_*` is the dust that the open cycle took over (trading-rules 2.6);
    `cycle_id` is empty while nothing is open; `price` is that of the last fill; `from_market` is bought less sold.
    """

    symbol: str
    cycle_id: str = ""
    manual: bool = False
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    base_fees: Decimal = ZERO
    paid: Decimal = ZERO
    received: Decimal = ZERO
    other_fees: Decimal = ZERO
    lent_quantity: Decimal = ZERO
    lent_cost: Decimal = ZERO
    dust_quantity: Decimal = ZERO
    dust_cost: Decimal = ZERO
    price: Decimal = ZERO
    from_market: Decimal = ZERO
    from_owner: Decimal = ZERO
    all_base_fees: Decimal = ZERO

    @property
    def lent(self) -> Dust:
        """The dust that the open cycle took over."""
        return Dust(self.lent_quantity, self.lent_cost)

    @property
    def quantity(self) -> Decimal:
        """What the open cycle holds, in base."""
        return self.bought + self.lent_quantity - self.base_fees - self.sold

    @property
    def cost(self) -> Decimal:
        """What the open cycle has cost less what it has brought, in quote and before fees charged in quote."""
        return self.paid + self.lent_cost - self.received


class Lock(Struct, frozen=True, gc=False):
    """What a resting order of ours holds locked: a mark on what is owned, nothing changes hands."""

    order_id: str
    asset: str
    amount: Decimal


class ForeignFees(Struct, frozen=True, gc=False):
    """Fees taken in an asset that is neither base nor quote (BNB): the owner's coins paid them, not the bot's."""

    asset: str
    amount: Decimal


class AccountTotal(Struct, frozen=True, gc=False):
    """What the exchange last said the account holds of an asset, free and locked together, and when that changed."""

    asset: str
    total: Decimal
    at: Time = 0


class JournalEntry(Struct, frozen=True, gc=False):
    """One booking; `journal.postings_of` spells out its debits and credits.

    `quantity` is in base, `amount` in quote: a fill's notional; the cost of dust lent or left; capital put in.
    `profit` is a closed cycle's, before fees charged in quote or BNB. `reference` is the fill, cycle or adjustment.
    """

    number: int
    at: Time
    kind: EntryKind
    symbol: str
    reference: str
    quantity: Decimal
    amount: Decimal
    fee: Decimal = ZERO
    fee_asset: str = ""
    profit: Decimal = ZERO


BOOKS: Final = "portfolio_books"
HOLDINGS: Final = "portfolio_holdings"
LOCKS: Final = "portfolio_locks"
FOREIGN_FEES: Final = "portfolio_foreign_fees"
ACCOUNT: Final = "portfolio_account"
INSTRUMENTS: Final = "portfolio_instruments"  # filters that changed since the start
PENDING: Final = "portfolio_pending_adjustments"
JOURNAL: Final = "portfolio_journal"
ADJUSTMENTS: Final = "account_adjustments"

TABLES: Final[tuple[Table, ...]] = (
    Table(BOOKS, ("deployment",), Books, "state"),
    Table(HOLDINGS, ("symbol",), Holding, "state"),
    Table(LOCKS, ("order_id",), Lock, "state"),
    Table(FOREIGN_FEES, ("asset",), ForeignFees, "state"),
    Table(ACCOUNT, ("asset",), AccountTotal, "state"),
    Table(INSTRUMENTS, ("symbol",), Instrument, "state"),
    Table(PENDING, ("number",), AccountAdjusted, "state"),
    Table(JOURNAL, ("number",), JournalEntry, "journal"),
    Table(ADJUSTMENTS, ("number",), AccountAdjusted, "journal"),
)
