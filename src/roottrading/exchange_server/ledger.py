"""The ledger: every order, list and execution as accounts see them, folded from the matching core's events."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.adapters.exchange.simulated.venue import Prevention
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.exchange_server.archive import Archive
from roottrading.exchange_server.prevented_matches import PreventedMatches
from roottrading.exchange_server.records import (
    CONDITIONAL,
    Amendment,
    Execution,
    Extras,
    ListRecord,
    OrderRecord,
    PreventedMatch,
)
from roottrading.exchange_server.reporting import Reporter, list_status
from roottrading.exchange_server.user_events import AccountPosition, ExecutionReport, UserEvent
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


class Ledger(Archive):
    """What accounts can ask for; a fold, so the same requests give the same ledger."""

    def __init__(self, symbols: Iterable[str]) -> None:
        super().__init__(symbols)
        self._prevented = PreventedMatches()
        self._reporter = Reporter()

    def preventions(self, account: str, symbol: str) -> list[PreventedMatch]:
        """Return the account's prevented matches in the symbol, by number."""
        return self._prevented.of(account, symbol)

    def decremented(self, record: OrderRecord) -> Decimal:
        """Return what the core took from an order's quantity where a match was prevented (DECREMENT)."""
        return self._prevented.decremented(record)

    def note_prevention(self, account: str, match: Prevention) -> None:
        """Number a match that was prevented; told before the events that came of it are folded."""
        self._prevented.note(account, match)

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
                heard.append(self._reporter.report(record, "NEW", event.at))
            elif isinstance(event, OrderEnded):
                record = self.orders[event.symbol, event.order_id]
                heard.append(self._ended(record, event, books[event.symbol, event.order_id].quantity, asked))
            else:
                continue
            if record.list_id >= 0:
                touched[record.list_id] = self.lists[record.list_id]
        heard += self._tell_decremented(account, now)
        heard += [list_status(each, "EXEC_STARTED", "EXECUTING", now) for each in begun.values()]
        for each in touched.values():
            if not each.is_open:
                each.at = now
                heard.append(list_status(each, "ALL_DONE", "ALL_DONE", now))
        return heard + positions

    def _tell_decremented(self, account: str, now: Time) -> list[UserEvent]:
        """Tell of the account's open orders of which a part was prevented."""
        heard: list[UserEvent] = []
        for key in self._prevented.untold():
            record = self.orders.get(key)
            if record is not None and record.account == account:
                self._prevented.tell(record)
                record.updated_at = now
                heard.append(self._reporter.report(record, "TRADE_PREVENTION", now))
        return heard

    def amend(self, record: OrderRecord, quantity: Decimal, new_id: str, at: Time) -> list[UserEvent]:
        """Note that an order was amended, under a new client order id; with an OCO's leg its other one changes too."""
        old_id = record.client_order_id
        legs = self.lists[record.list_id].orders if record.list_id >= 0 else [record]
        pair = [leg for leg in legs if leg.is_open and leg.status == record.status and leg.quantity == record.quantity]
        heard: list[UserEvent] = []
        for leg in pair if len(legs) != 2 or self.lists[record.list_id].contingency == "OCO" else [record]:
            amendment = Amendment(
                self._reporter.count + 1,
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
            heard.append(self._reporter.report(leg, "REPLACED", at, original_id=amendment.old_id))
        if new_id != old_id:
            self.rename(record, old_id)
            if record.list_id >= 0:
                heard.append(list_status(self.lists[record.list_id], "UPDATED", "EXECUTING", at))
        return heard

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
        self.add_order(record)
        return record

    def _join(self, record: OrderRecord, found: BookOrder, asked: Asked, now: Time) -> ListRecord:
        known = self.lists.get(record.list_id)
        if known is None:
            known = ListRecord(
                record.account, record.symbol, record.list_id, found.list_client_id, asked.contingency, now, []
            )
            self.add_list(known)
        known.orders.append(record)
        return known

    def _opened(self, record: OrderRecord, event: OrderOpened) -> ExecutionReport:
        record.status = event.status
        record.updated_at = event.at
        if event.quantity is not None:
            record.quantity = event.quantity
        if event.status == "NEW" and record.type not in CONDITIONAL:
            record.working_at = event.at
        return self._reporter.report(record, "NEW", event.at)

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
        self.add_execution(record, execution)
        return self._reporter.report(record, "TRADE", event.at, execution)

    def _ended(self, record: OrderRecord, event: OrderEnded, quantity: Decimal, asked: Asked) -> ExecutionReport:
        record.status = event.status
        record.updated_at = event.at
        record.expiry_reason = event.reason
        if whole := quantity + self.decremented(record):
            record.quantity = whole
        if event.status == "CANCELED":
            record.canceled_as = asked.cancel_id
            return self._reporter.report(record, "CANCELED", event.at)
        if event.status == "EXPIRED_IN_MATCH":
            self._prevented.tell(record)
            return self._reporter.report(record, "TRADE_PREVENTION", event.at)
        return self._reporter.report(record, "EXPIRED", event.at)
