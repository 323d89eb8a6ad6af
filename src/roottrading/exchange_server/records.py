"""Orders and lists as the wire shows them: what the requests said, and what became of it."""

from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from roottrading.adapters.exchange.simulated.venue import Prevention
from roottrading.domain.money import ZERO
from roottrading.domain.order import LIVE, OrderStatus, OrderType, Side
from roottrading.domain.time import Time
from roottrading.exchange_server.wording import Stamp, amount

NO_GROUP: Final = -1  # accounts here are in no trade group
CONDITIONAL: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


class Extras(Struct, frozen=True):
    """What a request says of an order that matching has no use for."""

    strategy_id: int | None = None
    strategy_type: int | None = None


class Execution(Struct, frozen=True, gc=False):
    """One execution of an order."""

    trade_id: int
    order_id: int
    list_id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    is_buyer: bool
    is_maker: bool
    at: Time


class Amendment(Struct, frozen=True):
    """One lowering of an order's quantity."""

    execution_id: int
    old_id: str
    new_id: str
    old_quantity: Decimal
    new_quantity: Decimal
    at: Time


class PreventedMatch(Struct, frozen=True):
    """A match of an account with itself that was prevented; numbered by symbol."""

    number: int
    account: str
    match: Prevention

    def quantity_of(self, order_id: int) -> Decimal:
        """Return what of the order was prevented: all that was left of it, nothing, or what both would have traded."""
        match = self.match
        if match.mode == "DECREMENT":
            return min(match.taker_quantity, match.maker_quantity)
        if order_id == match.taker_id:
            return ZERO if match.mode == "EXPIRE_MAKER" else match.taker_quantity
        return ZERO if match.mode == "EXPIRE_TAKER" else match.maker_quantity

    def counterpart_of(self, order_id: int) -> int:
        """Return the id of the other order."""
        return self.match.maker_id if order_id == self.match.taker_id else self.match.taker_id

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the match as myPreventedMatches shows it: quantities only of what the mode takes from."""
        match = self.match
        shown: dict[str, Any] = {
            "symbol": match.symbol,
            "preventedMatchId": self.number,
            "takerOrderId": match.taker_id,
            "makerSymbol": match.symbol,
            "makerOrderId": match.maker_id,
            "tradeGroupId": NO_GROUP,
            "selfTradePreventionMode": match.mode,
            "price": amount(match.price),
            "transactTime": stamp(match.at),
        }
        if match.mode != "EXPIRE_MAKER":
            shown["takerPreventedQuantity"] = amount(match.taker_quantity)
        if match.mode != "EXPIRE_TAKER":
            shown["makerPreventedQuantity"] = amount(match.maker_quantity)
        return shown


class OrderRecord(Struct):
    """An order; `working_at` is -1 while it does not work, `canceled_as` the id of the request that canceled it."""

    account: str
    symbol: str
    order_id: int
    list_id: int
    client_order_id: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    self_trade_prevention: str
    quote_quantity: Decimal | None
    created_at: Time
    updated_at: Time
    status: OrderStatus
    extras: Extras
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    working_at: Time = -1
    expiry_reason: str = ""
    canceled_as: str = ""
    executions: list[Execution] = []
    amendments: list[Amendment] = []
    prevented: list[PreventedMatch] = []

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled."""
        return self.status in LIVE

    @property
    def prevented_quantity(self) -> Decimal:
        """What was prevented of it in all."""
        return sum((each.quantity_of(self.order_id) for each in self.prevented), ZERO)

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the order as GET /order shows it."""
        shown: dict[str, Any] = {
            "symbol": self.symbol,
            "orderId": self.order_id,
            "orderListId": self.list_id,
            "clientOrderId": self.client_order_id,
            "price": amount(self.price),
            "origQty": amount(self.quantity),
            "executedQty": amount(self.executed),
            "origQuoteOrderQty": amount(self.quote_quantity),
            "cummulativeQuoteQty": amount(self.executed_quote),
            "status": self.status,
            "timeInForce": self.time_in_force,
            "type": self.type,
            "side": self.side,
            "stopPrice": amount(self.stop_price),
            "icebergQty": amount(None),
            "time": stamp(self.created_at),
            "updateTime": stamp(self.updated_at),
            "isWorking": self.working_at >= 0,
            "workingTime": stamp(self.working_at),
            "selfTradePreventionMode": self.self_trade_prevention,
        }
        return shown | self.conditional()

    def placed(self, at: int, kind: str, stamp: Stamp) -> dict[str, Any]:
        """Return the answer to its placement: ACK, RESULT or FULL; `at` is the transaction's stamp."""
        answer: dict[str, Any] = {
            "symbol": self.symbol,
            "orderId": self.order_id,
            "orderListId": self.list_id,
            "clientOrderId": self.client_order_id,
            "transactTime": at,
        }
        if kind == "ACK":
            return answer
        answer |= self.outcome()
        if self.stop_price is not None:
            answer["stopPrice"] = amount(self.stop_price)
        answer["workingTime"] = stamp(self.working_at)
        answer["selfTradePreventionMode"] = self.self_trade_prevention
        if kind == "FULL":
            answer["fills"] = [
                {
                    "price": amount(execution.price),
                    "qty": amount(execution.quantity),
                    "commission": amount(execution.fee),
                    "commissionAsset": execution.fee_asset,
                    "tradeId": execution.trade_id,
                }
                for execution in self.executions
            ]
        return answer | self.conditional()

    def canceled(self, stamp: Stamp) -> dict[str, Any]:
        """Return the answer to its cancel."""
        answer: dict[str, Any] = {
            "symbol": self.symbol,
            "origClientOrderId": self.client_order_id,
            "orderId": self.order_id,
            "orderListId": self.list_id,
            "clientOrderId": self.canceled_as or self.client_order_id,
            "transactTime": stamp(self.updated_at),
            **self.outcome(),
            "selfTradePreventionMode": self.self_trade_prevention,
        }
        if self.stop_price is not None:
            answer["stopPrice"] = amount(self.stop_price)
        return answer | self.conditional()

    def outcome(self) -> dict[str, Any]:
        """Return what all longer answers have in common."""
        return {
            "price": amount(self.price),
            "origQty": amount(self.quantity),
            "executedQty": amount(self.executed),
            "origQuoteOrderQty": amount(self.quote_quantity),
            "cummulativeQuoteQty": amount(self.executed_quote),
            "status": self.status,
            "timeInForce": self.time_in_force,
            "type": self.type,
            "side": self.side,
        }

    def conditional(self) -> dict[str, Any]:
        """Return what only some orders have."""
        fields: dict[str, Any] = {}
        if self.extras.strategy_id is not None:
            fields["strategyId"] = self.extras.strategy_id
        if self.extras.strategy_type is not None:
            fields["strategyType"] = self.extras.strategy_type
        if self.prevented:
            fields["preventedMatchId"] = self.prevented[-1].number
            fields["preventedQuantity"] = amount(self.prevented_quantity)
        if self.expiry_reason:
            fields["expiryReason"] = self.expiry_reason
        return fields


class ListRecord(Struct):
    """An order list; `contingency` is OCO or OTO."""

    account: str
    symbol: str
    list_id: int
    client_id: str
    contingency: str
    at: Time
    orders: list[OrderRecord]
    rejected: bool = False

    @property
    def is_open(self) -> bool:
        """Whether an order of it may still be filled."""
        return any(order.is_open for order in self.orders)

    def shown(self, stamp: Stamp, started: bool | None = None) -> dict[str, Any]:
        """Return the list as Binance shows it; `started` says so whatever became of it since."""
        running = self.is_open if started is None else started
        return {
            "orderListId": self.list_id,
            "contingencyType": self.contingency,
            "listStatusType": "EXEC_STARTED" if running else "ALL_DONE",
            "listOrderStatus": "EXECUTING" if running else "ALL_DONE",
            "listClientOrderId": self.client_id,
            "transactionTime": stamp(self.at),
            "symbol": self.symbol,
            "orders": [
                {"symbol": self.symbol, "orderId": order.order_id, "clientOrderId": order.client_order_id}
                for order in self.orders
            ],
        }
