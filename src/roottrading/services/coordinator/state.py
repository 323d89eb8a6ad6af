"""What the coordinator knows, as records in tables: its state, and the journals it writes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import CycleStatus, Dust, TradeCycle
from roottrading.messages.service import Table, TradingState

ACCOUNT: Final = "coordinator_account"
SYMBOLS: Final = "coordinator_symbols"
OPEN_CYCLES: Final = "open_cycles"
CANDIDATES: Final = "entry_candidates"
DUST: Final = "dust_costs"
ADJUSTMENTS: Final = "pending_adjustments"
CONDUCT: Final = "coordinator_conduct"
INSTRUMENTS: Final = "coordinator_instruments"  # filters that changed since the start
TRADE_CYCLES: Final = "trade_cycles"
REFUSALS: Final = "refusals"

ACCOUNT_KEY: Final = "account"


class Curb(Struct, frozen=True, gc=False):
    """Abnormal trading: nothing is bought before `until`, 0 meaning until a person resumes (trading-rules 8)."""

    reason: str
    until: Time = 0


class SetAside(Struct, frozen=True, gc=False):
    """What is held of a symbol that cannot be traded: its last close (None: nobody gave one), and its worth in quote.

    It counts 0 in the risk equity, and in what gains and losses are measured against (trading-rules 7.3).
    """

    symbol: str
    close: Decimal | None
    worth: Decimal


class Account(Struct, frozen=True, gc=False):
    """The bot's own money and its risk state (trading-rules 2.8, 7.1, 7.4); amounts in the quote asset.

    `cash` is capital and own fills. `mark` is the highest risk equity, None until the next T sets it. `opening` is the
    risk equity with which `day` (its 00:00 UTC) began; both are without what was `set_aside`. The numbers are those of
    the last control and adjustment taken.
    """

    capital: Decimal
    cash: Decimal
    mark: Decimal | None = None
    day: Time | None = None
    opening: Decimal = ZERO
    daily_breach: bool = False
    drawdown_breach: bool = False
    discrepancy: bool = False
    paused: bool = False
    state: TradingState = "trading"
    control_number: int = 0
    adjustment_number: int = 0
    curbs: tuple[Curb, ...] = ()
    set_aside: tuple[SetAside, ...] = ()  # by symbol


class SymbolState(Struct, frozen=True, gc=False):
    """What decides whether a symbol may be entered (trading-rules 2.7, 3.4); there is none before its first input.

    `below` is the bit "the last complete verdict was below the threshold", None before the first one. Entries need T
    after `ended_at` and `cooldown_until`, and not before `off_until`. `status` is the market's, empty while the
    instrument's own is the last heard; `reopened` waits for a close after a halt, to leave
    where the stop was passed.
    """

    symbol: str
    below: bool | None = None
    ended_at: Time = 0
    cooldown_until: Time = 0
    off_until: Time = 0
    stops: int = 0
    paused: bool = False
    status: str = ""
    reopened: bool = False


class OpenCycle(Struct, frozen=True, gc=False):
    """A cycle from its command to its end: the plan as it now is, and the sums of its fills.

    `reserved` is cash set aside for what may still be bought. `held_target` says that the list was given up: the
    target is met at a close. `asked` is the reason of the exit already asked for. `lent` is the symbol's dust that was
    there before. `highest_close` counts the closes of its strategy's timeframe, `trail_high` those of every T seen.
    `ignored` counts changes that `manage` wanted and rule 4.2 refuses. It `waits` with its exit while the filters take
    no sale of so little.
    """

    id: str
    symbol: str
    status: CycleStatus
    at: Time
    entry_signal_id: int
    strategy: str
    timeframe: str
    verdict_timeframe: str
    ordered: Decimal
    worst_price: Decimal
    reserved: Decimal
    resting: bool
    atr: Decimal | None
    initial_stop: Decimal
    stop_price: Decimal
    target_price: Decimal | None
    highest_close: Decimal
    trail_high: Decimal
    held_target: bool
    updated_at: Time
    entry_ended: bool = False
    asked: str = ""
    reason: str = ""
    bought: Decimal = ZERO
    paid: Decimal = ZERO
    base_fees: Decimal = ZERO
    sold: Decimal = ZERO
    received: Decimal = ZERO
    other_fees: Decimal = ZERO
    fees: Decimal = ZERO
    lent: Dust = Dust()
    opened_at: Time = 0
    filled_at: Time = 0
    ignored: int = 0
    manage_failed: bool = False
    waits: bool = False
    adoption: int = 0  # the number of the adjustment that adopted its coins

    @property
    def received_net(self) -> Decimal:
        """What was bought, less the fees taken in base."""
        return self.bought - self.base_fees

    @property
    def held(self) -> Decimal:
        """The base that the cycle holds, dust lent to it included."""
        return self.bought - self.base_fees + self.lent.quantity - self.sold


class Candidate(Struct, frozen=True, gc=False):
    """A verdict that crossed upward and waits for InstantComplete(T): what the entry needs of it."""

    symbol: str
    at: Time
    first: bool  # the symbol's first T in this deployment
    timeframe: str
    value: Decimal
    close: Decimal
    valid_until: Time
    quote_volume: Decimal
    day_quote_volume: Decimal
    strategy: str
    strategy_timeframe: str
    signal_id: int
    tag: str
    atr: Decimal | None
    stop_distance: Decimal | None
    target_distance: Decimal | None
    time_limit: int | None
    entry_limit: Decimal | None
    size_factor: Decimal | None


class PendingAdjustment(Struct, frozen=True, gc=False):
    """Capital or adopted coins that wait for their time, or for the symbol to be free and to have a close."""

    number: int
    kind: str
    symbol: str
    amount: Decimal
    price: Decimal | None
    effective_at: Time


class Conduct(Struct, frozen=True, gc=False):
    """What abnormal trading is told by (trading-rules 8).

    `ended` orders of `minute` (its beginning), `hour_ended` and `rejected` ones of `hour`. `losses` are the cycles lost
    in a row, `losses_at_once` of them at `last_loss_at`.
    """

    minute: Time = 0
    ended: int = 0
    hour: Time = 0
    hour_ended: int = 0
    rejected: int = 0
    losses: int = 0
    last_loss_at: Time = 0
    losses_at_once: int = 0
    unmatched_fills: int = 0


class Refusal(Struct, frozen=True, gc=False):
    """A crossing that was let pass, as a row (trading-rules 2.9)."""

    verdict_id: str
    symbol: str
    reason: str
    numbers: Mapping[str, str]
    at: Time


TABLES: Final = (
    Table(ACCOUNT, ("id",), Account, "state"),
    Table(SYMBOLS, ("symbol",), SymbolState, "state"),
    Table(OPEN_CYCLES, ("symbol",), OpenCycle, "state"),
    Table(CANDIDATES, ("symbol",), Candidate, "state"),
    Table(DUST, ("symbol",), Dust, "state"),
    Table(ADJUSTMENTS, ("number",), PendingAdjustment, "state"),
    Table(CONDUCT, ("id",), Conduct, "state"),
    Table(INSTRUMENTS, ("symbol",), Instrument, "state"),
    Table(TRADE_CYCLES, ("id",), TradeCycle, "journal"),
    Table(REFUSALS, ("verdict_id",), Refusal, "journal"),
)
