"""What became of it: facts on `trade.events`, from the trader and, about verdicts and risk, from the coordinator."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from roottrading.domain.balance import Balance
from roottrading.domain.fill import Fill
from roottrading.domain.money import ZERO
from roottrading.domain.order import Order
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import CycleStatus
from roottrading.messages.envelope import Message


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
    """The trader did not do what a command said: expired, another status than expected, refused by the exchange."""

    cycle_id: str
    symbol: str
    command: str
    reason: str
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


class PortfolioUpdated(Message, frozen=True):
    """Balances, equity and discrepancies as the portfolio sees them: whole state, never deltas."""

    at: Time
    balances: tuple[Balance, ...]
    equity: Decimal
    cash: Decimal
    exposure: Decimal
    realized: Decimal
    fees: Decimal
    discrepancies: tuple[str, ...] = ()


class AlertRaised(Message, frozen=True):
    """Something a person should know: `subject` names the alert, `text` what was seen and done."""

    severity: Literal["info", "warning", "critical"]
    subject: str
    text: str
    symbol: str
    at: Time
