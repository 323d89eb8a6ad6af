"""A person's commands in a simulated run: services, books and the exchange's account see the same money."""

import time
from decimal import Decimal
from typing import Any

import pytest

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit, Control, StoreFull
from roottrading.config.settings import RunSettings, Settings
from roottrading.domain.money import ZERO
from roottrading.domain.time import HOUR, MINUTE, Time, parse_time
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.messages.service import AccountAdjusted, ControlChanged
from roottrading.reports import build_report
from roottrading.runtimes.assembly import ALL_TABLES, Cast, cast
from roottrading.runtimes.controlling import REFUSED
from roottrading.runtimes.embedded import Progress, run_embedded
from roottrading.runtimes.market import Market, open_market
from roottrading.runtimes.result import gather, journal
from roottrading.services.analyzer import StrategyUse
from roottrading.services.coordinator.verdicts_to_commands import Coordinator
from roottrading.services.portfolio.fills_to_balances import Portfolio
from roottrading.services.portfolio.state import PENDING
from roottrading.strategies import catalog

START = parse_time("2021-04-17T12:00:00Z")
END = START + 8 * HOUR
D = Decimal


class Owner:
    """Observes a run, leaves commands at given times, and compares the money of all who keep it at every rest."""

    def __init__(self, store: MemoryStore, commands: dict[Time, Control]) -> None:
        self._store = store
        self._commands = dict(commands)
        self.compared = 0
        self.last: Progress | None = None

    def __call__(self, progress: Progress) -> bool:
        at = progress.position.at
        for when in [when for when in self._commands if when <= at]:
            self._store.post_control(self._commands.pop(when))
            time.sleep(0.25)  # the run looks into its inbox five times a second
        self._compare(progress)
        self.last = progress
        return True

    def _compare(self, progress: Progress) -> None:
        units: Any = progress.session.wiring.units
        coordinator, portfolio = units["coordinator"].service, units["portfolio"].service
        assert isinstance(coordinator, Coordinator)
        assert isinstance(portfolio, Portfolio)
        books = {balance.asset: balance.free + balance.locked for balance in portfolio.balances()}
        for waiting in portfolio.state()[PENDING].values():  # coins whose cycle has not begun are not the bot's yet
            asset = waiting.symbol.removesuffix("USDT")
            books[asset] = books.get(asset, ZERO) + waiting.amount
        account = account_of(progress)
        assert {asset: total for asset, total in books.items() if total} == account
        assert coordinator.holdings()[0] == account["USDT"]
        self.compared += 1


def account_of(progress: Progress) -> dict[str, Decimal]:
    exchange: Any = progress.session.exchange
    held = {balance.asset: balance.free + balance.locked for balance in exchange.balances().values()}
    return {asset: total for asset, total in held.items() if total}


class Breaking(MemoryStore):
    """A store whose disk is full when first a person's command is to be kept."""

    broken = False

    def commit(self, commit: Commit) -> None:
        if commit.control is not None and not self.broken:
            self.broken = True
            raise StoreFull("no room")
        super().commit(commit)


def prepared() -> tuple[Settings, Cast, Market]:
    run = RunSettings(symbols=("LTCUSDT", "XRPUSDT"), start=START, end=END)
    settings = Settings(run=run)
    market = open_market(run, "USDT")
    return settings, cast(settings, [StrategyUse("ema_cross", catalog.make("ema_cross"), "5m")], market), market


def played(commands: dict[Time, Control]) -> tuple[MemoryStore, Owner, Any]:
    settings, plan, market = prepared()
    store = MemoryStore(ALL_TABLES)
    owner = Owner(store, commands)
    assert run_embedded(settings, plan, market, store, owner)
    return store, owner, gather(settings, market, store, market.end)


@pytest.mark.parametrize(("amount", "left"), [("2500.5", "12500.5"), ("-4000", "6000")])
def test_capital_comes_to_the_account_and_leaves_it(amount: str, left: str) -> None:
    when = START + 2 * HOUR
    store, owner, result = played({when: AccountAdjusted(0, "capital", "", D(amount), None, 0)})
    (adjusted,) = journal(store, "account_adjustments")
    assert adjusted.amount == D(amount)
    assert when <= adjusted.effective_at <= when + MINUTE
    assert owner.last is not None
    fills = journal(store, "fills")
    assert any(fill.filled_at > when for fill in fills)  # it went on trading
    signs = {"BUY": -1, "SELL": 1}
    traded = sum((signs[fill.side] * fill.price * fill.quantity for fill in fills), ZERO)
    fees = sum((fill.fee for fill in fills if fill.fee_asset == "USDT"), ZERO)
    assert account_of(owner.last)["USDT"] == D(left) + traded - fees
    report = build_report(result)
    closes = {name: owner.last.session.closes[f"{name}USDT"] for name in ("LTC", "XRP")}
    equity = sum((total * closes.get(asset, D(1)) for asset, total in account_of(owner.last).items()), ZERO)
    assert report.final_equity == equity


def test_adopted_coins_become_a_cycle_with_a_resting_stop() -> None:
    when = START + HOUR
    price = D("300")
    store, owner, result = played({when: AccountAdjusted(0, "adopt", "LTCUSDT", D("1.5"), price, 0)})
    adopted = [cycle for cycle in journal(store, "trade_cycles") if cycle.strategy == "adopted"]
    (cycle,) = adopted
    assert isinstance(cycle, TradeCycle)
    assert (cycle.symbol, cycle.quantity, cycle.entry_price) == ("LTCUSDT", D("1.5"), price)
    stop = next(order for order in journal(store, "orders") if order.cycle_id == cycle.id)
    assert (stop.side, stop.type, stop.quantity) == ("SELL", "STOP_LOSS", D("1.5"))
    assert stop.created_at == cycle.created_at
    assert [span for span in result.spans if span.cycle_id == cycle.id and span.kind == "unprotected"] == []
    assert owner.compared > 8 * 60
    (line,) = result.adjustments
    assert (line.kind, line.symbol, line.amount, line.price) == ("adopt", "LTCUSDT", D("1.5"), price)


@pytest.mark.parametrize(
    "given",
    [
        AccountAdjusted(0, "capital", "", D(1000), None, 0),
        AccountAdjusted(0, "adopt", "XRPUSDT", D(500), D("1.25"), 0),
    ],
)
def test_a_change_that_was_taken_but_not_kept_is_taken_again_once(given: AccountAdjusted) -> None:
    settings, plan, market = prepared()
    store = Breaking(ALL_TABLES)
    with pytest.raises(StoreFull):
        run_embedded(settings, plan, market, store, Owner(store, {START + HOUR: given}))
    owner = Owner(store, {})
    assert run_embedded(settings, plan, market, store, owner)
    (adjusted,) = journal(store, "account_adjustments")
    assert (adjusted.kind, adjusted.amount) == (given.kind, given.amount)
    assert owner.compared > 6 * 60


def test_coins_of_a_busy_symbol_wait_for_their_cycle() -> None:
    undisturbed, _, _ = played({})
    busy = next(cycle for cycle in journal(undisturbed, "trade_cycles") if cycle.updated_at > cycle.created_at + HOUR)
    when = busy.created_at + 10 * MINUTE
    store, owner, _ = played({when: AccountAdjusted(0, "adopt", busy.symbol, D(2), D("1.5"), 0)})
    (adopted,) = [cycle for cycle in journal(store, "trade_cycles") if cycle.strategy == "adopted"]
    before = next(cycle for cycle in journal(store, "trade_cycles") if cycle.id == busy.id)
    assert before == busy
    assert adopted.created_at >= before.updated_at > when
    assert owner.compared > 8 * 60


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (AccountAdjusted(0, "capital", "", D(-10_001), None, 0), "10001 USDT cannot be removed"),
        (AccountAdjusted(0, "adopt", "BTCUSDT", D(1), D(1), 0), "BTCUSDT is not traded here: adopt coins of LTCUSDT"),
        (AccountAdjusted(0, "adopt", "LTCUSDT", D(1), None, 0), "quantity and price must be above 0"),
        (AccountAdjusted(0, "adopt", "LTCUSDT", D(-1), D(1), 0), "quantity and price must be above 0"),
    ],
)
def test_what_cannot_be_done_is_an_alert_and_changes_nothing(wrong: AccountAdjusted, said: str) -> None:
    store, owner, result = played({START: wrong})
    (alert,) = [alert for alert in journal(store, "alerts") if alert.subject == REFUSED]
    assert said in alert.text
    assert result.adjustments == []
    assert owner.compared > 8 * 60


def test_commands_about_what_is_not_there_do_no_harm() -> None:
    control = ControlChanged(0, "pause", "trading", "BTCUSDT", "", "anna", "test")
    leave = ControlChanged(0, "exit", "trading", "", "no-such-cycle", "anna", "test")
    store, _, _ = played({START: control, START + HOUR: leave})
    said = [alert.text for alert in journal(store, "alerts") if alert.subject == "control"]
    assert len(said) == 2
    assert "0 of " in said[1]
