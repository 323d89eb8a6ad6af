"""A backtest that leaves candles out leaves what one leaves that delivers them all: every row, to the last digit."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal as D
from typing import Any, ClassVar

import numpy as np
import pytest
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.store.port import Store
from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.tape import Tape
from roottrading.config.settings import AccountSettings, RunSettings, Settings
from roottrading.domain.columns import Candles, Columns
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.position import Position
from roottrading.domain.time import HOUR, MINUTE, Time
from roottrading.reports import build_report
from roottrading.runtimes import backtest
from roottrading.runtimes.assembly import cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.market import Market, open_market
from roottrading.runtimes.result import gather, journal
from roottrading.runtimes.search_columns import grid_of
from roottrading.runtimes.session import Position as Rest
from roottrading.runtimes.skipping_exchange import SkippingExchange
from roottrading.services.analyzer import StrategyUse
from roottrading.services.coordinator.settings import AbnormalSettings, CoordinatorSettings, TrailingSettings
from roottrading.services.signal_aggregator import AggregatorSettings, LearningSettings
from roottrading.strategies.contract import Adjustment, Evaluation, Strategy
from roottrading.strategies.ema_cross import EmaCross
from roottrading.strategies.ema_rsi_cross import EmaRsiCross

TABLES = (
    "trade_cycles", "orders", "fills", "signals", "refusals", "protection_spans", "alerts", "refused_commands",
)  # fmt: skip
START = 30_720 * MINUTE * 900  # where blocks of every timeframe begin: opinions from the first candle on
OFF: Mapping[str, Any] = dict.fromkeys(
    (
        "risk_per_cycle", "max_per_symbol", "max_exposure", "volume_share", "max_cycles", "max_entries_per_instant",
        "daily_loss", "max_drawdown", "cooldown_candles", "stops_in_a_row",
    )
)  # fmt: skip


# ---- strategies without a past: what they say hangs on the candle's time alone, as wild as a test needs


def dice(open_time: Any, salt: int, sides: int) -> Any:
    """Return a number below `sides` for every time, the same each time it is asked."""
    mixed = (open_time // MINUTE + salt * 7_919) * 2_654_435_761 % (1 << 32)
    return ((mixed ^ (mixed >> 15)) * 2_246_822_519 % (1 << 32)) // 8 % sides


class Moody(Strategy, frozen=True):
    """Changes its mind every `patience` minutes or so, and asks for stops, targets, limits and sizes of all kinds."""

    salt: int = 1
    patience: int = 7
    stop: float = 0.008
    target: float = 0.012
    limits: bool = False
    fails: bool = False

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Evaluation:
        mood = columns.open_time // MINUTE // self.patience * MINUTE
        conviction = np.array([-1.0, -0.6, -0.2, 0.0, 0.3, 0.55, 0.8, 1.0])[dice(mood, self.salt, 8)]
        if self.fails:
            conviction = np.where(dice(columns.open_time, self.salt, 40) == 0, np.nan, conviction)
        close = columns.close
        if not self.limits:
            return Evaluation(conviction, stop_distance=close * self.stop, target_distance=close * self.target)
        return Evaluation(
            conviction,
            stop_distance=np.where(dice(mood, 3, 5) == 0, np.nan, close * self.stop),
            target_distance=np.where(dice(mood, 4, 3) == 0, np.nan, close * self.target),
            time_limit=dice(mood, 5, 12),
            entry_limit=close * (1 - 0.0005 * dice(mood, 6, 3)),
            size_factor=(1 + dice(mood, 7, 4)) / 4,
        )


class Managing(Moody, frozen=True):
    """Tightens, retargets and leaves, by its own column."""

    manages: ClassVar[bool] = True

    def evaluate(self, columns: Columns) -> Evaluation:
        given = super().evaluate(columns)
        return replace(given, columns={"urge": dice(columns.open_time, self.salt + 1, 60).astype(np.float64)})

    def manage(self, position: Position, row: Mapping[str, D]) -> Adjustment:
        urge = row["urge"]
        if urge == 0:
            return Adjustment(exit="enough")
        if urge == 1:
            return Adjustment(stop=position.highest_close * D("0.998"))
        if urge == 2:
            return Adjustment(target=position.average_entry_price * D("1.002"))
        return Adjustment()


class Informed(Moody, frozen=True):
    """Follows its mood only where the other symbol rose over its last hour."""

    inputs: ClassVar[tuple[str, ...]] = ("BBBUSDT/1h", "*/15m")

    def evaluate(self, columns: Columns) -> Evaluation:
        given = super().evaluate(columns)
        hour, quarter = columns.inputs["BBBUSDT/1h"], columns.inputs["*/15m"]
        rose = (hour.close >= hour.open) | (quarter.volume % 2 < 1)
        return replace(given, conviction=np.where(rose, given.conviction, 0.0))


# ---- tapes


def walk(symbol: str, seed: int, minutes: int, *, volume: int = 50_000, missing: float = 0.0, halt: int = 0) -> Candles:
    """A random walk in cents from START on; some candles missing, some without volume, and a halt in the middle."""
    random = np.random.default_rng(seed)
    close = 20_000 + np.cumsum(random.integers(-60, 61, minutes))
    opened = np.concatenate(([20_000], close[:-1])) + random.integers(-3, 4, minutes)
    high = np.maximum(opened, close) + random.integers(0, 20, minutes)
    low = np.minimum(opened, close) - random.integers(0, 20, minutes)
    amount = random.integers(0, volume, minutes) * (random.random(minutes) > 0.04)
    kept = random.random(minutes) >= missing
    kept[0] = True
    if halt:
        kept[minutes // 2 : minutes // 2 + halt] = False
    times = START + np.arange(minutes, dtype=np.int64) * MINUTE
    opened, high, low, close, amount = ((column * 10**6)[kept] for column in (opened, high, low, close, amount))
    return Candles(symbol, "1m", times[kept], opened, high, low, close, amount)


def instrument(symbol: str, **fields: Any) -> Instrument:
    return Instrument(
        symbol, symbol.removesuffix("USDT"), "USDT", D("0.01"), D("0.001"), D("0.001"), D(9000), D(5), **fields
    )


class Case(Struct):
    """What is run: a tape, strategies, and all that is not as usual."""

    tape: Sequence[Candles]
    uses: Sequence[StrategyUse]
    coordinator: CoordinatorSettings = CoordinatorSettings()
    aggregator: AggregatorSettings = AggregatorSettings(weighting="equal")
    exchange: FillModel = FillModel()
    rules: Mapping[str, Any] = {}  # of the instruments
    skip: Time = 0  # of the tape's beginning
    cut: Time = 0  # of its end
    traded: tuple[str, ...] = ()
    fees: FeeSchedule = FeeSchedule()


def leaves(case: Case, *, every_candle: bool) -> tuple[Store, Settings, Market]:
    tape = Tape({candles.symbol: candles for candles in case.tape}, "1m")
    symbols = case.traded or tuple(tape)
    instruments = {symbol: instrument(symbol, **case.rules) for symbol in tape}
    first, last = tape.span
    market = Market(tape, instruments, symbols, first + case.skip, last - case.cut)
    settings = Settings(
        account=AccountSettings(capital=case.coordinator.capital),
        aggregator=case.aggregator,
        learning=LearningSettings(prior_opinions=5),
        coordinator=replace(case.coordinator, threshold=case.aggregator.threshold),
        exchange=case.exchange,
        fees=case.fees,
    )
    store = run_backtest(settings, cast(settings, case.uses, market), market, every_candle=every_candle)
    return store, settings, market


def rows(store: Store, table: str) -> list[Any]:
    return sorted(journal(store, table), key=repr)


def same(case: Case) -> Store:
    """Run both ways and compare all that is left; return what the quick one left."""
    quick, settings, market = leaves(case, every_candle=False)
    slow, _, _ = leaves(case, every_candle=True)
    for table in TABLES:
        assert rows(quick, table) == rows(slow, table), table
    said = {row.id: row for row in journal(slow, "verdicts")}
    kept = {row.id: row for row in journal(quick, "verdicts")}
    assert kept.keys() == said.keys()
    for number, row in kept.items():
        assert row in (said[number], replace(said[number], votes=())), "a verdict that was left out has no votes"
    for table in ("analyzer_counters", "dust_costs", "coordinator_account", "coordinator_conduct"):
        assert quick.load().rows[table] == slow.load().rows[table], table
    reports = [build_report(gather(settings, market, store, market.end)) for store in (quick, slow)]
    assert reports[0] == reports[1]
    return quick


def reasons(store: Store) -> set[str]:
    return {row.reason for row in journal(store, "refusals")}


def exits(store: Store) -> set[str]:
    return {row.exit_reason.partition(":")[0] for row in journal(store, "trade_cycles")}


DAYS = 2 * 24 * 60
TWO = (walk("AAAUSDT", 1, DAYS), walk("BBBUSDT", 2, DAYS))
GAPS = (walk("AAAUSDT", 3, DAYS, missing=0.05, halt=80), walk("BBBUSDT", 4, DAYS, missing=0.3))
MOODY = (StrategyUse("moody", Moody(), "1m"),)
FREE = CoordinatorSettings(capital=D(1_000_000), stake=D(1_000), **OFF)


def test_all_limits_on() -> None:
    left = same(Case(TWO, MOODY))
    assert {"cooldown", "already_open"} <= reasons(left)
    assert {"stop", "target", "verdict"} <= exits(left)


def test_a_fixed_stake_and_no_limits() -> None:
    left = same(Case(TWO, (StrategyUse("ema_rsi_cross", EmaRsiCross(fast=3, slow=8), "1m"),), FREE))
    assert reasons(left) <= {"already_open"}
    assert len(rows(left, "trade_cycles")) > 100


def test_the_day_s_loss_and_the_drawdown_breached() -> None:
    tight = CoordinatorSettings(daily_loss=D("0.004"), max_drawdown=D("0.01"), risk_per_cycle=D("0.01"))
    left = same(Case(TWO, MOODY, tight))
    assert "drawdown" in reasons(left)
    assert {alert.subject for alert in journal(left, "alerts")} >= {"daily_loss", "drawdown"}


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        (AbnormalSettings(losses_in_a_row=2), "losses_in_a_row"),
        (AbnormalSettings(orders_per_minute=5), "orders_per_minute"),
        (AbnormalSettings(slippage=D("0.0006")), "slippage"),
    ],
)
def test_abnormal_trading(bounds: AbnormalSettings, reason: str) -> None:
    """It is judged at the events that tell of it, never at candles: leaving candles out changes nothing."""
    left = same(Case(TWO, MOODY, replace(FREE, abnormal=bounds)))
    assert reason in reasons(left)
    (first, *_) = [alert for alert in journal(left, "alerts") if alert.subject == reason]
    refused = [row.at for row in journal(left, "refusals") if row.reason == reason]
    assert first.at <= min(refused)


def test_a_drawdown_measured_from_highs_that_no_candle_delivered() -> None:
    patient = (StrategyUse("moody", Moody(patience=240, stop=0.05, target=0.2), "1m"),)
    for seed in range(4):
        tape = (walk("AAAUSDT", 50 + seed, DAYS), walk("BBBUSDT", 60 + seed, DAYS))
        whole = CoordinatorSettings(**{**OFF, "max_drawdown": D("0.01"), "daily_loss": D("0.02")}, stake=D(4_000))
        left = same(Case(tape, patient, whole))
        assert any(alert.subject in {"drawdown", "daily_loss"} for alert in journal(left, "alerts"))


def test_a_stop_that_trails() -> None:
    trailing = CoordinatorSettings(trailing=TrailingSettings(D("0.2"), D(1)), max_drawdown=None, daily_loss=None)
    left = same(Case(TWO, (StrategyUse("moody", Moody(patience=60, stop=0.003, target=0.02), "1m"),), trailing))
    stops = {order.cycle_id: 0 for order in journal(left, "orders")}
    for order in journal(left, "orders"):
        stops[order.cycle_id] += order.stop_price is not None
    assert max(stops.values()) > 1, "stops were moved"


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_a_strategy_that_manages(timeframe: str) -> None:
    uses = (StrategyUse("managing", Managing(patience=15), timeframe), StrategyUse("moody", Moody(salt=9), "1m"))
    left = same(Case(GAPS, uses, replace(FREE, stop_atr=None)))
    assert {"manage", "target", "stop", "verdict"} <= exits(left)


def test_inputs_of_other_symbols_and_timeframes() -> None:
    tape = (*TWO, walk("CCCUSDT", 5, DAYS))
    uses = (StrategyUse("informed", Informed(), "5m"),)
    assert rows(same(Case(tape, uses, FREE)), "fills")
    assert rows(same(Case(tape, uses, FREE, traded=("AAAUSDT",))), "fills"), "one that is only looked at"


def test_slow_timeframes_beside_the_fastest() -> None:
    uses = (
        StrategyUse("quick", Moody(salt=1, patience=9), "5m"),
        StrategyUse("middle", Moody(salt=2, patience=45), "15m"),
        StrategyUse("slow", Moody(salt=3, patience=240), "1h"),
    )
    left = same(Case(GAPS, uses, aggregator=AggregatorSettings(D("0.3"), "equal"), skip=7 * MINUTE, cut=11 * MINUTE))
    assert len(rows(left, "trade_cycles")) > 10


def test_fills_in_parts() -> None:
    thin = (walk("AAAUSDT", 6, DAYS, volume=200), walk("BBBUSDT", 7, DAYS, volume=400))
    rich = replace(FREE, stake=D(4_000))
    left = same(Case(thin, MOODY, rich, rules={"opo_allowed": False}))
    assert "expired" in {cycle.status for cycle in journal(left, "trade_cycles")}
    per_order: dict[str, int] = {}
    for fill in journal(left, "fills"):
        per_order[fill.order_id] = per_order.get(fill.order_id, 0) + 1
    assert max(per_order.values()) > 1 or len(per_order) > 2 * len(rows(left, "trade_cycles"))


def test_halts_and_missing_candles() -> None:
    left = same(Case(GAPS, MOODY, FREE))
    assert rows(left, "protection_spans"), "a sale waited for the next open"


def test_a_symbol_that_begins_late_and_one_that_ends_early() -> None:
    whole, late, early = walk("AAAUSDT", 8, DAYS), walk("BBBUSDT", 9, DAYS), walk("CCCUSDT", 10, DAYS)
    tape = (whole, late.slice(DAYS // 3, DAYS), early.slice(0, DAYS // 2 + 13))
    uses = (StrategyUse("moody", Moody(), "5m"), StrategyUse("slow", Moody(salt=5, patience=120), "1h"))
    same(Case(tape, uses, FREE, AggregatorSettings(D("0.3"), "equal")))


def test_resting_entries_time_limits_and_sizes() -> None:
    resting = replace(FREE, entry_style="resting", stop_atr=D(2))
    left = same(Case(GAPS, (StrategyUse("moody", Moody(limits=True), "1m"),), resting))
    assert {"time_limit"} <= exits(left)
    assert "expired" in {cycle.status for cycle in journal(left, "trade_cycles")}


def test_weights_that_are_learned() -> None:
    long = 4 * 24 * 60
    tape = (walk("AAAUSDT", 19, long), walk("BBBUSDT", 20, long, missing=0.02))
    uses = (
        StrategyUse("one", Moody(salt=1, patience=90), "5m"),
        StrategyUse("two", Moody(salt=2, patience=90, stop=0.03, target=0.06), "5m"),
        StrategyUse("three", Moody(salt=3, patience=90, stop=0.05, target=0.1), "15m"),
    )
    left = same(Case(tape, uses, aggregator=AggregatorSettings(D("0.3"), "learned")))
    weights = {vote.weight for row in journal(left, "verdicts") for vote in row.votes}
    assert len(weights) > 2, "weights changed"


def test_a_halt_of_days_in_which_the_weights_change() -> None:
    """What stands through a halt weighs otherwise every day: verdicts change, and sell, where there is no candle."""
    changed, sold = 0, 0
    for seed in (13, 18, 21, 26):
        long = 7 * 24 * 60
        halted = walk("AAAUSDT", 30 + seed, long, halt=52 * 60 + 17 * seed)
        uses = (
            StrategyUse("one", Moody(salt=1 + seed, patience=45, stop=0.05, target=0.2), "5m"),
            StrategyUse("two", Moody(salt=20 + seed, patience=45, stop=0.004), "5m"),
            StrategyUse("three", Moody(salt=40 + seed, patience=90, target=0.004), "15m"),
        )
        weighed = AggregatorSettings(D("0.2"), "learned", quorum=D(0))
        tape = (halted, walk("BBBUSDT", 40 + seed, long, missing=0.02))
        left = same(Case(tape, uses, CoordinatorSettings(**OFF, stake=D(1_000)), weighed))
        gap = int(np.argmax(np.diff(halted.open_time)))
        begun, ended = halted.open_time[gap : gap + 2].tolist()
        strong = [row for row in journal(left, "verdicts") if row.symbol == "AAAUSDT"]
        inside = [row.timestamp for row in strong if begun + HOUR <= row.timestamp < ended]
        changed += any(at % HOUR == 5 * MINUTE for at in inside if at - 5 * MINUTE not in inside)  # after 01:00
        cycles = [row for row in journal(left, "trade_cycles") if row.symbol == "AAAUSDT"]
        sold += any(row.created_at <= begun < row.updated_at <= ended for row in cycles)
    assert changed, "a verdict crossed the threshold when a day's weights came"
    assert sold, "a cycle was asked to leave inside the halt"


def test_a_strategy_that_fails_now_and_then() -> None:
    uses = (StrategyUse("failing", Moody(fails=True), "1m"), StrategyUse("moody", Moody(salt=4), "1m"))
    left = same(Case(TWO, uses, FREE))
    (row,) = left.load().rows["analyzer_counters"]
    assert row.values.count > 50


def test_the_shipped_tape() -> None:
    run = RunSettings(symbols=("LTCUSDT", "XRPUSDT"), start=1_618_660_800_000_000, end=1_618_833_600_000_000)
    settings = Settings(run=run, aggregator=AggregatorSettings(weighting="equal"))
    market = open_market(run, "USDT")
    case = Case(
        [market.tape[symbol] for symbol in market.symbols],
        (StrategyUse("ema_cross", EmaCross(), "1m"), StrategyUse("slower", EmaCross(6, 13), "5m")),
        settings.coordinator,
        settings.aggregator,
    )
    both = [
        run_backtest(settings, cast(settings, case.uses, market), market, every_candle=every) for every in (True, False)
    ]
    for table in TABLES:
        assert rows(both[0], table) == rows(both[1], table), table
    assert len(rows(both[0], "trade_cycles")) > 20


def chosen(seed: int) -> Case:
    """A market, strategies and settings drawn at random."""
    random = np.random.default_rng(seed)

    def one_of(*choices: Any) -> Any:
        return choices[int(random.integers(len(choices)))]

    thin = one_of(50_000, 5_000, 500)
    tape = [
        walk(symbol, seed * 10 + number, DAYS // 2, volume=thin, missing=one_of(0.0, 0.1), halt=one_of(0, 0, 90))
        for number, symbol in enumerate(("AAAUSDT", "BBBUSDT", "CCCUSDT")[: one_of(1, 2, 3)])
    ]
    makes: tuple[Callable[..., Strategy], ...] = (Moody, Managing)
    uses = [
        StrategyUse(
            f"s{number}",
            one_of(*makes)(
                salt=number, patience=one_of(3, 7, 20, 90), stop=one_of(0.002, 0.01), limits=one_of(True, False)
            ),
            one_of("1m", "5m", "15m"),
        )
        for number in range(one_of(1, 2, 4))
    ]
    coordinator = CoordinatorSettings(
        stake=one_of(None, D(500)),
        max_drawdown=one_of(None, D("0.01"), D("0.15")),
        daily_loss=one_of(None, D("0.005"), D("0.03")),
        trailing=one_of(None, TrailingSettings(D("0.5"), D(1))),
        entry_style=one_of("taker", "resting"),
        cooldown_candles=one_of(None, 3),
        max_cycles=one_of(None, 1, 2),
    )
    aggregator = AggregatorSettings(one_of(D("0.2"), D("0.5")), "equal", quorum=one_of(D(0), D("0.25")))
    rules = one_of(
        {}, {"opo_allowed": False}, {"order_types": frozenset({"LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"})}
    )
    return Case(
        tape,
        uses,
        coordinator,
        aggregator,
        rules=rules,
        skip=one_of(0, 13 * MINUTE, 3 * HOUR),
        cut=one_of(0, 8 * MINUTE),
    )


@pytest.mark.parametrize("seed", range(16))
def test_whatever_the_market_and_the_settings(seed: int) -> None:
    same(chosen(seed))


IN_BNB = FeeSchedule(in_bnb=True)
PRICED = (walk("AAAUSDT", 31, DAYS), walk("BNBUSDT", 32, DAYS, missing=0.1, halt=120), walk("CCCUSDT", 33, DAYS))
TRADED = [(), ("AAAUSDT", "BNBUSDT"), ("BNBUSDT", "CCCUSDT"), ("AAAUSDT", "CCCUSDT")]


@pytest.mark.parametrize("traded", TRADED, ids="-".join)
@pytest.mark.parametrize("cut", [0, DAYS // 4], ids=["known", "late"])
def test_fees_in_bnb_whatever_else_is_traded(traded: tuple[str, ...], cut: int) -> None:
    """BNB's price is the same both ways, where it comes before and after the others, has halts or begins late."""
    first, bnb, last = PRICED
    tape = (first, bnb.slice(cut, len(bnb)), last)
    left = same(Case(tape, MOODY, FREE, traded=traded, fees=IN_BNB, skip=HOUR))
    fees = {(fill.symbol == "BNBUSDT", fill.side, fill.fee_asset) for fill in journal(left, "fills")}
    assert fees >= {(False, "BUY", "BNB"), (False, "SELL", "BNB")}
    assert (True, "SELL", "BNB") not in fees, "the bot's own BNB pays no fees"
    assert "discrepancy" not in reasons(left)
    assert "discrepancy" not in {alert.subject for alert in journal(left, "alerts")}


@pytest.mark.parametrize("other", ["AAAUSDT", "CCCUSDT"])
def test_a_price_of_bnb_that_stands_still_is_noticed(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(PRICED, MOODY, FREE, traded=("BNBUSDT", other), fees=IN_BNB)
    slow, _, _ = leaves(case, every_candle=True)
    monkeypatch.setattr(SkippingExchange, "_price_fees", lambda *_: None)
    quick, _, _ = leaves(case, every_candle=False)
    assert rows(quick, "fills") != rows(slow, "fills")


def test_fees_in_bnb_need_its_price() -> None:
    with pytest.raises(TapeError, match=r"no candles of BNBUSDT: add them with --tape"):
        leaves(Case(TWO, MOODY, FREE, fees=IN_BNB), every_candle=False)


class Blind(SkippingExchange):
    """An exchange whose search for what it is touched by looks a candle too far."""

    def next_touch(self, symbol: str, now: Time, until: Time) -> Time:
        return super().next_touch(symbol, now + MINUTE, until)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("SkippingExchange", Blind),
        ("weights_for", lambda *_: None),
        ("grid_of", lambda market, step: grid_of(market, step + MINUTE)),
    ],
)
def test_a_search_that_leaves_too_much_out_is_noticed(name: str, broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison bites: each of these makes the quick run differ from the slow one, or fail."""
    learned = AggregatorSettings(D("0.3"), "learned")
    uses = (StrategyUse("one", Moody(), "1m"), StrategyUse("two", Moody(salt=2), "1m"))
    tape = (walk("AAAUSDT", 21, 2 * DAYS),)
    slow, _, _ = leaves(Case(tape, uses, FREE, learned), every_candle=True)
    monkeypatch.setattr(backtest, name, broken)
    try:
        quick, _, _ = leaves(Case(tape, uses, FREE, learned), every_candle=False)
    except (RuntimeError, ValueError):
        return
    assert rows(quick, "fills") != rows(slow, "fills")


def test_an_observer_stops_it() -> None:
    tape = Tape({candles.symbol: candles for candles in TWO}, "1m")
    market = Market(tape, {symbol: instrument(symbol) for symbol in tape}, tuple(tape), *tape.span)
    settings = Settings(aggregator=AggregatorSettings(weighting="equal"))
    seen: list[Rest] = []

    def stop(position: Rest) -> bool:
        seen.append(position)
        return len(seen) < 5

    run_backtest(settings, cast(settings, MOODY, market), market, stop)
    assert len(seen) == 5
    assert seen[-1].at < market.end
