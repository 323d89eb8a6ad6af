"""A storm: whatever commands, fills, refusals, outages, losses and hands do, no coin of others is sold, nothing is
sold twice, the books equal the account, and when it is calm again what is open rests under a stop."""

from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from roottrading.messages.commands import CancelEntry, CloseTradeCycle, MoveStop
from roottrading.messages.exchange import ExchangeEvent, InstrumentChanged, ReconcileDue
from roottrading.messages.service import ControlChanged, Resumed, TradingState
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, cycle, opening
from tests.unit.services.trader.scripted import LIVE
from tests.unit.services.trader.test_any_order import disorder

D = Decimal
FOREIGN = D(7)
REFUSALS = (
    (-2010, "Order would immediately match and take."),
    (-2010, "Stop price would trigger immediately."),
    (-1015, "Too many new orders."),
    (-2021, "Order cancel-replace partially failed."),
    (-1000, "An unknown error occurred while processing the request."),
)


class Storm:
    def __init__(self, seed: int, with_foreign: bool, with_hands: bool) -> None:
        self.dice = Random(seed)
        self.foreign = FOREIGN if with_foreign else D(0)
        self.with_hands = with_hands
        flags = {
            flag: self.dice.random() < 0.8
            for flag in ("opo_allowed", "oco_allowed", "oto_allowed", "cancel_replace_allowed")
        }
        types = INSTRUMENT.order_types - ({"STOP_LOSS"} if self.dice.random() < 0.3 else set())
        instrument = replace(INSTRUMENT, order_types=types, **flags)
        self.bench = Bench(
            instrument,
            base_free=str(self.foreign),
            arrange=disorder(seed + 1),
            restarting=self.dice.random() < 0.3,
        )
        self.cycles = self.controls = 0

    def rage(self, steps: int) -> None:
        actions = [self.enter, self.fill_something, self.fill_something, self.time_passes, self.time_passes]
        actions += [self.close, self.move_stop, self.cancel_entry, self.mishap, self.mishap, self.unheard, self.load]
        if self.with_hands:
            actions.append(self.cancel_by_hand)
        for _ in range(steps):
            self.dice.choice(actions)()

    def calm(self) -> None:
        """Let everything be answered again for long enough."""
        self.bench.exchange.refusals.clear()
        self.bench.exchange.outages.clear()
        self.bench.exchange.fills.clear()
        self.bench.exchange.silent_questions = 0
        self.market("TRADING")
        self.control("trading")
        for _ in range(3):
            self.bench.give(ReconcileDue("", "", self.bench.now))
            self.bench.advance(120 * SECOND)

    # ---- what may happen

    def enter(self) -> None:
        if self.bench.records("executions"):
            return
        self.cycles += 1
        now = self.bench.now
        rests = self.dice.random() < 0.3
        command = opening(
            quantity=self.dice.choice(("1", "0.3", "2.017")),
            number=self.cycles,
            target=self.dice.choice(("104", None)),
            time_limit_at=self.dice.choice((None, now + 40 * SECOND)),
            valid_until=now + 60 * SECOND,
            entry_limit="99.50" if rests else None,
            entry_timeout_at=now + 30 * SECOND if rests else None,
        )
        self.bench.exchange.fills["e"] = [D(self.dice.choice(("1", "1", "0.5", "0.03", "0")))]
        self.bench.command(command)

    def fill_something(self) -> None:
        exchange = self.bench.exchange
        resting = [name for name, order in exchange.orders.items() if order.status in ("NEW", "PARTIALLY_FILLED")]
        if resting:
            name = self.dice.choice(resting)
            order = exchange.orders[name]
            rest = order.quantity - order.executed
            share = D(self.dice.choice(("1", "1", "0.5", "0.1")))
            exchange.mail = []
            events = exchange.fill(name, max(rest * share // exchange.step * exchange.step, exchange.step))
            if order.status == "PARTIALLY_FILLED" and order.spec.type == "STOP_LOSS":
                events = [*events, *exchange.end(name, "EXPIRED", "INSUFFICIENT_LIQUIDITY")]
            self.tell(events)

    def time_passes(self) -> None:
        self.bench.advance(self.dice.choice((1, SECOND // 4, SECOND, 3 * SECOND, 20 * SECOND)))

    def close(self) -> None:
        self.bench.command(CloseTradeCycle(cycle(self.cycles), SYMBOL, "verdict"))

    def move_stop(self) -> None:
        self.bench.command(MoveStop(cycle(self.cycles), SYMBOL, D(98) + self.dice.randrange(6)))

    def cancel_entry(self) -> None:
        self.bench.command(CancelEntry(cycle(self.cycles), SYMBOL, "test"))

    def mishap(self) -> None:
        exchange = self.bench.exchange
        leg = self.dice.choice("estxlc")
        match self.dice.randrange(7):
            case 0:
                exchange.outages[leg] = [self.dice.choice(("before", "after"))]
            case 1:
                exchange.refusals[leg] = [self.dice.choice(REFUSALS)]
            case 2:
                exchange.fills["x"] = [D(self.dice.choice(("0", "0.4", "0.97")))]
            case 3:
                exchange.silent_questions = self.dice.randrange(5)
            case 4:
                exchange.refusals["pending"] = [(-2010, "")]
            case 5:
                self.market(self.dice.choice(("HALT", "TRADING", "TRADING")))
            case 6:
                self.control(self.dice.choice(("halted", "trading", "trading")))

    def market(self, status: str) -> None:
        self.bench.give(InstrumentChanged(SYMBOL, "", self.bench.now, status))

    def control(self, state: TradingState) -> None:
        self.controls += 1
        self.bench.give(ControlChanged(self.controls, "state", state, "", "", "me", "test"))

    def unheard(self) -> None:
        """The stream is down: what happens is told by nobody."""
        tell, self.tell = self.tell, lambda events: None  # type: ignore[method-assign]
        self.fill_something()
        self.tell = tell  # type: ignore[method-assign]

    def load(self) -> None:
        self.bench.trader = self.bench.restored()
        self.bench.give(Resumed(tuple(self.bench.requests[-2:])))

    def cancel_by_hand(self) -> None:
        exchange = self.bench.exchange
        stops = [name for name, order in exchange.orders.items() if order.status == "NEW" and order.spec.stop_price]
        if stops:
            exchange.mail = []
            self.tell(exchange.cancel(self.dice.choice(stops)))

    def tell(self, events: list[ExchangeEvent]) -> None:
        self.bench.happen(events)

    # ---- what must hold

    def check(self) -> None:
        bench, exchange = self.bench, self.bench.exchange
        bought = sum((f.quantity - f.fee for f in bench.fills if f.side == "BUY"), D(0))
        sold = sum((f.quantity for f in bench.fills if f.side == "SELL"), D(0))
        locked = D(0)
        seen: set[int] = set()
        for order in exchange.orders.values():
            resting = order.status in ("NEW", "PARTIALLY_FILLED") and order.spec.side == "SELL"
            if resting and (order.list_id < 0 or order.list_id not in seen):
                seen.add(order.list_id)
                locked += order.quantity - order.executed
        # the books equal the account: every execution booked once, none of them with coins of others
        assert {fill.trade_id for fill in bench.fills} == {execution.trade_id for execution in exchange.executions}
        assert exchange.base_free + locked == self.foreign + bought - sold
        assert exchange.base_free + locked >= self.foreign
        executions = list(bench.records("executions").values())
        if not executions:
            assert locked == 0, "an order rests without a cycle"
            assert bench.dust == bought - sold
            assert bench.deadlines == {}
            return
        (execution,) = executions
        assert execution.held == bought - sold
        if execution.status != "manual":
            assert execution.status == "open", "what is being sold is sold when all is calm"
            under_stops = sum(
                (o.quantity - o.executed for o in exchange.orders.values() if o.spec.stop_price and o.status in LIVE),
                D(0),
            )
            own = (execution.net - execution.sold) // exchange.step * exchange.step
            assert under_stops >= own or not INSTRUMENT.sellable(own - under_stops, execution.last_price)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), with_foreign=st.booleans(), with_hands=st.booleans())
def test_the_books_equal_the_account_and_what_is_open_is_protected(
    seed: int, with_foreign: bool, with_hands: bool
) -> None:
    storm = Storm(seed, with_foreign, with_hands)
    for _ in range(3):
        storm.rage(12)
        storm.calm()
        storm.check()
