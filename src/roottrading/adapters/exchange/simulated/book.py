"""A symbol's book: its orders, where its tape stands, and what is remembered of orders that ended."""

from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from roottrading.adapters.exchange.simulated.ladder import Ladder
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.exchange.simulated.state import BookOrder, Execution, Market, Wallet
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE, ZERO
from roottrading.domain.time import Time

INFINITE: Final = Decimal("Infinity")  # a bound that the exchange did not set
Bounds = tuple[Decimal | None, Decimal | None]


class Book:
    """One symbol at the exchange."""

    __slots__ = (
        "base_fee_step",
        "clients",
        "down",
        "executions",
        "highest_price",
        "history",
        "instrument",
        "ladder",
        "lasting",
        "least_quantity",
        "limits",
        "lowest_price",
        "market",
        "most_quantity",
        "orders",
        "pairs",
        "quote_fee_step",
        "refused_lists",
        "room",
        "step",
        "tick",
        "up",
        "volume_share",
        "waiting",
    )

    def __init__(self, instrument: Instrument, model: FillModel) -> None:
        self.instrument = instrument
        self.market = Market(instrument.symbol, instrument.status)
        self.orders: dict[int, BookOrder] = {}  # alive, by id (and in its order)
        self.limits: dict[int, BookOrder] = {}  # those of them that rest at their limit
        self.waiting: dict[int, BookOrder] = {}  # those of them that wait for an open, in the order they came
        self.history: OrderedDict[int, BookOrder] = OrderedDict()  # ended, the first to end first
        self.executions: OrderedDict[tuple[int, int], Execution] = OrderedDict()  # by trade and order id
        self.clients: dict[tuple[str, str], int] = {}  # the newest order of an account's client order id
        self.pairs: dict[str, tuple[Wallet, Wallet]] = {}  # an account's wallets of base and quote
        self.ladder: Ladder | None = None  # a recorded book beside the accounts' orders
        self.lasting = False  # whether the last price stands until the next: a market of points, not of candles
        self.refused_lists = 0  # of so many lists to come the pending legs are refused: somebody meddles
        self.adopt(instrument)
        self.up = ONE + model.slippage
        self.down = ONE - model.slippage
        self.volume_share = model.volume_share

    def adopt(self, instrument: Instrument) -> None:
        """Go by these filters from now on; what is in the book stays."""
        self.instrument = instrument
        self.tick = instrument.tick_size
        self.step = instrument.step_size
        self.lowest_price = max(instrument.min_price, self.tick)
        self.highest_price = instrument.max_price or INFINITE
        self.least_quantity = max(instrument.min_quantity, self.step)
        self.most_quantity = instrument.max_quantity or INFINITE
        bounds = [most for most in (instrument.max_orders, instrument.max_algo_orders) if most is not None]
        self.room = min(bounds) if bounds else None  # so many open orders keep every bound on their number
        self.base_fee_step = ONE.scaleb(-instrument.base_fee_digits)
        self.quote_fee_step = ONE.scaleb(-instrument.quote_fee_digits)

    def taker_price(self, buys: bool, reference: Decimal) -> Decimal:
        """Return what a taker gets at `reference`: slipped, and to the tick to its disadvantage (trading-rules 5.3)."""
        tick = self.tick
        if buys:
            slipped = reference * self.up
            floored = slipped // tick * tick
            return floored if floored == slipped else floored + tick
        return reference * self.down // tick * tick or tick

    def open_at(self, now: Time) -> Decimal | None:
        """Return the open on which the tape stands now, or None inside a candle and in a halt (trading-rules 5.1).

        Where the market moves in points it is the last one's price, whenever an order comes.
        """
        market = self.market
        return market.last if market.standing and (market.open_time == now or self.lasting) else None

    def tell(self, now: Time) -> None:
        """Note, before the tape tells of a price at `now`, which one was known before that instant."""
        market = self.market
        if market.told_at != now:
            market.told_at = now
            market.earlier = market.last

    def price_before(self, now: Time) -> Decimal | None:
        """Return the last price that was known before `now`, whatever the tape has told of at `now` itself."""
        market = self.market
        return market.earlier if market.told_at == now else market.last

    def alive(self, account: str, client_order_id: str) -> BookOrder | None:
        """Return the account's open order of that client order id."""
        return self.orders.get(self.clients.get((account, client_order_id), -1))

    def known(self, account: str, client_order_id: str) -> BookOrder | None:
        """Return the account's newest order of that client order id, alive or ended."""
        number = self.clients.get((account, client_order_id), -1)
        return self.orders.get(number) or self.history.get(number)

    def of_account(self, account: str) -> Iterator[BookOrder]:
        """Return the account's open orders."""
        return (order for order in self.orders.values() if order.account == account)

    def legs_of(self, order: BookOrder) -> list[BookOrder]:
        """Return the open orders of the order's list, by id; the order alone where it has none."""
        number = order.list_id
        if number < 0:
            return [order]
        return [leg for leg in self.orders.values() if leg.list_id == number]

    def makers(self, buys: bool, bound: Decimal) -> list[BookOrder]:
        """Return what rests opposite to a taker who would go to `bound`: best price first, then the first to come."""
        found: list[tuple[Decimal, int, BookOrder]] = []
        for order in self.limits.values():
            price = order.price
            if price is None or (order.side == "BUY") is buys:
                continue
            if (price <= bound) if buys else (price >= bound):
                found.append((price if buys else -price, order.priority, order))
        if len(found) > 1:
            found.sort(key=lambda entry: entry[:2])
        return [order for _, _, order in found]

    def bounds(self) -> Bounds:
        """Return (below, above): a candle with low > below and high < above touches no resting order."""
        below: Decimal | None = None
        above: Decimal | None = None
        for order in self.orders.values():
            if order.waits in {"limit", "trigger"}:
                level = order.level
                if order.falls:
                    if below is None or level > below:
                        below = level
                elif above is None or level < above:
                    above = level
        return below, above

    def begin_candle(self, open_time: Time, volume: Decimal) -> None:
        """Turn to a candle; to one already begun with what is left of it."""
        market = self.market
        if market.open_time != open_time:
            market.open_time = open_time
            market.traded = volume > ZERO
            market.allowance = volume * self.volume_share
            if market.bought:
                market.bought = ()
