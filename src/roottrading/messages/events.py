"""What became of it: facts on `trade.events`, from the trader and, about verdicts and risk, from the coordinator."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.balance import Balance
from roottrading.domain.fill import Fill
from roottrading.domain.money import ZERO
from roottrading.domain.order import Order, Side
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import CycleStatus
from roottrading.messages.envelope import Message

TOO_SMALL_TO_SELL: Final = "too_small_to_sell"


class OrderChanged(Message, frozen=True):
    """An order of ours as it now is; `locked` is what it holds locked (base for sells, quote for buys).

    The second leg of a list locks nothing: a list locks once.
    """

    order: Order
    locked: Decimal = ZERO


class OrderFilled(Message, frozen=True):
    """One execution of an order of ours, said once."""

    fill: Fill


class TradeCycleMoved(Message, frozen=True):
    """A cycle reached a status; `reason` says why (exit reasons: stop, target, verdict, time_limit, manage, ...)."""

    cycle_id: str
    symbol: str
    status: CycleStatus
    reason: str
    at: Time


class CommandRefused(Message, frozen=True):
    """The trader did not do what a command said: expired, another status than expected, refused by the exchange.

    With the reason `TOO_SMALL_TO_SELL` it goes on wanting to leave, whoever asked for it: the position keeps its stop
    until the filters take its sale.
    """

    cycle_id: str
    symbol: str
    command: str
    reason: str
    at: Time


class OrderRejected(Message, frozen=True):
    """The exchange refused a request of ours to place, replace or cancel an order, by its code (trading-rules 8)."""

    cycle_id: str
    symbol: str
    code: int
    text: str
    at: Time


class FillUnmatched(Message, frozen=True):
    """An execution under our prefix of which no cycle knows: the books lack this trade (trading-rules 8)."""

    symbol: str
    client_order_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    at: Time


class PrefixShared(Message, frozen=True):
    """An order under our prefix was placed by another: a second deployment of our name trades here (trading-rules 7.2).

    Two of the same settings use the very same ids, so the exchange's number says which order is meant.
    """

    symbol: str
    client_order_id: str
    binance_order_id: int
    at: Time


class ProtectionRestored(Message, frozen=True):
    """A span in which an open quantity was not under resting stops has ended (trading-rules 1.10).

    `kind` is closing where the rest was being sold at market all the while.
    """

    cycle_id: str
    symbol: str
    since: Time
    until: Time
    kind: Literal["unprotected", "closing"]


class EntryRefused(Message, frozen=True):
    """The coordinator let a crossing pass: the reason and the numbers that decided (trading-rules 2.9)."""

    symbol: str
    verdict_id: str
    reason: str
    numbers: Mapping[str, str]
    at: Time


class PositionValued(Struct, frozen=True, gc=False):
    """A symbol's holding in the books: `quantity` of the open cycle (none: `cycle_id` is empty) and `dust` beside it.

    `cost` is what both cost, with the fees charged in quote so far; `value` is both at the last close; in quote.
    """

    symbol: str
    cycle_id: str
    quantity: Decimal
    average_entry_price: Decimal | None
    cost: Decimal
    value: Decimal
    dust: Decimal


class PortfolioUpdated(Message, frozen=True):
    """Balances, equity and discrepancies as the portfolio sees them: whole state, never deltas.

    `realized` is the profit of closed cycles, `unrealized` the value of what is held less its cost, in quote.
    """

    at: Time
    balances: tuple[Balance, ...]
    equity: Decimal
    cash: Decimal
    exposure: Decimal
    realized: Decimal
    fees: Decimal
    discrepancies: tuple[str, ...] = ()
    unrealized: Decimal = ZERO
    positions: tuple[PositionValued, ...] = ()


class AlertRaised(Message, frozen=True):
    """Something a person should know: `subject` names the alert, `text` what was seen and done."""

    severity: Literal["info", "warning", "critical"]
    subject: str
    text: str
    symbol: str
    at: Time


Fact = (
    OrderChanged
    | OrderFilled
    | TradeCycleMoved
    | CommandRefused
    | OrderRejected
    | FillUnmatched
    | PrefixShared
    | ProtectionRestored
    | EntryRefused
    | AlertRaised
)


class TradeProgressed(Message, frozen=True):
    """All that one decision says of a symbol, in order: one message, so that it is taken whole or not at all."""

    facts: tuple[Fact, ...]


def facts_of(body: Message) -> tuple[Message, ...]:
    """Return the facts that a message of `trade.events` carries: several, or itself."""
    return body.facts if type(body) is TradeProgressed else (body,)
