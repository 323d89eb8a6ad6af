"""A random walk through the exchange: two accounts ask for anything at all while a tape of small candles runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal as D

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated import FillModel, SimulatedExchange
from roottrading.domain.candle import Candle
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.order import ListKind, OrderType, SelfTradePrevention, Side, TimeInForce
from roottrading.domain.time import MINUTE, SECOND
from roottrading.messages.exchange import (
    CancelOrder,
    CancelReplace,
    ExchangeEvent,
    ListFills,
    ListOpenOrders,
    OrderExecuted,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
    QueryOrder,
    Request,
)
from roottrading.messages.service import Row
from tests.unit.adapters.exchange.simulated.harness import SYMBOL, instrument

ACCOUNTS = ("main", "other")
NAMES = st.sampled_from([f"o{number}" for number in range(12)])
SIDES: st.SearchStrategy[Side] = st.sampled_from(["BUY", "SELL"])
MODES: st.SearchStrategy[SelfTradePrevention] = st.sampled_from(
    ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]
)
FORCES: st.SearchStrategy[TimeInForce] = st.sampled_from(["GTC", "IOC", "FOK"])
# near 100, where the candles are: hypothesis likes the ends of a range and small numbers
PRICES = st.tuples(st.sampled_from([1, -1]), st.integers(0, 50)).map(lambda drawn: D(1000 + drawn[0] * drawn[1]) / 10)
QUANTITIES = st.integers(5, 400).map(lambda steps: D(steps) / 100)
KINDS: st.SearchStrategy[OrderType] = st.sampled_from(
    ["MARKET", "LIMIT", "LIMIT", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
)


@st.composite
def specs(draw: st.DrawFn, kinds: st.SearchStrategy[OrderType] = KINDS, sized: bool = True) -> OrderSpec:
    kind = draw(kinds)
    limited = "LIMIT" in kind
    by_quote = sized and kind == "MARKET" and draw(st.booleans())
    return OrderSpec(
        draw(NAMES),
        draw(SIDES),
        kind,
        draw(QUANTITIES) if sized and not by_quote else None,
        draw(PRICES) if limited else None,
        draw(PRICES) if "STOP" in kind or "PROFIT" in kind else None,
        draw(FORCES) if limited and kind != "LIMIT_MAKER" else None,
        draw(MODES),
        draw(QUANTITIES) * 100 if by_quote else None,
    )


STOPS: st.SearchStrategy[OrderType] = st.sampled_from(["STOP_LOSS", "STOP_LOSS_LIMIT"])
TARGETS: st.SearchStrategy[OrderType] = st.sampled_from(["LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"])
LISTS: st.SearchStrategy[ListKind] = st.sampled_from(["OCO", "OTO", "OTOCO", "OPO", "OPOCO"])
WORKING: st.SearchStrategy[OrderType] = st.sampled_from(["LIMIT", "LIMIT", "LIMIT", "LIMIT_MAKER"])


@st.composite
def lists(draw: st.DrawFn) -> tuple[ListKind, tuple[OrderSpec, ...]]:
    """A list that has good chances at the door: legs of one side and quantity, prices around the working order's."""
    kind = draw(LISTS)
    sized = kind not in {"OPO", "OPOCO"}
    side = "SELL" if not sized else draw(SIDES)
    quantity = draw(QUANTITIES) if sized else None
    low, high = draw(st.integers(900, 990)), draw(st.integers(1010, 1100))
    stop_ticks, target_ticks = (low, high) if side == "SELL" else (high, low)
    stop, target = draw(specs(STOPS, sized)), draw(specs(TARGETS, sized))
    pair = (
        replace(
            stop,
            client_order_id="s" + stop.client_order_id,
            side=side,
            quantity=quantity,
            stop_price=D(stop_ticks) / 10,
        ),
        replace(
            target,
            client_order_id="t" + target.client_order_id,
            side=side,
            quantity=quantity,
            price=target.price and D(target_ticks) / 10,
            stop_price=target.stop_price and D(target_ticks) / 10,
        ),
    )
    if kind == "OCO":
        return kind, pair
    working = draw(specs(WORKING))
    if not sized:
        working = replace(working, side="BUY")
    if kind in {"OTOCO", "OPOCO"}:
        return kind, (working, *pair)
    one = draw(st.sampled_from(pair))
    if draw(st.booleans()):
        one = replace(one, type="MARKET", price=None, stop_price=None, time_in_force=None)
    return kind, (working, one)


class Walk(RuleBasedStateMachine):
    """Two exchanges go the same way: one is killed and restored now and then, the other never is.

    The tape stands on an open, is inside a candle, or has closed it; each request may come at any of the three.
    """

    fees = FeeSchedule(maker=D("0.001"), taker=D("0.002"))
    model = FillModel(slippage=D("0.0015"), history=8)
    balances: Mapping[str, D] = {"USDT": D(1500), "BTC": D(6)}

    def __init__(self) -> None:
        super().__init__()
        self.steady = self.fresh(keeps_rows=False)
        self.live = self.fresh()
        self.rows: dict[tuple[str, tuple[str | int, ...]], Row] = {}
        self.now = MINUTE
        self.candle: Candle | None = None  # not closed yet
        self.begun: Candle | None = None  # the last one, closed or not
        self.count = 0
        self.executed: dict[str, list[OrderExecuted]] = defaultdict(list)
        for exchange in (self.steady, self.live):
            for asset, amount in self.balances.items():
                exchange.deposit(asset, amount, 0, "other")
            exchange.take_events()
        self.keep()

    def fresh(self, keeps_rows: bool = True) -> SimulatedExchange:
        listed = {SYMBOL: instrument(max_orders=9, max_algo_orders=6, base_fee_digits=5, quote_fee_digits=3)}
        return SimulatedExchange(listed, self.fees, self.model, self.balances, keeps_rows=keeps_rows)

    def keep(self) -> None:
        for row in self.live.changed_rows():
            if row.values is None:
                self.rows.pop((row.table, row.key), None)
            else:
                self.rows[row.table, row.key] = row

    def both(self, first: Sequence[ExchangeEvent], second: Sequence[ExchangeEvent], account: str = "main") -> None:
        """Take the events of the same call of both exchanges: they must be the same."""
        assert list(first) == list(second)
        mail = self.steady.take_events()
        assert mail == self.live.take_events()
        mail.setdefault(account, [])
        mail[account] = [*first, *mail[account]]
        self.heard(mail)
        for who, events in mail.items():
            self.executed[who] += [event for event in events if isinstance(event, OrderExecuted)]
        self.keep()
        self.check()

    def heard(self, mail: Mapping[str, Sequence[ExchangeEvent]]) -> None:
        """Look at what the accounts were told by one call."""

    def check(self) -> None:
        """Look at the state after a call."""

    # ---- the tape

    @initialize()
    def first_candle(self) -> None:
        self.opens(1000, (3, 3), 0, 400)

    @rule(
        opened=st.integers(975, 1025),
        wicks=st.tuples(st.integers(0, 40), st.integers(0, 40)),
        body=st.integers(-20, 20),
        volume=st.sampled_from([4000, 400, 40, 1, 0]),
        gap=st.sampled_from([0, 0, 0, 5]),
    )
    def next_candle(self, opened: int, wicks: tuple[int, int], body: int, volume: int, gap: int) -> None:
        if self.candle is not None:
            self.close_candle()
        self.now += gap * MINUTE
        self.opens(opened, wicks, body, volume)

    def opens(self, opened: int, wicks: tuple[int, int], body: int, volume: int) -> None:
        high = max(opened, opened + body) + wicks[0]
        low = min(opened, opened + body) - wicks[1]
        first, highest, lowest, last = (D(ticks) / 10 for ticks in (opened, high, low, opened + body))
        self.candle = Candle(SYMBOL, "1m", self.now, first, highest, lowest, last, D(volume) / 10)
        candle = self.begun = self.candle
        self.both(self.steady.candle_opens(candle, self.now), self.live.candle_opens(candle, self.now))

    @precondition(lambda self: self.candle is not None)
    @rule()
    def close_candle(self) -> None:
        assert self.candle is not None
        candle, self.candle = self.candle, None
        self.now = candle.at
        before = self.steady.state()
        below, above = self.steady.bounds(SYMBOL)
        quiet = (below is None or candle.low > below) and (above is None or candle.high < above)
        events = self.steady.candle_closed(candle, self.now)
        if quiet:  # bounds are never optimistic: such a candle moves nothing but the market's last price
            assert list(events) == []
            after = self.steady.state()
            assert {key for key in after if after[key] != before[key]} <= {("exchange_markets", (SYMBOL,))}
        self.both(events, self.live.candle_closed(candle, self.now))

    @precondition(lambda self: self.candle is not None and self.now == self.candle.open_time)
    @rule()
    def move_inside(self) -> None:
        self.now += SECOND

    @rule(name=NAMES, account=st.sampled_from(ACCOUNTS))
    def kill(self, name: str, account: str) -> None:
        restored = self.fresh()
        restored.restore(self.rows.values())
        assert restored.state() == self.live.state() == self.steady.state()
        assert restored.changed_rows() == ()
        self.live = restored
        for request in (
            QueryOrder(SYMBOL, name, 1, self.now),
            ListOpenOrders(SYMBOL, name, 1, self.now),
            ListFills(SYMBOL, name, 1, self.now),
        ):
            first = self.steady.execute(request, self.now, account)
            assert first == self.live.execute(request, self.now, account)

    # ---- requests

    def ask(self, request: Request, account: str) -> None:
        self.both(
            self.steady.execute(request, self.now, account), self.live.execute(request, self.now, account), account
        )

    @rule(spec=specs(), account=st.sampled_from(ACCOUNTS))
    def place(self, spec: OrderSpec, account: str) -> None:
        self.ask(PlaceOrder(SYMBOL, spec.client_order_id, 2, self.now, spec), account)

    @rule(drawn=lists(), account=st.sampled_from(ACCOUNTS))
    def place_list(self, drawn: tuple[ListKind, tuple[OrderSpec, ...]], account: str) -> None:
        kind, orders = drawn
        self.count += 1
        self.ask(PlaceOrderList(SYMBOL, f"list{self.count}", 2, self.now, kind, orders), account)

    def open_names(self, account: str) -> list[str]:
        return sorted(
            order.client_order_id
            for (table, _), order in self.steady.state().items()
            if table == "exchange_orders" and order.account == account and not order.ended
        )

    @rule(data=st.data(), account=st.sampled_from(ACCOUNTS), spec=st.none() | specs(), strict=st.booleans())
    def cancel(self, data: st.DataObject, account: str, spec: OrderSpec | None, strict: bool) -> None:
        target = data.draw(st.sampled_from([*self.open_names(account), "unknown"]))
        if spec is None:
            self.ask(CancelOrder(SYMBOL, "c", 1, self.now, target), account)
        else:
            self.ask(CancelReplace(SYMBOL, spec.client_order_id, 1, self.now, target, spec, strict), account)
