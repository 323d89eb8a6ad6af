"""What subscribers hear of orders and lists, made of their records; reports are numbered."""

from roottrading.domain.time import Time
from roottrading.exchange_server.records import Execution, ListRecord, OrderRecord
from roottrading.exchange_server.user_events import ExecutionReport, ListStatus


class Reporter:
    """Makes execution reports; `count` is how many there were."""

    def __init__(self) -> None:
        self.count = 0

    def report(
        self,
        record: OrderRecord,
        what: str,
        at: Time,
        execution: Execution | None = None,
        original_id: str = "",
    ) -> ExecutionReport:
        """Return the report of an order as it is now; `what` happened to it."""
        self.count += 1
        canceled_as = record.canceled_as if what == "CANCELED" else ""
        return ExecutionReport(
            at,
            symbol=record.symbol,
            client_order_id=canceled_as or record.client_order_id,
            original_id=record.client_order_id if canceled_as else original_id,
            order_id=record.order_id,
            list_id=record.list_id,
            side=record.side,
            type=record.type,
            time_in_force=record.time_in_force,
            quantity=record.quantity,
            price=record.price,
            stop_price=record.stop_price,
            quote_quantity=record.quote_quantity,
            what=what,
            status=record.status,
            executed=record.executed,
            executed_quote=record.executed_quote,
            execution=execution,
            execution_id=self.count,
            on_book=record.status in {"NEW", "PARTIALLY_FILLED"} and record.working_at >= 0,
            created_at=record.created_at,
            working_at=record.working_at,
            self_trade_prevention=record.self_trade_prevention,
            extras=record.extras,
            expiry_reason=record.expiry_reason,
            prevented=record.prevented[-1] if record.prevented else None,
            prevented_quantity=record.prevented_quantity,
        )


def list_status(record: ListRecord, status_type: str, order_status: str, at: Time) -> ListStatus:
    """Return what is said of a list as a whole."""
    orders = tuple((order.order_id, order.client_order_id) for order in record.orders)
    return ListStatus(
        at,
        record.symbol,
        record.list_id,
        record.client_id,
        record.contingency,
        status_type,
        order_status,
        orders,
    )
