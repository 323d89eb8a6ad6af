"""Candles, strategies and message streams for the analyzer's tests."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from roottrading.domain.columns import Candles, Columns, Floats, Ints, candle_at
from roottrading.domain.time import DAY, MINUTE, Time, duration
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import CandleMissing, CandleObserved, Row
from roottrading.services.analyzer.plan import Plan, StrategyUse, Stream
from roottrading.services.gateway.fold import fold
from roottrading.services.gateway.market_to_candles import Gateway
from roottrading.strategies.contract import Evaluation, Strategy
from roottrading.strategies.ema_cross import EmaCross
from roottrading.strategies.indicators import talib

DATA = Path(__file__).parents[3] / "data" / "analyzer"


def recorded(symbol: str) -> Candles:
    """Real 1m candles of 2023-03-21..25 (Binance), with the halt of 80 minutes on the 24th."""
    with np.load(DATA / f"{symbol}-1m.npz") as stored:
        close = stored["close"].astype(np.int64).cumsum()
        price = 10 ** (8 - int(stored["digits"][0]))
        open_time = stored["open_minute"].cumsum() * MINUTE
        volume = stored["volume"] * 10 ** (8 - int(stored["digits"][1]))
        opened, high, low = ((stored[name] + close) * price for name in ("open", "high", "low"))
        return Candles(symbol, "1m", open_time, opened, high, low, close * price, volume)


def random_candles(
    symbol: str, timeframe: str, count: int, seed: int, missing: float = 0.0, start: Time = 19_000 * DAY
) -> Candles:
    """A random walk in cents, some candles missing and some without volume."""
    random = np.random.default_rng(seed)
    close = 10_000 + np.abs(random.integers(-60, 61, count).cumsum() + 3_000)
    opened = np.concatenate(([close[0]], close[:-1]))
    high = np.maximum(opened, close) + random.integers(0, 30, count)
    low = np.minimum(opened, close) - random.integers(0, 30, count)
    volume = random.integers(0, 50_000, count) * (random.random(count) > 0.05)
    open_time = start + np.arange(count, dtype=np.int64) * duration(timeframe)
    kept = random.random(count) >= missing
    if missing:  # and a halt that empties whole windows
        kept[count // 2 : count // 2 + 45] = False
    opened, high, low, close = ((field * 10**6)[kept] for field in (opened, high, low, close))
    return Candles(symbol, timeframe, open_time[kept], opened, high, low, close, (volume * 10**4)[kept])


class Channel(Strategy, frozen=True):
    """Place in the channel of the last candles, with every optional column."""

    period: int = 20

    @property
    def lookback(self) -> int:
        return self.period

    def evaluate(self, columns: Columns) -> Evaluation:
        high, low = talib.MAX(columns.high, self.period), talib.MIN(columns.low, self.period)
        width = np.maximum(high - low, 1e-9)
        place = np.clip(2 * (columns.close - low) / width - 1, -1, 1)
        conviction = np.where(np.abs(place) > 0.4, place, 0.0)
        row = np.arange(len(place))
        return Evaluation(
            conviction,
            stop_distance=width / 3,
            target_distance=np.where(columns.volume > 0, width, np.nan),
            time_limit=np.where(conviction > 0.8, 5, 0),
            entry_limit=low + width / 3,
            size_factor=np.where(conviction > 0.5, 0.5, 1.0),
            tag=np.where(place > 0.9, "high", ""),
            columns={"place": place, "seldom": np.where((columns.open_time // MINUTE) % 7 == 0, row * 0.0 + 7, np.nan)},
        )


class DayVolume(Strategy, frozen=True):
    """Volume since 00:00 UTC against the day before: sums, anchored to the day."""

    @property
    def lookback(self) -> int:
        return 60

    def evaluate(self, columns: Columns) -> Floats:
        total = columns.volume.cumsum()
        day = columns.open_time // DAY
        start = np.maximum.accumulate(np.where(np.diff(day, prepend=-1) != 0, np.arange(len(day)), 0))
        since = total - total[start]
        return np.asarray(np.tanh(since / (talib.EMA(columns.volume, 10) * 100 + 1) - 0.5))


class Leader(Strategy, frozen=True):
    """Follows another symbol and a longer timeframe of its own."""

    inputs: ClassVar[tuple[str, ...]] = ("ETHUSDT/1h", "*/4h")

    @property
    def lookback(self) -> int:
        return 30

    def evaluate(self, columns: Columns) -> Evaluation:
        leader, slow = columns.inputs["ETHUSDT/1h"], columns.inputs["*/4h"]
        assert len(leader) == len(columns) == len(slow)
        lead = talib.ROC(leader.close, 3) / 5
        return Evaluation(np.clip(np.nan_to_num(lead), -1, 1), columns={"slow": slow.close - columns.close})


class Fragile(Strategy, frozen=True):
    """Fails in every way there is, depending on the prices it sees."""

    @property
    def lookback(self) -> int:
        return 10

    def evaluate(self, columns: Columns) -> Any:
        cents = np.rint(columns.close * 100).astype(np.int64)
        if (cents % 101 == 0).any():
            raise ZeroDivisionError("there was a multiple of a hundred and one")
        if (cents % 103 == 0).any():
            return columns.close[1:] * 0
        conviction = np.sin(columns.close)
        conviction[cents % 13 == 0] = np.nan
        conviction[cents % 17 == 0] = 1.5
        distance = np.where(cents % 19 == 0, -1.0, 2.0)
        return Evaluation(conviction, stop_distance=distance, columns={"x": np.where(cents % 23 == 0, np.inf, 1.0)})


class NeedsAll(Strategy, frozen=True):
    """Raises where it is given fewer candles than its lookback."""

    @property
    def lookback(self) -> int:
        return 25

    def evaluate(self, columns: Columns) -> Floats:
        if len(columns) <= 25:
            raise ValueError("too few candles")
        return np.asarray(np.cos(columns.low))


def hourly_plan(symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT")) -> Plan:
    """Many kinds of strategies on candles of one hour and of four."""
    uses = (
        StrategyUse("cross", EmaCross(fast=3, slow=7), "1h"),
        StrategyUse("channel", Channel(), "1h"),
        StrategyUse("leader", Leader(), "1h", ("BTCUSDT",)),
        StrategyUse("fragile", Fragile(), "1h"),
        StrategyUse("needs_all", NeedsAll(), "1h"),
        StrategyUse("day_volume", DayVolume(), "1h"),
        StrategyUse("channel", Channel(period=12), "4h"),
    )
    return Plan("sim", uses, symbols, "1h")


def candle_envelopes(
    tape: Mapping[str, Candles], timeframes: Sequence[str], until: Time | None = None
) -> Iterator[Envelope]:
    """What the gateway says of a tape, as envelopes: all that is missing is said to be missing."""
    finest = next(iter(tape.values())).timeframe
    span = duration(finest)
    gateway = Gateway(tape, finest, timeframes)
    start = min(int(candles.open_time[0]) for candles in tape.values())
    last = max(int(candles.open_time[-1]) for candles in tape.values()) if until is None else until - span
    rows = {symbol: {int(t): row for row, t in enumerate(c.open_time)} for symbol, c in tape.items()}
    for open_time in range(start, last + span, span):
        for symbol in sorted(tape):
            row = rows[symbol].get(open_time)
            if row is None:
                decision = gateway.decide(CandleMissing(symbol, finest, open_time), open_time + span)
            else:
                decision = gateway.decide(CandleObserved(candle_at(tape[symbol], row)), open_time + span)
            for out in decision.messages:
                assert out.sequence is not None
                follows, sequence = out.sequence
                yield Envelope("gateway", f"market/{out.key}", sequence, follows, open_time + span, "", out.body)


def market_rows(given: Sequence[Envelope]) -> list[Row]:
    """The `market_data` rows of the candles in some envelopes."""
    candles = [e.body.candle for e in given if isinstance(e.body, CandleClosed)]
    return [Row("market_data", (c.symbol, c.timeframe, c.open_time), c) for c in candles]


def stream_of(envelope: Envelope) -> Stream:
    """The symbol and timeframe of a candle's envelope."""
    body = envelope.body
    assert isinstance(body, CandleClosed | CandleAbsent)
    return (
        (body.candle.symbol, body.candle.timeframe) if isinstance(body, CandleClosed) else (body.symbol, body.timeframe)
    )


def timeframes_of(plan: Plan) -> tuple[str, ...]:
    """All timeframes that the plan's streams have."""
    return tuple({timeframe for _, timeframe in plan.streams})


def whole_fold(until: Time) -> Any:
    """The gateway's fold of a tape that is known up to an instant."""
    return lambda candles, timeframe: fold(candles, timeframe, until)


def end_of(tape: Mapping[str, Candles]) -> Time:
    """The instant up to which the tape tells of the market."""
    return max(int(candles.at[-1]) for candles in tape.values())


def minutes(values: Sequence[int]) -> Ints:
    """Open times in minutes."""
    return np.array(values, dtype=np.int64) * MINUTE
