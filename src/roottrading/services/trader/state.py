"""The trader's records: what it knows of cycles under way, and the journals of orders and fills that it writes."""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.order import Order
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import CycleStatus
from roottrading.messages.commands import (
    AdoptTradeCycle,
    CancelEntry,
    CloseTradeCycle,
    MoveStop,
    OpenTradeCycle,
    ProtectionPlan,
)
from roottrading.messages.exchange import AnyRequest
from roottrading.messages.service import Table, TradingState

SpanKind = Literal["unprotected", "closing"]


class Unanswered(Struct, frozen=True, gc=False):
    """A request whose fate we have not heard.

    `unknown_since` is set once its outcome is unknown: it is then asked for. The three kinds of evidence count only
    from when they are final (consistency-rules 4.2): the order is absent, no open order, and has no execution.
    """

    request: AnyRequest
    unknown_since: Time | None = None
    absent: bool = False
    not_open: bool = False
    not_executed: bool = False


class CycleExecution(Struct, gc=False):
    """One active cycle at the exchange. It changes in place; what leaves as a row is a copy of it.

    `prefix` begins every client order id of the cycle. `orders` are those the exchange told us of, by client order id;
    in here the status REJECTED marks a pending leg that was never placed. Quantities are in base: `bought` before
    fees, `net` after those taken in base, `sold`, `lent` is the symbol's dust that this cycle sells along, `adopted`
    what was not bought by an order. `stop_price` and `target_price` are what is wanted now; a target that was given up
    is None. `given_up` are legs that we asked to cancel, `triggered` stops that are being filled. Attempts are counted
    per leg; `exit_reason` is empty while the position is to be held, `cancel_reason` while a resting entry may rest.
    `held_back_until` delays the next attempt after a refusal. `deadlines` are the kinds of deadlines that are set.
    `small` says that the filters take no new stop of its size any more, `exit_waits` that they take no sale.
    """

    cycle_id: str
    symbol: str
    prefix: str
    plan: ProtectionPlan
    planned: Decimal
    worst_price: Decimal
    entry_limit: Decimal | None
    stop_price: Decimal
    target_price: Decimal | None
    lent: Decimal
    last_price: Decimal
    status: CycleStatus = "opening"
    orders: dict[str, Order] = {}
    unanswered: tuple[Unanswered, ...] = ()
    given_up: tuple[str, ...] = ()
    triggered: tuple[str, ...] = ()
    trade_ids: tuple[int, ...] = ()
    deadlines: tuple[str, ...] = ()
    adopted: Decimal = ZERO
    bought: Decimal = ZERO
    net: Decimal = ZERO
    sold: Decimal = ZERO
    protected: Decimal = ZERO  # `bought` when protection was last asked for
    entries: int = 0
    protections: int = 0
    exits: int = 0
    cancels: int = 0
    restored: int = 0  # times that lost protection was put back
    refusals: int = 0  # refusals in a row of what must be done
    exit_reason: str = ""
    cancel_reason: str = ""
    lost: Literal["", "by hand", "by the exchange"] = ""
    lost_at: Time | None = None
    completed: bool = False  # a too small entry was completed at market once
    over_makers: bool = False  # market sells go before our own bids from now on (trading-rules 1.12)
    short_of_base: bool = False  # the exchange said that we own less than we think
    searched: bool = False  # executions by hand were looked for
    held_back_until: Time | None = None
    doubt_since: Time | None = None
    doubt_alerted: bool = False
    naked_since: Time | None = None
    naked_kind: SpanKind = "unprotected"
    small: bool = False
    exit_waits: bool = False
    touched_at: Time = 0  # exchange time of the last event about our orders

    @property
    def held(self) -> Decimal:
        """The base that this cycle can sell, dust lent to it included."""
        return self.net + self.lent - self.sold


class SymbolLedger(Struct, frozen=True, gc=False):
    """What outlives a symbol's cycles: its dust, our last cycle and trade, the market's status if it ever changed."""

    symbol: str
    dust: Decimal = ZERO
    last_cycle_id: str = ""
    last_trade_id: int = -1
    status: str = ""


class FreeBalance(Struct, frozen=True, gc=False):
    """What the exchange last said is free of a base asset; the asset "" stands for the account having spoken at all."""

    asset: str
    free: Decimal
    at: Time


class Control(Struct, frozen=True, gc=False):
    """The kill switch as last heard; `number` is the stored row's (trading-rules 7.4)."""

    number: int = 0
    state: TradingState = "trading"
    paused: tuple[str, ...] = ()


class Takeover(Struct, frozen=True, gc=False):
    """How often the trader was loaded, and whether the account has yet to answer the last load's question."""

    number: int = 0
    waiting: bool = False


class HeldCommand(Struct, frozen=True, gc=False):
    """A command that came before that answer; `place` is its turn."""

    place: int
    command: OpenTradeCycle | AdoptTradeCycle | CloseTradeCycle | MoveStop | CancelEntry


EXECUTIONS: Final = "executions"
SYMBOLS: Final = "trader_symbols"
BALANCES: Final = "trader_balances"
CONTROL: Final = "trader_control"
TAKEOVER: Final = "trader_takeover"
HELD: Final = "trader_held_commands"
INSTRUMENTS: Final = "trader_instruments"  # filters that changed since the start
ORDERS: Final = "orders"
FILLS: Final = "fills"
CONTROL_KEY: Final = "trader"
TAKEOVER_KEY: Final = "trader"

TABLES: Final[tuple[Table, ...]] = (
    Table(EXECUTIONS, ("cycle_id",), CycleExecution, "state"),
    Table(SYMBOLS, ("symbol",), SymbolLedger, "state"),
    Table(BALANCES, ("asset",), FreeBalance, "state"),
    Table(CONTROL, ("service",), Control, "state"),
    Table(TAKEOVER, ("service",), Takeover, "state"),
    Table(HELD, ("place",), HeldCommand, "state"),
    Table(INSTRUMENTS, ("symbol",), Instrument, "state"),
    Table(ORDERS, ("id",), Order, "journal"),
    Table(FILLS, ("id",), Fill, "journal"),
)
