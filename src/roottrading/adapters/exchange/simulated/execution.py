"""Executions: what a fill does to an order, to its account's balances and to the other leg of its list."""

from decimal import Decimal

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.commission import BNB, commission
from roottrading.adapters.exchange.simulated.orders import lock, needs, part_from_sibling, payer, retire, unlock
from roottrading.adapters.exchange.simulated.state import BookOrder, Execution
from roottrading.adapters.exchange.simulated.venue import Venue
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderExecuted


def match(venue: Venue, book: Book, taker: BookOrder, maker: BookOrder, quantity: Decimal, now: Time) -> None:
    """Let two orders trade with each other at the resting one's price."""
    price = maker.price
    assert price is not None  # makers rest at a limit
    trade = book.market.trades = book.market.trades + 1
    for order in sorted((taker, maker), key=lambda order: order.id):
        fill(venue, book, order, price, quantity, order is maker, trade, now)


def fill_from_candle(
    venue: Venue, book: Book, order: BookOrder, price: Decimal, quantity: Decimal, is_maker: bool, now: Time
) -> None:
    """Fill up to `quantity` out of what the candle's volume allows, in whole steps (trading-rules 5.4)."""
    market = book.market
    if quantity > market.allowance:
        quantity = market.allowance // book.step * book.step
    if quantity:
        market.allowance -= quantity
        trade = market.trades = market.trades + 1
        fill(venue, book, order, price, quantity, is_maker, trade, now)


def fill(
    venue: Venue,
    book: Book,
    order: BookOrder,
    price: Decimal,
    quantity: Decimal,
    is_maker: bool,
    trade: int,
    now: Time,
) -> None:
    """Execute `quantity` of the order at `price`."""
    if order.sibling >= 0:
        _touch_one_leg(venue, book, order, now)
    amount, asset, rate = commission(venue, book, order, price, quantity, is_maker, now)
    value = price * quantity
    _settle(venue, book, order, price, quantity, value, amount, asset)
    order.executed = executed = order.executed + quantity
    order.executed_quote += value
    filled = executed == order.quantity
    order.status = "FILLED" if filled else "PARTIALLY_FILLED"
    order.updated_at = now
    event = OrderExecuted(
        order.symbol,
        order.client_order_id,
        now,
        order.id,
        trade,
        order.side,
        price,
        quantity,
        amount,
        asset,
        rate,
        is_maker,
        executed,
        order.status,
    )
    venue.mail[order.account].append(event)
    _remember(venue, book, order.account, event)
    if not filled:
        if venue.changes is not None:
            venue.changed(order)
        return
    if order.locked:  # a buy that was cheaper than its limit
        unlock(venue, payer(venue, book, order), order)
    retire(venue, book, order, now)
    if order.pending:
        venue.placements.append(order)


def _touch_one_leg(venue: Venue, book: Book, order: BookOrder, now: Time) -> None:
    """End the other leg of an OCO, and lock for this one alone what it needs by itself."""
    part_from_sibling(venue, book, order, now)
    if order.waits == "limit":
        wanted = needs(book, order)
        if order.locked != wanted:
            wallet = payer(venue, book, order)
            unlock(venue, wallet, order)
            lock(venue, wallet, order, wanted)


def _settle(
    venue: Venue,
    book: Book,
    order: BookOrder,
    price: Decimal,
    quantity: Decimal,
    value: Decimal,
    fee: Decimal,
    fee_asset: str,
) -> None:
    """Move the money: paid from what the order locked (else from free), received into free or its pending leg.

    `value` is price x quantity.
    """
    base, quote = book.pairs.get(order.account) or venue.pair(book, order.account)
    venue.touched += (base, quote)
    if order.side == "SELL":
        receiver, received = quote, value
        if order.locked:
            order.locked -= quantity
            base.locked -= quantity
        else:
            base.free -= quantity
    else:
        receiver, received = base, quantity
        if order.locked:  # at its limit: what the fill was cheaper becomes free
            reserved = (order.price or price) * quantity
            order.locked -= reserved
            quote.locked -= reserved
            quote.free += reserved
        quote.free -= value
        market = book.market
        if order.account not in market.bought:
            market.bought = (*market.bought, order.account)
    if fee_asset != receiver.asset:
        wallet = venue.wallet(order.account, fee_asset)
        venue.touched.append(wallet)
        wallet.free -= fee
    elif order.pays and base.asset != BNB and base.free >= fee:
        base.free -= fee  # an OPO's legs get all that was bought where free base pays (trading-rules 1.3)
    else:
        received -= fee
    if order.pays:
        leg = book.orders[order.pending[0]]
        leg.locked += received
        receiver.locked += received
        if venue.changes is not None:
            venue.changed(leg)
    else:
        receiver.free += received


def _remember(venue: Venue, book: Book, account: str, event: OrderExecuted) -> None:
    """Keep the execution for ListFills, and forget the oldest one where history is full."""
    executions, changes = book.executions, venue.changes
    key = (event.trade_id, event.order_id)
    executions[key] = Execution(account, event)
    if changes is not None:
        changes.executions.add((event.symbol, *key))
    if len(executions) > venue.model.history:
        oldest, _ = executions.popitem(last=False)
        if changes is not None:
            changes.executions.add((event.symbol, *oldest))
