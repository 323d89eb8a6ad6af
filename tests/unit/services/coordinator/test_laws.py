"""Laws over long scripted runs: money is conserved, a restart is unseen, a skipped candle changes nothing."""

from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.position import Position
from roottrading.domain.time import DAY, MINUTE, duration
from roottrading.messages.commands import CloseTradeCycle, MoveStop, OpenTradeCycle
from roottrading.messages.service import ControlChanged, DeadlineDue
from roottrading.services.coordinator.ledger import risk_equity
from roottrading.services.coordinator.settings import CoordinatorSettings, TrailingSettings
from roottrading.services.coordinator.watching import Watches
from roottrading.strategies.contract import Adjustment
from tests.unit.services.coordinator.rig import NOON, D, Rig, instrument, minutes, verdict

SYMBOLS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
COARSE = tuple(instrument(symbol, step_size=D("0.01"), min_quantity=D("0.01"), min_notional=D(1)) for symbol in SYMBOLS)


def conserved(rig: Rig) -> bool:
    """Cycles' profits, dust and what open cycles have spent sum to the cash, to the last digit (trading-rules 5.7)."""
    state = rig.coordinator.state()
    account = state["coordinator_account"]["account"]
    profit = sum((row.pnl for row in rig.cycles if row.pnl is not None), D(0))
    dust = sum((dust.cost for dust in state["dust_costs"].values()), D(0))
    spent = sum(
        (cycle.paid + cycle.other_fees + cycle.lent.cost - cycle.received for cycle in state["open_cycles"].values()),
        D(0),
    )
    return bool(account.cash == account.capital + profit - dust - spent)


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_cash_profits_and_dust_sum_up_over_any_fills(random: Random, parts: int) -> None:
    rig = Rig(CoordinatorSettings(max_drawdown=None, daily_loss=None, cooldown_candles=None), COARSE)
    at = NOON
    for _ in range(6):
        at += 5 * MINUTE
        symbol = random.choice(SYMBOLS)
        price = str(D(random.randint(100, 90_000)) / 100)
        rig.cross(at, symbol, price, stop_distance=D(price) * D("0.05"))
        if not rig.entries or rig.entries[-1].at != at:
            continue
        command = rig.entries[-1]
        bought = command.quantity
        for part in range(parts):
            share = bought if part == parts - 1 else bought // parts // D("0.01") * D("0.01")
            bought -= share
            if share:
                asset = random.choice(["", "USDT"])
                rig.fill(command, "BUY", str(D(price) + D(part) / 100), share, at, asset)
                assert conserved(rig)
        rig.move(command, "open", "", at)
        if random.random() < 0.5:
            half = rig.state_of("open_cycles", symbol).held / 2 // D("0.01") * D("0.01")
            if half:
                rig.fill(command, "SELL", price, half, at)
        rig.leave(command, str(D(random.randint(100, 90_000)) / 100), random.choice(["stop", "target"]), at + MINUTE)
        assert conserved(rig)


class Managed:
    """A manager with all there is to want: break even, a nearer target with time, an exit."""

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        gain = position.highest_close - position.average_entry_price
        if gain > position.average_entry_price * D("0.018"):
            return Adjustment(exit="enough")
        if gain > position.average_entry_price * D("0.01"):
            return Adjustment(stop=position.average_entry_price, target=position.highest_close * D("1.004"))
        return Adjustment()


class Candle(Struct, frozen=True):
    """What a symbol says at a T."""

    close: Decimal
    value: str
    complete: bool


def market(seed: int, length: int) -> list[dict[str, Candle]]:
    """Random walks with verdicts that hold for a while: every T of every symbol."""
    random = Random(seed)
    closes = dict.fromkeys(SYMBOLS, D(100))
    values = dict.fromkeys(SYMBOLS, "0")
    candles = []
    for _ in range(length):
        for symbol in SYMBOLS:
            closes[symbol] = max(D(1), closes[symbol] + D(random.randint(-80, 80)) / 100)
            if random.random() < 0.1:
                values[symbol] = random.choice(["-1", "-0.5", "-0.3", "0", "0.499999", "0.5", "0.8", "1"])
        candles.append({s: Candle(closes[s], values[s], random.random() > 0.05) for s in SYMBOLS})
    return candles


class World:
    """A market, a coordinator and a trader whose orders fill at closes; every T is given, or what is watched."""

    def __init__(self, config: CoordinatorSettings, timeframe: str, every: bool, seed: int) -> None:
        self.rig = Rig(config, COARSE, {"ema_cross": Managed()})
        self.timeframe = timeframe
        self.every = every
        self.random = Random(seed)
        self.plans: dict[str, tuple[OpenTradeCycle, Decimal, Decimal | None]] = {}
        self.highest: Decimal | None = None
        self.peak = D(0)  # the highest equity since the drawdown watch was last said
        self.watched = self.rig.watches.get("drawdown")
        self.given = 0
        self.done = 0

    def play(self, candles: list[dict[str, Candle]], step: int) -> None:
        for number, at_once in enumerate(candles, 1):
            self.instant(NOON + number * step, at_once)

    def instant(self, at: int, candles: dict[str, Candle]) -> None:
        closes = {symbol: str(candle.close) for symbol, candle in candles.items()}
        for symbol in sorted(self.plans):
            self.match(symbol, candles[symbol].close, at)
        due = sorted(key for key, when in self.rig.deadlines.items() if when is not None and when <= at)
        for key in due:
            self.rig.deadlines[key] = None
            self.rig.give(DeadlineDue(key), at)
        equity = risk_equity(*self.rig.coordinator.holdings(), {s: c.close for s, c in candles.items()})
        beyond = [symbol for symbol in SYMBOLS if self.every or self.is_watched(symbol, candles[symbol], at)]
        judged = self.every or bool(due) or bool(beyond) or self.equity_watched(equity)
        for symbol in beyond:
            candle = candles[symbol]
            self.given += 1
            opinion = {"stop_distance": D(2), "target_distance": D(4)} if symbol != "CCCUSDT" else {}
            self.rig.give(
                verdict(
                    at, candle.value, symbol, str(candle.close), complete=candle.complete,
                    timeframe=self.timeframe, atr=D("0.9"), **opinion,
                ),
                at,
            )  # fmt: skip
        if judged:
            self.rig.instant(at, closes, None if self.every else self.highest)
            self.highest = None
        elif self.highest is None or equity > self.highest:
            self.highest = equity
        for body in self.rig.said[self.done :]:
            self.obey(body, candles, at)
        self.done = len(self.rig.said)

    def is_watched(self, symbol: str, candle: Candle, at: int) -> bool:
        value = self.rig.watches[f"verdict/{symbol}"]
        close = self.rig.watches[f"close/{symbol}"]
        return (
            (value.below is not None and D(candle.value) <= value.below)
            or (value.above is not None and D(candle.value) >= value.above)
            or (close.below is not None and candle.close <= close.below)
            or (close.above is not None and candle.close >= close.above)
            or (close.every != "" and at % duration(close.every) == 0)
        )

    def equity_watched(self, equity: Decimal) -> bool:
        daily, drawdown = self.rig.watches.get("daily_loss"), self.rig.watches.get("drawdown")
        if drawdown is not self.watched:
            self.watched, self.peak = drawdown, D(0)
        self.peak = max(self.peak, equity)
        if daily is not None and daily.below is not None and equity <= daily.below:
            return True
        if drawdown is None or drawdown.below is None or drawdown.fall is None:
            return False
        return equity <= max(drawdown.below, self.peak * (1 - drawdown.fall))

    def match(self, symbol: str, close: Decimal, at: int) -> None:
        command, stop, target = self.plans[symbol]
        if close <= stop:
            self.end(command, close, "stop", at)
        elif target is not None and close >= target:
            self.end(command, target, "target", at)

    def end(self, command: OpenTradeCycle, price: Decimal, reason: str, at: int) -> None:
        del self.plans[command.symbol]
        self.rig.leave(command, str(price), reason, at)

    def obey(self, body: Any, candles: dict[str, Candle], at: int) -> None:
        if isinstance(body, OpenTradeCycle):
            if self.random.random() < 0.1:
                self.rig.move(body, "expired", "no fill", at)
                return
            self.rig.move(body, "opening", "", at)
            self.rig.fill(body, "BUY", str(candles[body.symbol].close), body.quantity, at)
            self.rig.move(body, "open", "", at)
            self.plans[body.symbol] = (body, body.plan.stop_price, body.plan.target_price)
        elif isinstance(body, MoveStop):
            self.plans[body.symbol] = (self.plans[body.symbol][0], body.stop_price, None)
        elif isinstance(body, CloseTradeCycle) and body.symbol in self.plans:
            self.end(self.plans[body.symbol][0], candles[body.symbol].close, body.reason, at)


CONFIGS = {
    "defaults": CoordinatorSettings(),
    "tight limits": CoordinatorSettings(daily_loss=D("0.004"), max_drawdown=D("0.02"), max_cycles=2),
    "drawdown": CoordinatorSettings(daily_loss=None, max_drawdown=D("0.008"), stops_in_a_row=2),
    "trailing": CoordinatorSettings(
        trailing=TrailingSettings(D("0.5"), D(2)), max_drawdown=None, cooldown_candles=None, max_entries_per_instant=1
    ),
    "no limits": CoordinatorSettings(
        stake=D(500), risk_per_cycle=None, max_per_symbol=None, max_exposure=None, max_cycles=None,
        max_entries_per_instant=None, daily_loss=None, max_drawdown=None, cooldown_candles=None, stops_in_a_row=None,
        volume_share=None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("timeframe", "step"), [("5m", MINUTE), ("1h", 15 * MINUTE)])
def test_a_candle_outside_all_watches_changes_nothing(name: str, timeframe: str, step: int) -> None:
    opened = 0
    for seed in range(4):
        candles = market(seed, 500)
        every, watched = (World(CONFIGS[name], timeframe, whole, seed) for whole in (True, False))
        every.play(candles, step)
        watched.play(candles, step)
        assert watched.rig.said == every.rig.said
        assert watched.rig.cycles == every.rig.cycles
        assert every.given == 1500
        assert watched.given < every.given
        assert conserved(every.rig)
        opened += len(every.rig.cycles)
    assert opened > 10


def test_the_scripted_runs_reach_what_they_are_there_for() -> None:
    reasons, refusals, alerts = set(), set(), set()
    for name, config in CONFIGS.items():
        for seed in range(4):
            world = World(config, "5m" if name != "tight limits" else "1h", True, seed)
            world.play(market(seed, 500), MINUTE if name != "tight limits" else 15 * MINUTE)
            reasons |= {row.exit_reason for row in world.rig.cycles}
            refusals |= {reason for _, reason in world.rig.refusals}
            alerts |= set(world.rig.alerts)
    assert reasons >= {"stop", "target", "verdict", "manage: enough", "no fill"}
    assert refusals >= {"already_open", "cooldown", "first_instant", "daily_loss", "drawdown", "max_cycles"}
    assert alerts >= {"daily_loss", "drawdown"}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1_000_000), st.sampled_from(sorted(CONFIGS)), st.sets(st.integers(1, 120), max_size=30))
def test_a_restart_is_unseen(seed: int, name: str, restarts: set[int]) -> None:
    candles = market(seed, 120)
    undisturbed, restarted = (World(CONFIGS[name], "5m", True, seed) for _ in range(2))
    for number, at_once in enumerate(candles, 1):
        at = minutes(number)
        undisturbed.instant(at, at_once)
        if number in restarts:
            restarted.rig.restart(at)
        restarted.instant(at, at_once)
        standing = Watches(restarted.rig.instruments, CONFIGS[name], restarted.rig.managers)
        assert {watch.key: watch for watch in standing.all(restarted.rig.coordinator._state)} == restarted.rig.watches
    assert restarted.rig.said == undisturbed.rig.said
    assert restarted.rig.rows == undisturbed.rig.rows
    assert restarted.rig.watches == undisturbed.rig.watches


def test_the_same_inputs_give_the_same_decisions() -> None:
    runs = []
    for _ in range(2):
        world = World(replace(CONFIGS["defaults"], max_cycles=3), "5m", True, 9)
        world.play(market(9, 200), MINUTE)
        world.rig.give(ControlChanged(1, "flatten", "halted", "", "", "ann", "end"), NOON + DAY)
        runs.append((world.rig.said, world.rig.rows))
    assert runs[0] == runs[1]
