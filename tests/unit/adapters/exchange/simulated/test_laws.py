"""What holds whatever is asked: money is conserved, no fill is too good, a restart changes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal as D
from typing import Any

from hypothesis import HealthCheck, settings

from roottrading.domain.candle import Candle
from roottrading.messages.exchange import AccountChanged, ExchangeEvent, OrderExecuted
from tests.unit.adapters.exchange.simulated.machine import ACCOUNTS, Walk

TICK, STEP = D("0.1"), D("0.01")


class Laws(Walk):
    """The walk, looked at after every call."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], tuple[D, D]] = {}
        self.taken, self.taken_in = D(0), -1
        super().__init__()
        self.told = {(who, asset): (amount, D(0)) for who in ACCOUNTS for asset, amount in self.balances.items()}

    def check(self) -> None:
        state = self.steady.state()
        orders = [record for (table, _), record in state.items() if table == "exchange_orders" and not record.ended]
        self.check_money(orders)
        self.check_book(orders)

    def check_money(self, orders: Sequence[Any]) -> None:
        """Every balance is the sum of what its account was told; locked is what its open orders need."""
        for account in ACCOUNTS:
            expected = dict(self.balances)
            for fill in self.executed[account]:
                sign = 1 if fill.side == "BUY" else -1
                expected["BTC"] += sign * fill.quantity
                expected["USDT"] -= sign * fill.quantity * fill.price
                expected[fill.fee_asset] -= fill.fee
            for asset, balance in self.steady.balances(account).items():
                assert balance.free >= 0
                assert balance.locked >= 0
                assert balance.free + balance.locked == expected[asset]
                assert self.told[account, asset] == (balance.free, balance.locked)
                mine = [order for order in orders if order.account == account and asset == self.pays_in(order)]
                assert balance.locked == sum(order.locked for order in mine)
                lists: dict[object, D] = defaultdict(D)
                for order in mine:
                    key = ("list", order.list_id) if order.sibling >= 0 else order.id
                    lists[key] = max(lists[key], self.needs(order))
                fixed = [o for o in mine if o.waits in {"limit", "trigger"}]
                assert sum(o.locked for o in fixed) == sum(
                    need for key, need in lists.items() if any(key in {o.id, ("list", o.list_id)} for o in fixed)
                )

    @staticmethod
    def pays_in(order: Any) -> str:
        return "USDT" if order.side == "BUY" else "BTC"

    @staticmethod
    def needs(order: Any) -> D:
        rest = order.quantity - order.executed
        return D(rest if order.side == "SELL" else rest * (order.price or order.stop_price or 0))

    def check_book(self, orders: Sequence[Any]) -> None:
        """No bid stands at or above an ask, and every open order has something left to do."""
        resting = [order for order in orders if order.waits == "limit"]
        bids = [order.price for order in resting if order.side == "BUY"]
        asks = [order.price for order in resting if order.side == "SELL"]
        assert not bids or not asks or max(bids) < min(asks)
        for order in orders:
            assert order.status in {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}
            assert order.waits
            assert (order.status == "PENDING_NEW") == (order.waits == "working")
            assert order.executed < order.quantity or order.quantity == 0

    def heard(self, mail: Mapping[str, Sequence[ExchangeEvent]]) -> None:
        trades: dict[int, list[OrderExecuted]] = defaultdict(list)
        for account, events in mail.items():
            for event in events:
                assert event.at == self.now
                if isinstance(event, AccountChanged):
                    for balance in event.balances:
                        self.told[account, balance.asset] = (balance.free, balance.locked)
                if isinstance(event, OrderExecuted):
                    self.check_fill(event)
                    trades[event.trade_id].append(event)
        self.check_volume(trades.values())

    def check_volume(self, trades: Iterable[Sequence[OrderExecuted]]) -> None:
        """Candles give a tenth of their volume at most; what two orders trade with each other is not theirs."""
        assert self.begun is not None
        if self.begun.open_time != self.taken_in:
            self.taken, self.taken_in = D(0), self.begun.open_time
        for fills in trades:
            if len(fills) == 1:
                self.taken += fills[0].quantity
                self.check_price(fills[0], self.begun)
            else:
                first, second = fills
                assert {first.side, second.side} == {"BUY", "SELL"}
                assert (first.price, first.quantity) == (second.price, second.quantity)
                assert first.is_maker is not second.is_maker
        assert self.taken <= self.begun.volume / 10

    def check_fill(self, fill: OrderExecuted) -> None:
        """On the tick and the step, the fee rounded down."""
        assert fill.price % TICK == 0
        assert fill.quantity % STEP == 0
        assert fill.quantity > 0
        received, digits = (fill.quantity, 5) if fill.side == "BUY" else (fill.quantity * fill.price, 3)
        assert fill.fee_rate == (self.fees.maker if fill.is_maker else self.fees.taker)
        assert fill.fee <= received * fill.fee_rate < fill.fee + D(1).scaleb(-digits)

    def check_price(self, fill: OrderExecuted, candle: Candle) -> None:
        """Makers were traded through by a tick, takers got the slipped open or nothing better than the range."""
        buys = fill.side == "BUY"
        if fill.is_maker:
            assert self.now == candle.at
            assert (candle.low <= fill.price - TICK) if buys else (candle.high >= fill.price + TICK)
        elif self.now == candle.open_time:
            ticks = int(candle.open * 10)  # slippage is 15 basis points
            assert int(fill.price * 10) == (-(-ticks * 10015 // 10000) if buys else ticks * 9985 // 10000)
        else:
            assert self.now == candle.at
            assert (fill.price > candle.low) if buys else (fill.price < candle.high)


TestLaws = Laws.TestCase
TestLaws.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
