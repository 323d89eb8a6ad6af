"""What an account's subscribers hear: executionReport, outboundAccountPosition, balanceUpdate, listStatus."""

from decimal import Decimal
from typing import Any

from msgspec import Struct

from roottrading.domain.balance import Balance
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.exchange_server.records import NO_GROUP, Execution, Extras, PreventedMatch
from roottrading.exchange_server.wording import Stamp, amount


class UserEvent(Struct, frozen=True):
    """An event of one account, at the exchange's time `at`."""

    at: Time

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the event as JSON has it."""
        raise NotImplementedError


class ExecutionReport(UserEvent, frozen=True, kw_only=True):
    """One change of one order, with the order as it was after it."""

    symbol: str
    client_order_id: str
    original_id: str
    order_id: int
    list_id: int
    side: str
    type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    quote_quantity: Decimal | None
    what: str
    status: str
    executed: Decimal
    executed_quote: Decimal
    execution: Execution | None
    execution_id: int
    on_book: bool
    created_at: Time
    working_at: Time
    self_trade_prevention: str
    extras: Extras
    expiry_reason: str = ""
    prevented: PreventedMatch | None = None
    prevented_quantity: Decimal = ZERO

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the executionReport."""
        last = self.execution
        at = stamp(self.at)
        shown: dict[str, Any] = {
            "e": "executionReport",
            "E": at,
            "s": self.symbol,
            "c": self.client_order_id,
            "S": self.side,
            "o": self.type,
            "f": self.time_in_force,
            "q": amount(self.quantity),
            "p": amount(self.price),
            "P": amount(self.stop_price),
            "F": amount(None),
            "g": self.list_id,
            "C": self.original_id,
            "x": self.what,
            "X": self.status,
            "r": "NONE",
            "i": self.order_id,
            "l": amount(last.quantity if last else None),
            "z": amount(self.executed),
            "L": amount(last.price if last else None),
            "n": amount(last.fee) if last else "0",
            "N": last.fee_asset if last else None,
            "T": at,
            "t": last.trade_id if last else -1,
            "I": self.execution_id,
            "w": self.on_book,
            "m": bool(last and last.is_maker),
            "M": last is not None,
            "O": stamp(self.created_at),
            "Z": amount(self.executed_quote),
            "Y": amount(last.price * last.quantity if last else None),
            "Q": amount(self.quote_quantity),
            "V": self.self_trade_prevention,
        }
        if self.working_at >= 0:
            shown["W"] = stamp(self.working_at)
        if self.extras.strategy_id is not None:
            shown["j"] = self.extras.strategy_id
        if self.extras.strategy_type is not None:
            shown["J"] = self.extras.strategy_type
        if self.prevented is not None:
            shown |= {"v": self.prevented.number, "A": amount(self.prevented_quantity), "u": NO_GROUP}
            shown |= {"U": self.prevented.counterpart_of(self.order_id), "Cs": self.symbol}
            if self.what == "TRADE_PREVENTION":
                shown["B"] = amount(self.prevented.quantity_of(self.order_id))
        if self.expiry_reason:
            shown["eR"] = self.expiry_reason
        return shown


class AccountPosition(UserEvent, frozen=True):
    """The balances that may have changed, whole values."""

    balances: tuple[Balance, ...]

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the outboundAccountPosition."""
        return {
            "e": "outboundAccountPosition",
            "E": stamp(self.at),
            "u": stamp(self.at),
            "B": [{"a": each.asset, "f": amount(each.free), "l": amount(each.locked)} for each in self.balances],
        }


class BalanceUpdate(UserEvent, frozen=True):
    """A deposit, or with a negative amount a withdrawal."""

    asset: str
    change: Decimal

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the balanceUpdate."""
        at = stamp(self.at)
        return {"e": "balanceUpdate", "E": at, "a": self.asset, "d": amount(self.change), "T": at}


class ListStatus(UserEvent, frozen=True):
    """An order list began or ended."""

    symbol: str
    list_id: int
    client_id: str
    contingency: str
    status_type: str
    order_status: str
    orders: tuple[tuple[int, str], ...]

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the listStatus."""
        at = stamp(self.at)
        return {
            "e": "listStatus",
            "E": at,
            "s": self.symbol,
            "g": self.list_id,
            "c": self.contingency,
            "l": self.status_type,
            "L": self.order_status,
            "r": "NONE",
            "C": self.client_id,
            "T": at,
            "O": [{"s": self.symbol, "i": number, "c": name} for number, name in self.orders],
        }


class StreamTerminated(UserEvent, frozen=True):
    """The subscription ended."""

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the eventStreamTerminated."""
        return {"e": "eventStreamTerminated", "E": stamp(self.at)}
