"""Weights from stored signals and candles, held against a plain reckoning of the rules, candle by candle."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

import numpy as np
import pytest
from msgspec import Struct

from roottrading.config.settings import Settings
from roottrading.domain.columns import UNITS, Candles, Columns, Floats
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import DAY, HOUR, MINUTE, Time
from roottrading.messages.service import WeightsSet
from roottrading.runtimes.assembly import Cast, cast
from roottrading.runtimes.evidence import Evidence, Past, Witness
from roottrading.runtimes.stored_opinions import change_of
from roottrading.services.analyzer import StrategyUse
from roottrading.services.analyzer.state import SignalRow
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.gateway.fold import fold
from roottrading.strategies.contract import Strategy

D = Decimal
BEGIN: Time = 19_000 * DAY
START: Time = BEGIN + 7 * HOUR
DAYS = 12
SYMBOLS = ("AAAUSDT", "BBBUSDT")
NAMES = ("alike", "bold", "calm", "shadow")
SETTINGS = Settings(coordinator=CoordinatorSettings(stop_distance={"calm": D("0.02")}))
FEE, SLIPPAGE, PRIOR, PRIOR_OPINIONS, HALF_LIFE = 0.001, 0.0005, 0.1, 50, 30


class Silent(Strategy, frozen=True):
    """Is never asked: what it said is stored."""

    inputs: ClassVar[tuple[str, ...]] = ()

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Floats:
        raise AssertionError("what is stored need not be evaluated")


class Traded(Struct, frozen=True):
    """Two symbols of minutes."""

    symbols: tuple[str, ...] = SYMBOLS
    finest: str = "1m"
    instruments: Mapping[str, Instrument] = {}


def played() -> Cast:
    return cast(SETTINGS, [StrategyUse(name, Silent(), "1h") for name in NAMES], Traded())


def minutes(symbol: str, seed: int) -> Candles:
    """Return a wandering market; some minutes are without volume, and some are left out."""
    random = np.random.default_rng(seed)
    count = DAYS * 1440
    close = np.rint(100 * np.exp(np.cumsum(random.normal(0, 0.0012, count))) * 100).astype(np.int64)
    opened = np.concatenate((close[:1], close[:-1]))
    wick = random.integers(0, 12, (2, count))
    high, low = np.maximum(opened, close) + wick[0], np.minimum(opened, close) - wick[1]
    volume = np.where(random.random(count) < 0.02, 0, 5 * UNITS)
    times = BEGIN + np.arange(count, dtype=np.int64) * MINUTE
    cents = UNITS // 100
    there = random.random(count) > 0.01
    prices = [column[there] * cents for column in (opened, high, low, close)]
    return Candles(symbol, "1m", times[there], prices[0], prices[1], prices[2], prices[3], volume[there])


TAPE = {symbol: minutes(symbol, seed) for seed, symbol in enumerate(SYMBOLS, 5)}
CANDLES = {(symbol, "1m"): TAPE[symbol] for symbol in SYMBOLS} | {
    (symbol, "1h"): fold(TAPE[symbol], "1h") for symbol in SYMBOLS
}


def said(name: str, symbol: str) -> list[SignalRow]:
    """Return what a strategy said: changes of direction, with all of a plan, some of it or nothing."""
    random = np.random.default_rng([NAMES.index(name.replace("alike", "bold")), SYMBOLS.index(symbol)])
    hours = CANDLES[symbol, "1h"]
    rows: list[SignalRow] = []
    stands = 0
    for row in range(len(hours)):
        at, wish = int(hours.at[row]), int(random.integers(-1, 2))
        if at <= START or random.random() < 0.6 or wish == stands:
            continue
        stands = wish
        metadata = {"note": "1"}
        if name != "calm":
            metadata["stop_distance"] = f"{random.uniform(0.8, 4):.4f}"
        if random.random() < 0.7:
            metadata["target_distance"] = f"{random.uniform(0.8, 6):.4f}"
        if random.random() < 0.3:
            metadata["time_limit"] = str(random.integers(1, 30))
        price = D(int(hours.close[row])) / UNITS
        kind: Literal["BUY", "SELL", "NEUTRAL"] = "BUY" if wish > 0 else "SELL" if wish < 0 else "NEUTRAL"
        rows.append(SignalRow(len(rows), symbol, "1h", name, kind, D(1), price, at, metadata if wish > 0 else {}))
    return rows


ROWS = {(name, symbol): said(name, symbol) for name in NAMES for symbol in SYMBOLS}
PAST = Past({key: [change_of(row) for row in rows] for key, rows in ROWS.items()}, CANDLES)


# ---- the plain reckoning


def outcome(row: SignalRow, later: Sequence[SignalRow]) -> float | None:
    """Walk through the minutes after a BUY opinion; None where there was no entry."""
    market = TAPE[row.symbol]
    price = float(row.price)
    stop = price - float(row.metadata.get("stop_distance", 0.02 * price))
    target = price + float(row.metadata.get("target_distance", "inf"))
    leave_at = next((each.timestamp for each in later if each.signal_type == "SELL"), 10**18)
    if "time_limit" in row.metadata:
        leave_at = min(leave_at, row.timestamp + int(row.metadata["time_limit"]) * HOUR)
    first = int(np.flatnonzero(market.open_time >= row.timestamp)[0])
    entry = left = None
    for place in range(first, len(market)):
        time = int(market.open_time[place])
        opened, high, low, close = (
            int(column[place]) / UNITS for column in (market.open, market.high, market.low, market.close)
        )
        if not market.volume[place]:
            continue
        if entry is None:
            if time != row.timestamp or not stop < opened or not opened * (1 + SLIPPAGE) < target:
                return None
            entry = opened * (1 + SLIPPAGE)
        elif time >= row.timestamp + 100 * HOUR:
            break
        if time >= leave_at:
            left = opened * (1 - SLIPPAGE)
        elif low <= stop:
            left = min(stop, opened) * (1 - SLIPPAGE)
        elif high > target and time > row.timestamp:
            left = target
        if left is not None:
            break
        last = close
    if entry is None:
        return None
    if left is None:
        left = last * (1 - SLIPPAGE)
    earned: float = (left * (1 - FEE) - entry * (1 + FEE)) / (entry - stop)
    return min(10.0, max(-10.0, earned))


OUTCOMES = {
    name: [
        ((row.timestamp + 100 * HOUR) // DAY * DAY, earned)
        for symbol in SYMBOLS
        for place, row in enumerate(ROWS[name, symbol])
        if row.signal_type == "BUY" and (earned := outcome(row, ROWS[name, symbol][place:])) is not None
    ]
    for name in NAMES
}


def weight(name: str, day: Time) -> float:
    known = [(0.5 ** ((day - seen) / DAY / HALF_LIFE), earned) for seen, earned in OUTCOMES[name] if seen < day]
    mean = (PRIOR * PRIOR_OPINIONS + sum(share * net for share, net in known)) / (
        PRIOR_OPINIONS + sum(share for share, _ in known)
    )
    return min(3.0, max(0.0, float(mean) / PRIOR)) / len(NAMES)


def correlation(one: str, other: str, day: Time) -> float:
    """Return how the directions of two strategies correlate at all hours between the start and the day."""
    directions: tuple[list[int], list[int]] = [], []
    for symbol in SYMBOLS:
        for at in CANDLES[symbol, "1h"].at.tolist():
            if START < at < day:
                for name, found in zip((one, other), directions, strict=True):
                    stood = [row for row in ROWS[name, symbol] if row.timestamp <= at]
                    kind = stood[-1].signal_type if stood else "NEUTRAL"
                    found.append({"BUY": 1, "SELL": -1, "NEUTRAL": 0}[kind])
    return float(np.corrcoef(*directions)[0, 1])


# ---- held against it


def told(witness: Witness, day: Time, days_at_once: int) -> list[Evidence]:
    since = witness.first_day(day)
    steps = range(since, day, days_at_once * DAY)
    return [witness.tell(step, min(day, step + days_at_once * DAY), PAST) for step in steps]


def test_weights_are_those_of_a_plain_reckoning() -> None:
    witness = Witness(SETTINGS, played(), START)
    assert all(len(found) > 20 for found in OUTCOMES.values())
    for day in range(BEGIN + 5 * DAY, BEGIN + DAYS * DAY, DAY):
        found = witness.weights(day, told(witness, day, 3))
        expected = {name: weight(name, day) for name in NAMES}
        assert {name: float(each) for name, each in found.weights.items()} == pytest.approx(expected, abs=1.5e-6)
        assert found.groups == (("alike", "bold"),)
        assert correlation("alike", "bold", day) > 0.7
        assert (
            max(correlation(*pair, day) for pair in (("alike", "calm"), ("bold", "shadow"), ("calm", "shadow"))) < 0.7
        )
    assert len(set(found.weights.values())) == 3  # `alike` plans what `bold` plans


@pytest.mark.parametrize("days_at_once", [1, 4])
def test_days_tell_the_same_one_by_one_and_at_once(days_at_once: int) -> None:
    witness, day = Witness(SETTINGS, played(), START), BEGIN + 11 * DAY
    assert witness.weights(day, told(witness, day, days_at_once)) == witness.weights(day, told(witness, day, 100))


def test_without_days_there_is_the_prior() -> None:
    witness = Witness(SETTINGS, played(), START)
    assert witness.first_day(BEGIN) == BEGIN
    assert witness.weights(BEGIN, []) == WeightsSet(BEGIN, dict.fromkeys(NAMES, D("0.25")))


def test_no_more_is_asked_for_than_a_day_depends_on() -> None:
    witness = Witness(SETTINGS, played(), START)
    first, later = witness.reach(BEGIN), witness.reach(BEGIN + 9 * DAY)
    assert first.changes == START + 1
    assert later.changes == BEGIN + 9 * DAY - 100 * HOUR
    block = 256  # candles: the lookback of ATR and regime, and of their blocks
    hour = (later.changes - 1) // HOUR
    assert later.candles["AAAUSDT", "1h"] == (hour - hour % block - block) * HOUR
    assert later.candles["AAAUSDT", "1m"] < later.changes
    assert witness.first_day(BEGIN + 400 * DAY) == BEGIN + 100 * DAY
