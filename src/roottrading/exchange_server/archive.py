"""The archive: every order, list and execution of the accounts, by all that one can ask for."""

from collections.abc import Iterable

from roottrading.exchange_server.records import Execution, ListRecord, OrderRecord


class Archive:
    """Records as they were added; an order found is the record itself."""

    def __init__(self, symbols: Iterable[str]) -> None:
        """Keep what happens in these symbols."""
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self.orders: dict[tuple[str, int], OrderRecord] = {}
        self.lists: dict[int, ListRecord] = {}
        self._by_client: dict[tuple[str, str, str], OrderRecord] = {}
        self._by_account: dict[tuple[str, str], list[OrderRecord]] = {}
        self._maybe_open: dict[tuple[str, str], list[OrderRecord]] = {}  # or ended since the last look
        self._lists_by_client: dict[tuple[str, str], ListRecord] = {}
        self._executions: dict[tuple[str, str], list[Execution]] = {}

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

    def wire_list_id(self, symbol: str, list_id: int) -> int:
        """Return a list's id as the wire has it: the core numbers lists by symbol, Binance all together."""
        return list_id * len(self._places) + self._places[symbol] if list_id >= 0 else -1

    # ---- what happens

    def add_order(self, record: OrderRecord) -> None:
        """Take an order in."""
        self.orders[record.symbol, record.order_id] = record
        self._by_client[record.account, record.symbol, record.client_order_id] = record
        self._by_account.setdefault((record.account, record.symbol), []).append(record)
        self._maybe_open.setdefault((record.account, record.symbol), []).append(record)

    def add_list(self, record: ListRecord) -> None:
        """Take an order list in."""
        self.lists[record.list_id] = self._lists_by_client[record.account, record.client_id] = record

    def add_execution(self, record: OrderRecord, execution: Execution) -> None:
        """Take an execution of an order in."""
        record.executions.append(execution)
        self._executions.setdefault((record.account, record.symbol), []).append(execution)

    def rename(self, record: OrderRecord, old_id: str) -> None:
        """Find an order by its new client order id, and no more by its old one."""
        del self._by_client[record.account, record.symbol, old_id]
        self._by_client[record.account, record.symbol, record.client_order_id] = record
