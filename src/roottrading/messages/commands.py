"""What the coordinator tells the trader: imperatives on `trade.commands`."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import CycleStatus
from roottrading.messages.envelope import Message


class ProtectionPlan(Struct, frozen=True, gc=False):
    """How a position leaves again, fixed before anything is sent (trading-rules 1.1).

    Prices are on the tick. `time_limit_at` is the instant at which the position is sold at market. The ids are those
    of the first attempts: whoever loads the plan can ask the exchange for them even where no request row exists.
    """

    stop_price: Decimal
    target_price: Decimal | None
    time_limit_at: Time | None
    entry_id: str
    stop_id: str
    target_id: str
    list_id: str


class OpenTradeCycle(Message, frozen=True):
    """Enter, protected: buy `quantity` at `worst_price` or better, and rest the plan's legs at the exchange.

    `entry_limit` asks for a resting entry (trading-rules 1.7) that is given up at `entry_timeout_at`; else the entry
    is taken at once. Not to be begun after `valid_until` (exchange time).
    """

    cycle_id: str
    symbol: str
    verdict_id: str
    entry_signal_id: int
    strategy: str
    tag: str
    at: Time  # T of the verdict: the cycle's created_at
    quantity: Decimal
    worst_price: Decimal
    plan: ProtectionPlan
    valid_until: Time
    entry_limit: Decimal | None = None
    entry_timeout_at: Time | None = None


class CloseTradeCycle(Message, frozen=True):
    """Leave at market: by verdict, `manage`, delisting or a person's command. Never expires.

    `price` is the close at which an exit that had to wait became possible.
    """

    cycle_id: str
    symbol: str
    reason: str
    expects: tuple[CycleStatus, ...] = ("opening", "open")
    price: Decimal | None = None


class MoveStop(Message, frozen=True):
    """Give the list up for one market stop at `stop_price` (trading-rules 1.9, 4.2); only ever tighter.

    From then on the target is met by the coordinator, at a close.
    """

    cycle_id: str
    symbol: str
    stop_price: Decimal
    expects: tuple[CycleStatus, ...] = ("open",)


class CancelEntry(Message, frozen=True):
    """Cancel a resting entry; what it has bought stays and stays protected (trading-rules 7.4)."""

    cycle_id: str
    symbol: str
    reason: str
    expects: tuple[CycleStatus, ...] = ("opening", "open")


class AdoptTradeCycle(Message, frozen=True):
    """Take `quantity` of base that is on the account already as a cycle, and rest the plan's stop (trading-rules 7.1).

    Nothing is bought: `price` is what a person says it cost; the plan has a stop only and its `entry_id` is empty.
    """

    cycle_id: str
    symbol: str
    quantity: Decimal
    price: Decimal
    plan: ProtectionPlan
    at: Time
