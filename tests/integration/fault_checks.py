"""What must hold after a cell, whatever went wrong: the bot's ledger, its books and the exchange's account agree."""

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any, Final

from roottrading.domain.money import ZERO
from roottrading.domain.time import SECOND, Time
from roottrading.exchange_server.records import OrderRecord
from roottrading.runtimes.result import journal
from roottrading.services.portfolio.state import BOOKS, HOLDINGS
from tests.integration.fault_cell import END, FOREIGN_ORDER, KEY, NEXT_ENTRY_AT, PREFIX, SYMBOL, Played

RECEIVED_FOR: Final = 3 * SECOND  # an entry is taken for so long after it was issued (trading-rules 3.5)
UNPROTECTED: Final = 15 * SECOND  # the bound: recvWindow + 10 s (trading-rules 1.4), and 2 s until doubt begins
LEAST: Final = Decimal(10)  # worth of what can be sold at all
BASE, QUOTE = "LTC", "USDT"


def problems(played: Played) -> list[str]:
    """Return everything that is wrong, in words."""
    return [
        *(f"raised: {said}" for said in played.raised),
        *_fills(played),
        *_orders(played),
        *_balances(played),
        *_entries(played),
        *_goes_on(played),
    ]


def longest_unprotected(played: Played) -> Time:
    """Return the longest span in which something to sell was held and no resting stop covered it, in microseconds."""
    changes: dict[Time, list[tuple[Decimal, Decimal]]] = defaultdict(list)  # held, covered
    prices = [Decimal(0)]
    for record in _ours(played):
        is_stop = record.stop_price is not None
        if is_stop:
            changes[record.created_at].append((ZERO, record.quantity))
            if not record.is_open:
                changes[record.updated_at].append((ZERO, record.executed - record.quantity))
        for each in record.executions:
            fee = each.fee if each.fee_asset == BASE else ZERO
            held = each.quantity - fee if record.side == "BUY" else -each.quantity
            changes[each.at].append((held, -each.quantity if is_stop else ZERO))
            prices.append(each.price)
    held = covered = ZERO
    since: Time | None = None
    longest = 0
    for at, several in sorted(changes.items()):
        held += sum((change for change, _ in several), ZERO)
        covered += sum((change for _, change in several), ZERO)
        naked = (held - covered) * max(prices) > LEAST
        if naked and since is None:
            since = at
        elif not naked and since is not None:
            longest, since = max(longest, at - since), None
    return longest if since is None else max(longest, END - since)


def _ours(played: Played) -> list[OrderRecord]:
    records = played.exchange.venue.ledger.of_account(KEY, SYMBOL)
    return [record for record in records if record.client_order_id.startswith(PREFIX)]


def _fills(played: Played) -> list[str]:
    """Compare the bot's fills with the exchange's executions."""
    booked = {
        fill.trade_id: (fill.price, fill.quantity, fill.fee, fill.fee_asset, fill.side)
        for fill in journal(played.store, "fills")
    }
    executed = {
        each.trade_id: (each.price, each.quantity, each.fee, each.fee_asset, "BUY" if each.is_buyer else "SELL")
        for each in played.exchange.venue.ledger.executions(KEY, SYMBOL)
    }
    found = []
    if booked != executed:
        found.append(f"fills: the exchange executed {executed}, and booked is {booked}")
    return found


def _orders(played: Played) -> list[str]:
    """Compare orders by their client order id: none twice, and the same statuses."""
    there = _ours(played)
    counts = Counter(record.client_order_id for record in there)
    found = [f"{name} was taken {count} times" for name, count in counts.items() if count > 1]
    known = {order.client_order_id: order for order in journal(played.store, "orders")}
    for record in there:
        order = known.get(record.client_order_id)
        if order is None and record.list_id >= 0 and record.status == "EXPIRED" and not record.executed:
            continue  # a pending leg that was never placed is no order of ours (trading-rules 6.4)
        if order is None:
            found.append(f"order {record.client_order_id} ({record.status}) is not known")
        elif order.status != record.status or order.executed_quantity != record.executed:
            found.append(f"order {record.client_order_id} is {record.status}, and booked as {order.status}")
    for name in known.keys() - counts.keys():
        if known[name].executed_quantity or known[name].status in {"NEW", "PARTIALLY_FILLED", "FILLED"}:
            found.append(f"order {name} is booked as {known[name].status}, and the exchange never had it")
    return found


def _balances(played: Played) -> list[str]:
    """Compare the books and what is foreign with the account."""
    rows = played.store.load().rows
    books: Any = rows[BOOKS][0].values
    own = {QUOTE: books.cash, BASE: ZERO}
    for row in rows[HOLDINGS]:
        holding: Any = row.values
        own[BASE] += holding.from_market + holding.from_owner - holding.all_base_fees
    there = {asset: balance.free + balance.locked for asset, balance in played.exchange.venue.balances(KEY).items()}
    expected = dict(played.foreign)
    for asset, amount in own.items():
        expected[asset] = expected.get(asset, ZERO) + amount
    found = [
        f"{asset}: the account holds {there.get(asset, ZERO)}, ours and foreign ones are {expected.get(asset, ZERO)}"
        for asset in sorted(there.keys() | expected.keys())
        if there.get(asset, ZERO) != expected.get(asset, ZERO)
    ]
    by_hand = played.exchange.venue.ledger.named(KEY, SYMBOL, FOREIGN_ORDER)
    if by_hand is None or by_hand.status != "NEW":
        found.append(f"the foreign order is {by_hand.status if by_hand else 'gone'}")
    return found


def _entries(played: Played) -> list[str]:
    """Demand that no entry was executed after it had expired, and that no cycle bought twice."""
    issued = {order.client_order_id: order for order in journal(played.store, "orders")}
    bought: Counter[str] = Counter()
    found = []
    for record in _ours(played):
        if record.side != "BUY" or not record.executed:
            continue
        order = issued.get(record.client_order_id)
        if order is None:
            continue
        if record.created_at - order.created_at > RECEIVED_FOR:
            found.append(f"entry {record.client_order_id} was executed after it had expired")
        bought[order.cycle_id] += 1
    return [*found, *(f"cycle {cycle} was entered {count} times" for cycle, count in bought.items() if count > 1)]


def _goes_on(played: Played) -> list[str]:
    """Demand that the next cycle was entered, so that nothing stays behind that hinders.

    Where word of the balances came late, books and account differed at the last T: that refuses one entry by name.
    """
    bought = [record.created_at for record in _ours(played) if record.side == "BUY" and record.executed]
    if bought and max(bought) >= NEXT_ENTRY_AT:
        return []
    reasons = [refusal.reason for refusal in journal(played.store, "refusals")]
    return [] if reasons == ["discrepancy"] else [f"the next cycle was not entered: {reasons}"]
