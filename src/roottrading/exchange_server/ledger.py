"""The ledger: every order, list and execution as accounts see them, folded from the matching core's events."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Prevention
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.exchange_server.records import (
    CONDITIONAL,
    Amendment,
    Execution,
    Extras,
    ListRecord,
    OrderRecord,
    PreventedMatch,
)
from roottrading.exchange_server.user_events import AccountPosition, ExecutionReport, ListStatus, UserEvent
from roottrading.messages.exchange import (
    AccountChanged,
    ExchangeEvent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderTriggered,
)

NO_EXTRAS = Extras()


class Asked(Struct, frozen=True):
    """What a request says beside what the core is told: extras by client order id, a cancel's own id, a list's kind."""

    extras: Mapping[str, Extras] = {}
    cancel_id: str = ""
    contingency: str = "OCO"


NOTHING_ASKED = Asked()


class Ledger:
    """What accounts can ask for; a fold, so the same requests give the same ledger."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self.orders: dict[tuple[str, int], OrderRecord] = {}
        self.lists: dict[int, ListRecord] = {}
        self._by_client: dict[tuple[str, str, str], OrderRecord] = {}
        self._by_account: dict[tuple[str, str], list[OrderRecord]] = {}
        self._maybe_open: dict[tuple[str, str], list[OrderRecord]] = {}  # or ended since the last look
        self._lists_by_client: dict[tuple[str, str], ListRecord] = {}
        self._executions: dict[tuple[str, str], list[Execution]] = {}
        self._prevented: dict[str, list[PreventedMatch]] = {}
        self._untold: dict[tuple[str, int], list[PreventedMatch]] = {}  # by order: to be told in the fold under way
        self._decremented: dict[tuple[str, int], Decimal] = {}  # what the core took from orders' quantities
        self._reports = 0

    # ---- questions

    def order(self, account: str, symbol: str, order_id: int) -> OrderRecord | None:
        """Return the account's order of that id."""
        found = self.orders.get((symbol, order_id))
        return found if found is not None and found.account == account else None

    def named(self, account: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """Return the account's newest order of that client order id."""
        return self._by_client.get((account, symbol, client_order_id))

    def of_account(self, account: str, symbol: str) -> list[OrderRecord]:
        """Return the account's orders in the symbol, by id."""
        return self._by_account.get((account, symbol), [])

    def open_orders(self, account: str, symbol: str | None = None) -> list[OrderRecord]:
        """Return the account's open orders, of one symbol or of all."""
        found: list[OrderRecord] = []
        for each in self._places if symbol is None else (symbol,):
            key = (account, each)
            if key in self._maybe_open:
                self._maybe_open[key] = [order for order in self._maybe_open[key] if order.is_open]
                found += self._maybe_open[key]
        return found

    def list_named(self, account: str, client_id: str) -> ListRecord | None:
        """Return the account's newest order list of that client id."""
        return self._lists_by_client.get((account, client_id))

    def open_lists(self, account: str, symbol: str | None = None) -> list[ListRecord]:
        """Return the account's open order lists, of one symbol or of all, by id."""
        open_ids = {order.list_id for order in self.open_orders(account, symbol) if order.list_id >= 0}
        return [self.lists[number] for number in sorted(open_ids)]

    def executions(self, account: str, symbol: str) -> list[Execution]:
        """Return the account's executions in the symbol, by trade id."""
        return self._executions.get((account, symbol), [])

    def preventions(self, account: str, symbol: str) -> list[PreventedMatch]:
        """Return the account's prevented matches in the symbol, by number."""
        return [each for each in self._prevented.get(symbol, ()) if each.account == account]

    def decremented(self, record: OrderRecord) -> Decimal:
        """Return what the core took from an order's quantity where a match was prevented (DECREMENT)."""
        return self._decremented.get((record.symbol, record.order_id), ZERO)

    # ---- the fold

    def note_prevention(self, account: str, match: Prevention) -> None:
        """Number a match that was prevented; told before the events that came of it are folded."""
        matches = self._prevented.setdefault(match.symbol, [])
        prevented = PreventedMatch(len(matches) + 1, account, match)
        matches.append(prevented)
        for order_id in (match.taker_id, match.maker_id):
            key = (match.symbol, order_id)
            quantity = prevented.quantity_of(order_id)
            if quantity:
                self._untold.setdefault(key, []).append(prevented)
            if match.mode == "DECREMENT":
                self._decremented[key] = self._decremented.get(key, ZERO) + quantity

    def fold(
        self,
        account: str,
        events: Iterable[ExchangeEvent],
        books: Mapping[tuple[str, int], BookOrder],
        asked: Asked = NOTHING_ASKED,
    ) -> list[UserEvent]:
        """Take what one call of the core caused for an account; return what its subscribers hear of it.

        `books` finds an order in the core: what never changes of it is read there.
        """
        heard: list[UserEvent] = []
        positions: list[UserEvent] = []
        begun: dict[int, ListRecord] = {}
        touched: dict[int, ListRecord] = {}
        now = 0
        for event in events:
            now = event.at
            if isinstance(event, AccountChanged):
                positions.append(AccountPosition(event.at, event.balances))
                continue
            if isinstance(event, OrderOpened):
                record = self.orders.get((event.symbol, event.order_id))
                if record is None:
                    record = self._open(account, event, books[event.symbol, event.order_id], asked)
                    if record.list_id >= 0:
                        begun[record.list_id] = self._join(record, books[event.symbol, event.order_id], asked, now)
                heard.append(self._opened(record, event))
            elif isinstance(event, OrderExecuted):
                record = self.orders[event.symbol, event.order_id]
                heard.append(self._executed(record, event, books[event.symbol, event.order_id].quantity))
            elif isinstance(event, OrderTriggered):
                record = self.orders[event.symbol, event.order_id]
                record.working_at = record.updated_at = event.at
                heard.append(self._report(record, "NEW", event.at))
            elif isinstance(event, OrderEnded):
                record = self.orders[event.symbol, event.order_id]
                heard.append(self._ended(record, event, books[event.symbol, event.order_id].quantity, asked))
            else:
                continue
            if record.list_id >= 0:
                touched[record.list_id] = self.lists[record.list_id]
        heard += self._tell_decremented(account, now)
        heard += [_list_status(each, "EXEC_STARTED", "EXECUTING", now) for each in begun.values()]
        for each in touched.values():
            if not each.is_open:
                each.at = now
                heard.append(_list_status(each, "ALL_DONE", "ALL_DONE", now))
        return heard + positions

    def _tell_decremented(self, account: str, now: Time) -> list[UserEvent]:
        """Tell of the account's open orders of which a part was prevented."""
        heard: list[UserEvent] = []
        for key in [key for key in self._untold if key in self.orders and self.orders[key].account == account]:
            record = self.orders[key]
            record.prevented += self._untold.pop(key)
            record.updated_at = now
            heard.append(self._report(record, "TRADE_PREVENTION", now))
        return heard

    def amend(self, record: OrderRecord, quantity: Decimal, new_id: str, at: Time) -> list[UserEvent]:
        """Note that an order was amended, under a new client order id; with an OCO's leg its other one changes too."""
        old_id = record.client_order_id
        legs = self.lists[record.list_id].orders if record.list_id >= 0 else [record]
        pair = [leg for leg in legs if leg.is_open and leg.status == record.status and leg.quantity == record.quantity]
        heard: list[UserEvent] = []
        for leg in pair if len(legs) != 2 or self.lists[record.list_id].contingency == "OCO" else [record]:
            amendment = Amendment(
                self._reports + 1,
                leg.client_order_id,
                new_id if leg is record else leg.client_order_id,
                leg.quantity,
                quantity,
                at,
            )
            leg.quantity = quantity
            leg.updated_at = at
            leg.client_order_id = amendment.new_id
            leg.amendments.append(amendment)
            heard.append(self._report(leg, "REPLACED", at, original_id=amendment.old_id))
        if new_id != old_id:
            del self._by_client[record.account, record.symbol, old_id]
            self._by_client[record.account, record.symbol, new_id] = record
            if record.list_id >= 0:
                heard.append(_list_status(self.lists[record.list_id], "UPDATED", "EXECUTING", at))
        return heard

    def wire_list_id(self, symbol: str, list_id: int) -> int:
        """Return a list's id as the wire has it: the core numbers lists by symbol, Binance all together."""
        return list_id * len(self._places) + self._places[symbol] if list_id >= 0 else -1

    def _open(self, account: str, event: OrderOpened, found: BookOrder, asked: Asked) -> OrderRecord:
        record = OrderRecord(
            account,
            event.symbol,
            event.order_id,
            self.wire_list_id(event.symbol, event.list_id),
            event.client_order_id,
            event.side,
            event.type,
            event.quantity or ZERO,
            event.price,
            event.stop_price,
            found.time_in_force or "GTC",
            found.self_trade_prevention,
            found.quote_quantity,
            event.at,
            event.at,
            event.status,
            asked.extras.get(event.client_order_id, NO_EXTRAS),
        )
        self.orders[event.symbol, event.order_id] = record
        self._by_client[account, event.symbol, event.client_order_id] = record
        self._by_account.setdefault((account, event.symbol), []).append(record)
        self._maybe_open.setdefault((account, event.symbol), []).append(record)
        return record

    def _join(self, record: OrderRecord, found: BookOrder, asked: Asked, now: Time) -> ListRecord:
        known = self.lists.get(record.list_id)
        if known is None:
            known = ListRecord(
                record.account, record.symbol, record.list_id, found.list_client_id, asked.contingency, now, []
            )
            self.lists[record.list_id] = self._lists_by_client[record.account, found.list_client_id] = known
        known.orders.append(record)
        return known

    def _opened(self, record: OrderRecord, event: OrderOpened) -> ExecutionReport:
        record.status = event.status
        record.updated_at = event.at
        if event.quantity is not None:
            record.quantity = event.quantity
        if event.status == "NEW" and record.type not in CONDITIONAL:
            record.working_at = event.at
        return self._report(record, "NEW", event.at)

    def _executed(self, record: OrderRecord, event: OrderExecuted, quantity: Decimal) -> ExecutionReport:
        record.quantity = quantity + self.decremented(record)
        record.status = event.status
        record.updated_at = event.at
        record.executed = event.executed_quantity
        record.executed_quote += event.price * event.quantity
        if record.working_at < 0:
            record.working_at = event.at
        execution = Execution(
            event.trade_id,
            event.order_id,
            record.list_id,
            event.price,
            event.quantity,
            event.fee,
            event.fee_asset,
            event.side == "BUY",
            event.is_maker,
            event.at,
        )
        record.executions.append(execution)
        self._executions.setdefault((record.account, record.symbol), []).append(execution)
        return self._report(record, "TRADE", event.at, execution)

    def _ended(self, record: OrderRecord, event: OrderEnded, quantity: Decimal, asked: Asked) -> ExecutionReport:
        record.status = event.status
        record.updated_at = event.at
        record.expiry_reason = event.reason
        key = (record.symbol, record.order_id)
        if whole := quantity + self.decremented(record):
            record.quantity = whole
        if event.status == "CANCELED":
            record.canceled_as = asked.cancel_id
            return self._report(record, "CANCELED", event.at)
        if event.status == "EXPIRED_IN_MATCH":
            record.prevented += self._untold.pop(key, [])
            return self._report(record, "TRADE_PREVENTION", event.at)
        return self._report(record, "EXPIRED", event.at)

    def _report(
        self,
        record: OrderRecord,
        what: str,
        at: Time,
        execution: Execution | None = None,
        original_id: str = "",
    ) -> ExecutionReport:
        self._reports += 1
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
            execution_id=self._reports,
            on_book=record.status in {"NEW", "PARTIALLY_FILLED"} and record.working_at >= 0,
            created_at=record.created_at,
            working_at=record.working_at,
            self_trade_prevention=record.self_trade_prevention,
            extras=record.extras,
            expiry_reason=record.expiry_reason,
            prevented=record.prevented[-1] if record.prevented else None,
            prevented_quantity=record.prevented_quantity,
        )


def _list_status(record: ListRecord, status_type: str, order_status: str, at: Time) -> ListStatus:
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
