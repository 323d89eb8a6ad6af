"""What an exchange server says of an account, asked as any client would, and whether a bot's state agrees with it."""

import hashlib
import hmac
import json
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from roottrading.adapters.store.inspection import inspect_folder
from roottrading.domain.money import ZERO
from roottrading.domain.time import MILLISECOND, SECOND, Time, parse_time
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.services.portfolio.state import BOOKS, HOLDINGS

RECEIVED_FOR: Final = 3 * SECOND  # recvWindow: a request is taken for so long after it was issued (4.1)
LEAST: Final = Decimal(10)  # worth of what can be sold at all
PAGE: Final = 1_000  # the most that is answered at once
QUOTE: Final = "USDT"
Span = tuple[Time, Time]
_TABLES: Final = tuple(
    table
    for table in ALL_TABLES
    if table.name in {"orders", "fills", "trade_cycles", "account_adjustments", BOOKS, HOLDINGS}
)


class Account:
    """An account of an exchange server, and its admin door."""

    def __init__(self, url: str, admin: str, key: str, secret: str) -> None:
        self._url = url
        self._admin = admin
        self._key = key
        self._secret = secret

    def now(self) -> Time:
        """Return the exchange's time."""
        return parse_time(self.admin("clock")["now"])

    def admin(self, path: str, body: object = None, method: str | None = None) -> Any:
        """Ask the admin door, or tell it something."""
        data = None if body is None else json.dumps(body).encode()
        return _asked(urllib.request.Request(f"{self._admin}/{path}", data, method=method))

    def signed(self, method: str, path: str, **parameters: object) -> Any:
        """Ask the exchange for what is the account's own."""
        now = _asked(urllib.request.Request(f"{self._url}/api/v3/time"))["serverTime"]
        query = urlencode({**parameters, "timestamp": now, "recvWindow": 60_000})
        signature = hmac.new(self._secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self._url}/api/v3/{path}?{query}&signature={signature}"
        return _asked(urllib.request.Request(url, headers={"X-MBX-APIKEY": self._key}, method=method))

    def pages(self, path: str, symbol: str, first: str, name: str) -> list[dict[str, Any]]:
        """Return all that there is of a symbol, from page to page."""
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            page = self.signed("GET", path, symbol=symbol, limit=PAGE, **{first: after})
            found += page
            if len(page) < PAGE:
                return found
            after = max(each[name] for each in page) + 1

    def orders(self, symbol: str) -> list[dict[str, Any]]:
        """Return all orders of a symbol that there ever were."""
        return self.pages("allOrders", symbol, "orderId", "orderId")

    def trades(self, symbol: str) -> list[dict[str, Any]]:
        """Return all executions of a symbol."""
        return self.pages("myTrades", symbol, "fromId", "id")

    def totals(self) -> dict[str, Decimal]:
        """Return what the account holds, by asset."""
        held = {
            each["asset"]: Decimal(each["free"]) + Decimal(each["locked"])
            for each in self.signed("GET", "account")["balances"]
        }
        return {asset: total for asset, total in held.items() if total}


class Books(Struct):
    """What a state folder says: orders by their client order id, fills by symbol and trade id, and what is owned."""

    orders: dict[str, Any]
    fills: dict[tuple[str, int], Any]
    cycles: Sequence[Any]
    own: dict[str, Decimal]


class Agreement(Struct):
    """What the comparison came to: all that is wrong, in words, and what there was."""

    problems: list[str]
    orders: int
    trades: int
    entries: int
    unprotected: dict[str, list[Span]]  # by symbol: spans in which no stop stood before what was held
    listed: dict[str, list[dict[str, Any]]]  # by symbol: all orders of the bot, as the exchange tells them


def read_books(folder: Path) -> Books:
    """Read a state folder, whoever owns it."""
    return books_of(inspect_folder(folder, _TABLES).records)


def books_of(records: Mapping[str, Sequence[Any]]) -> Books:
    """Return what these records say, by table."""
    (books,) = records[BOOKS]
    own: dict[str, Decimal] = {QUOTE: books.cash}
    for holding in records[HOLDINGS]:
        base = holding.symbol.removesuffix(QUOTE)
        own[base] = own.get(base, ZERO) + holding.from_market + holding.from_owner - holding.all_base_fees
    return Books(
        {order.client_order_id: order for order in records["orders"]},
        {(fill.symbol, fill.trade_id): fill for fill in records["fills"]},
        records["trade_cycles"],
        own,
    )


def compare(
    account: Account, folder: Path, symbols: Sequence[str], foreign: Mapping[str, Decimal], foreign_order: str
) -> Agreement:
    """Hold the ledger and books of a state folder against the account."""
    return compare_books(account, read_books(folder), symbols, foreign, foreign_order)


def compare_books(
    account: Account, books: Books, symbols: Sequence[str], foreign: Mapping[str, Decimal], foreign_order: str
) -> Agreement:
    """Hold a bot's ledger and books, and what is foreign, against the account's orders, executions and balances."""
    found = Agreement([], 0, 0, 0, {}, {})
    for symbol in symbols:
        orders, trades = account.orders(symbol), account.trades(symbol)
        ours = [order for order in orders if order["clientOrderId"] != foreign_order]
        found.listed[symbol] = ours
        found.orders += len(ours)
        found.trades += len(trades)
        found.problems += _fills(symbol, trades, books)
        found.problems += _orders(symbol, ours, books)
        found.entries += sum(each["side"] == "BUY" and Decimal(each["executedQty"]) > 0 for each in ours)
        found.problems += _late(ours, books)
        found.unprotected[symbol] = unprotected(ours, trades, symbol.removesuffix(QUOTE))
        resting = [order["status"] for order in orders if order["clientOrderId"] == foreign_order]
        if resting not in ([], ["NEW"]):
            found.problems.append(f"the foreign order in {symbol} is {resting}")
    found.problems += _bought_twice(books)
    there, expected = account.totals(), dict(foreign)
    for asset, amount in books.own.items():
        expected[asset] = expected.get(asset, ZERO) + amount
    found.problems += [
        f"{asset}: the account holds {there.get(asset, ZERO)}, ours and foreign ones are {expected.get(asset, ZERO)}"
        for asset in sorted(there.keys() | expected.keys())
        if there.get(asset, ZERO) != expected.get(asset, ZERO)
    ]
    return found


def unprotected(orders: Sequence[dict[str, Any]], trades: Sequence[dict[str, Any]], base: str) -> list[Span]:
    """Return the spans in which something to sell was held and no resting stop covered all of it, oldest first."""
    changes: dict[Time, list[tuple[Decimal, Decimal]]] = defaultdict(list)  # held, covered
    stops = {order["orderId"] for order in orders if Decimal(order.get("stopPrice", "0"))}
    highest = max((Decimal(trade["price"]) for trade in trades), default=ZERO)
    for order in orders:
        if order["orderId"] in stops:
            quantity = Decimal(order["origQty"])
            changes[order["time"]].append((ZERO, quantity))
            if order["status"] not in {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}:
                changes[order["updateTime"]].append((ZERO, Decimal(order["executedQty"]) - quantity))
    for trade in trades:
        quantity = Decimal(trade["qty"])
        fee = Decimal(trade["commission"]) if trade["commissionAsset"] == base else ZERO
        covered = -quantity if trade["orderId"] in stops else ZERO
        changes[trade["time"]].append((quantity - fee if trade["isBuyer"] else -quantity, covered))
    spans: list[Span] = []
    held = covered = ZERO
    since: Time | None = None
    for at, several in sorted(changes.items()):
        held += sum((change for change, _ in several), ZERO)
        covered += sum((change for _, change in several), ZERO)
        naked = (held - covered) * highest > LEAST
        if naked and since is None:
            since = at
        elif not naked and since is not None:
            spans.append((since * MILLISECOND, at * MILLISECOND))
            since = None
    if since is not None:
        spans.append((since * MILLISECOND, max(changes) * MILLISECOND))
    return spans


def _fills(symbol: str, trades: Sequence[dict[str, Any]], books: Books) -> list[str]:
    booked = {
        number: (fill.price, fill.quantity, fill.fee, fill.fee_asset, fill.side)
        for (of, number), fill in books.fills.items()
        if of == symbol
    }
    executed = {
        each["id"]: (
            Decimal(each["price"]),
            Decimal(each["qty"]),
            Decimal(each["commission"]),
            each["commissionAsset"],
            "BUY" if each["isBuyer"] else "SELL",
        )
        for each in trades
    }
    return [
        f"{symbol}: trade {number} is {executed.get(number)} at the exchange, {booked.get(number)} in the ledger"
        for number in sorted(booked.keys() | executed.keys())
        if booked.get(number) != executed.get(number)
    ]


def _orders(symbol: str, ours: Sequence[dict[str, Any]], books: Books) -> list[str]:
    counts = Counter(order["clientOrderId"] for order in ours)
    found = [f"{name} was taken {count} times" for name, count in counts.items() if count > 1]
    for there in ours:
        name, executed = there["clientOrderId"], Decimal(there["executedQty"])
        order = books.orders.get(name)
        if order is None:
            never_placed = there["orderListId"] >= 0 and there["status"] == "EXPIRED" and not executed
            if not never_placed:  # a pending leg that was never placed is no order of ours (trading-rules 6.4)
                found.append(f"order {name} ({there['status']}) is not known")
        elif (order.status, order.executed_quantity) != (there["status"], executed):
            found.append(
                f"order {name} is {there['status']} with {executed}, and booked as {order.status} with "
                f"{order.executed_quantity}"
            )
    for name, order in books.orders.items():
        lives = order.executed_quantity or order.status in {"NEW", "PARTIALLY_FILLED", "FILLED"}
        if order.symbol == symbol and name not in counts and lives:
            found.append(f"order {name} is booked as {order.status}, and the exchange never had it")
    return found


def _late(ours: Sequence[dict[str, Any]], books: Books) -> list[str]:
    """Demand that nothing was taken later than its recvWindow allows: no expired entry, nothing of a bot that slept."""
    found = []
    for there in ours:
        order = books.orders.get(there["clientOrderId"])
        if order is not None and (late := there["time"] * MILLISECOND - order.created_at) > RECEIVED_FOR:
            found.append(f"order {there['clientOrderId']} was taken {late / SECOND} s after it had been issued")
    return found


def _bought_twice(books: Books) -> list[str]:
    """Demand that no cycle bought more than it was to; an entry completed at market has two orders."""
    bought: dict[str, Decimal] = defaultdict(Decimal)
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for order in books.orders.values():
        if order.side == "BUY":
            bought[order.cycle_id] += order.executed_quantity
            wanted[order.cycle_id] = max(wanted[order.cycle_id], order.quantity)
    return [
        f"cycle {cycle} bought {amount} where it was to buy {wanted[cycle]}"
        for cycle, amount in bought.items()
        if amount > wanted[cycle]
    ]


def _asked(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
