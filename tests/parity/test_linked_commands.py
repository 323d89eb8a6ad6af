"""A person's commands to a session over a wire: taken at once, once each, and about what is really on the account."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from roottrading.adapters.store.database import connect_existing
from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit, Control, Fenced, Store, StoreFull
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.config.settings import Settings
from roottrading.domain.money import ZERO
from roottrading.domain.time import HOUR, Time
from roottrading.messages.exchange import (
    ENTRY,
    AccountChanged,
    AnyRequest,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
    ReconcileDue,
)
from roottrading.messages.service import AccountAdjusted, ControlChanged
from roottrading.runtimes.assembly import ALL_TABLES, Cast
from roottrading.runtimes.controlling import REFUSED
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import instants
from roottrading.runtimes.result import journal
from roottrading.services.coordinator.state import ACCOUNT, OPEN_CYCLES
from roottrading.services.portfolio import Portfolio
from roottrading.services.portfolio.state import PENDING
from roottrading.services.trader.state import CONTROL
from tests.parity.learning_runs import learning_run
from tests.parity.test_linked import Wire

D = Decimal
FOREIGN = {"USDT": D(3_000), "LTC": D(5), "BNB": D(7)}
HALT = ControlChanged(0, "state", "halted", "", "", "anna", "news")
FLATTEN = ControlChanged(0, "flatten", "halted", "", "", "anna", "")
RESUME = ControlChanged(0, "resume", "trading", "", "", "anna", "")


class Breaking(MemoryStore):
    """A store whose disk is full, when it is told so, at the next commit of a person's command."""

    fail_at_command = False

    def commit(self, commit: Commit) -> None:
        if commit.control is not None and self.fail_at_command:
            self.fail_at_command = False
            raise StoreFull("no room")
        super().commit(commit)


class OwnersWire(Wire):
    """An account that holds more than the bot's: its exchange greets as a real one does."""

    def __init__(self, settings: Settings, cast: Cast, market: Market, store: Store | None = None) -> None:
        self.sent: list[AnyRequest] = []
        self.kept = Breaking(ALL_TABLES)
        super().__init__(settings, cast, market, Random(4), store or self.kept)
        for asset, amount in FOREIGN.items():
            self.say(self.exchange.deposit(asset, amount, self.now))
        self.market_left = instants(market.readers(market.tape), market.start, market.end)

    def send(self, requests: Any) -> None:
        self.sent.extend(requests)
        super().send(requests)

    def greet(self) -> None:
        balances = tuple(self.exchange.balances().values())
        self.linked.said((AccountChanged("", "", self.now, balances),))
        self.linked.said((ReconcileDue("", "", self.now),))
        self.rest()

    def post(self, *commands: Control) -> None:
        for command in commands:
            self.store.post_control(command)

    def look(self) -> None:
        """Let time be looked at, as a run does fifty times a second."""
        self.at(self.now)

    def until(self, at: Time) -> None:
        for instant in self.market_left:
            self.play(instant)
            if instant.at >= at:
                return

    def until_open(self, symbol: str = "") -> None:
        """Play until a cycle is open (and may leave)."""
        for instant in self.market_left:
            self.play(instant)
            if any(cycle.status == "open" and symbol in ("", cycle.symbol) for cycle in self.cycles().values()):
                return
        raise AssertionError("no cycle was ever open")

    # ---- looking

    def records(self, role: str, table: str) -> dict[Any, Any]:
        service: Any = self.linked.session.wiring.units[role].service
        found: dict[Any, Any] = service.state()[table]
        return found

    def cycles(self) -> dict[str, Any]:
        return self.records("coordinator", OPEN_CYCLES)

    def account(self) -> Any:
        (account,) = self.records("coordinator", ACCOUNT).values()
        return account

    def said_of(self, subject: str) -> list[str]:
        return [alert.text for alert in journal(self.store, "alerts") if alert.subject == subject]

    def bought_since(self, sent: int) -> list[AnyRequest]:
        later = self.sent[sent:]
        return [each for each in later if isinstance(each, PlaceOrder | PlaceOrderList) and each.urgency == ENTRY]

    def compare(self) -> None:
        """Hold the books and what is foreign against the account."""
        portfolio = self.linked.session.wiring.units["portfolio"].service
        assert isinstance(portfolio, Portfolio)
        adopted = {"USDT": ZERO, "LTC": ZERO}
        for each in journal(self.store, "account_adjustments"):
            adopted["LTC" if each.kind == "adopt" else "USDT"] += each.amount
        expected = {asset: amount - adopted.get(asset, ZERO) for asset, amount in FOREIGN.items()}
        for balance in portfolio.balances():
            expected[balance.asset] = expected.get(balance.asset, ZERO) + balance.free + balance.locked
        held = {balance.asset: balance.free + balance.locked for balance in self.exchange.balances().values()}
        assert {a: n for a, n in held.items() if n} == {a: n for a, n in expected.items() if n}


@pytest.fixture
def wire() -> Iterator[OwnersWire]:
    settings, cast, market = learning_run("2021-04-16T22:00:00Z", "2021-04-17T22:00:00Z")
    settings = replace(settings, aggregator=replace(settings.aggregator, weighting="equal"))
    opened = OwnersWire(settings, cast, market)
    opened.greet()
    yield opened
    opened.compare()


def test_halted_nothing_is_bought_until_resumed(wire: OwnersWire) -> None:
    wire.until_open()
    wire.post(HALT)
    wire.look()
    assert wire.account().state == "halted"
    (heard,) = wire.records("trader", CONTROL).values()
    assert heard.state == "halted"
    before = len(wire.sent)
    wire.until(wire.now + 6 * HOUR)
    assert wire.bought_since(before) == []
    wire.post(RESUME)
    wire.until(wire.market.end)
    assert wire.bought_since(before) != []


def test_flatten_sells_before_time_moves_on(wire: OwnersWire) -> None:
    wire.until_open()
    count = len(wire.cycles())
    wire.post(HALT, FLATTEN)
    wire.look()
    assert wire.cycles() == {}
    assert journal(wire.store, "trade_cycles")[-1].updated_at == wire.now
    assert wire.said_of("control") == [
        "anna used state (state halted): news",
        f"anna used flatten (state halted): {count} of {count} open cycles asked to leave",
    ]


def test_a_command_is_heard_before_the_candle_that_comes_with_it(wire: OwnersWire) -> None:
    first = next(wire.market_left)
    wire.post(HALT)
    wire.play(first)
    assert wire.account().state == "halted"


def test_no_command_is_lost_or_taken_twice_over_restarts(wire: OwnersWire) -> None:
    wire.until_open()
    wire.post(HALT, AccountAdjusted(0, "capital", "", D(500), None, 0))
    wire.look()
    wire.restart()
    wire.greet()
    wire.linked.end()
    wire.post(RESUME, AccountAdjusted(0, "capital", "", D(-200), None, 0))  # nothing runs
    wire.linked = wire.loaded()
    wire.greet()
    wire.look()
    wire.until(wire.now + HOUR)
    assert wire.account().state == "trading"
    assert wire.account().capital == D(10_300)
    assert [each.amount for each in journal(wire.store, "account_adjustments")] == [D(500), D(-200)]
    assert len(wire.said_of("control")) == 2


def test_the_kill_switch_waits_for_nobody() -> None:
    settings, cast, market = learning_run("2021-04-16T22:00:00Z", "2021-04-17T22:00:00Z")
    wire = OwnersWire(settings, cast, market)  # the exchange has not told yet what is on the account
    wire.post(AccountAdjusted(0, "capital", "", D(500), None, 0), HALT)
    wire.look()
    assert wire.account().state == "halted"
    assert wire.account().capital == D(10_000)
    assert wire.store.load().control == 0
    wire.restart()  # what was taken out of turn is given again, and dropped
    wire.look()
    wire.greet()
    wire.look()
    assert wire.account().capital == D(10_500)
    assert wire.store.load().control == 2
    assert wire.said_of("control") == ["anna used state (state halted): news"]
    wire.compare()


@pytest.mark.parametrize(
    "given",
    [
        HALT,
        AccountAdjusted(0, "capital", "", D(1000), None, 0),
        AccountAdjusted(0, "adopt", "LTCUSDT", D(2), D("250.5"), 0),
    ],
)
def test_what_was_taken_but_not_kept_is_taken_again_once(wire: OwnersWire, given: Control) -> None:
    wire.until(wire.now + HOUR)
    wire.kept.fail_at_command = True
    wire.post(given)
    with pytest.raises(StoreFull):
        wire.look()
    wire.linked = wire.loaded()
    wire.greet()
    wire.until(wire.now + 2 * HOUR)
    taken = [*wire.said_of("control"), *journal(wire.store, "account_adjustments")]
    assert len(taken) == 1


def test_memory_that_was_not_kept_is_never_acted_on(wire: OwnersWire) -> None:
    wire.until_open()
    wire.kept.fail_at_command = True
    wire.post(FLATTEN)
    with pytest.raises(StoreFull):
        wire.look()
    kept, sent = wire.store.load(), len(wire.sent)
    wire.look()  # other tasks of a run may still be about to hand something in
    wire.until(wire.now + HOUR)
    wire.greet()
    assert len(wire.sent) == sent
    assert wire.store.load() == kept
    wire.linked = wire.loaded()
    wire.greet()
    wire.look()
    assert wire.cycles() == {}


def test_capital_must_be_on_the_account(wire: OwnersWire) -> None:
    wire.until_open()
    wire.post(AccountAdjusted(0, "capital", "", D("3000.01"), None, 0))
    wire.look()
    assert wire.said_of(REFUSED) == ["3000.01 USDT cannot be added: 3000 on the account are free and not the bot's"]
    wire.post(AccountAdjusted(0, "capital", "", D(3000), None, 0))
    wire.look()
    assert wire.account().capital == D(13_000)
    wire.until(wire.market.end)
    assert wire.account().discrepancy is False


def test_cash_in_open_cycles_cannot_be_removed(wire: OwnersWire) -> None:
    wire.until_open()
    cash = wire.account().cash
    assert cash < D(10_000)
    wire.post(AccountAdjusted(0, "capital", "", -(cash + D("0.01")), None, 0))
    wire.look()
    (said,) = wire.said_of(REFUSED)
    assert "cannot be removed" in said
    wire.post(AccountAdjusted(0, "capital", "", -cash, None, 0))
    wire.look()
    assert wire.account().cash == ZERO


def test_foreign_coins_are_adopted_with_a_resting_stop(wire: OwnersWire) -> None:
    for quantity in (D(4), D(2)):
        wire.post(AccountAdjusted(0, "adopt", "LTCUSDT", quantity, D(300), 0))
    wire.look()
    assert wire.said_of(REFUSED) == ["2 LTC cannot be adopted: 1 on the account are free and not the bot's"]
    wire.until(wire.now + HOUR)
    cycle = wire.cycles()["LTCUSDT"]
    assert (cycle.strategy, cycle.held) == ("adopted", D(4))
    stop = next(order for order in journal(wire.store, "orders") if order.cycle_id == cycle.id)
    assert (stop.side, stop.type, stop.quantity, stop.status) == ("SELL", "STOP_LOSS", D(4), "NEW")
    assert wire.records("portfolio", PENDING) == {}


def test_coins_in_foreign_orders_cannot_be_adopted(wire: OwnersWire) -> None:
    by_hand = OrderSpec("by-hand", "SELL", "LIMIT", quantity=D(2), price=D(900), time_in_force="GTC")
    wire.say(wire.exchange.execute(PlaceOrder("LTCUSDT", "by-hand", ENTRY, wire.now, by_hand), wire.now))
    wire.post(AccountAdjusted(0, "adopt", "LTCUSDT", D("3.5"), D(300), 0))
    wire.look()
    assert wire.said_of(REFUSED) == ["3.5 LTC cannot be adopted: 3 on the account are free and not the bot's"]


def test_who_lost_the_state_neither_hears_nor_sends(tmp_path: Path) -> None:
    settings, cast, market = learning_run("2021-04-16T22:00:00Z", "2021-04-17T22:00:00Z")
    with SqliteStore.open(tmp_path, ALL_TABLES, {}) as store:
        wire = OwnersWire(settings, cast, market, store)
        wire.greet()
        sent = len(wire.sent)
        with closing(connect_existing(tmp_path)) as heir:
            heir.execute("UPDATE owner SET fence = fence + 1")
        wire.post(HALT)
        with pytest.raises(Fenced):
            wire.look()
        wire.until(wire.now + HOUR)
        assert len(wire.sent) == sent
        assert wire.account().state == "trading"
