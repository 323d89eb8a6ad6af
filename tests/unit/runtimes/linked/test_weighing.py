"""When a run over a wire makes the weights of a day, and what of the past it asks for and keeps."""

import asyncio
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from roottrading.adapters.exchange.binance.streams import HistoryUnavailable
from roottrading.adapters.store.port import Loaded
from roottrading.domain.candle import Candle
from roottrading.domain.columns import Columns, columns_of
from roottrading.domain.time import DAY, HOUR, MINUTE, Time
from roottrading.messages.service import Row, WeightsSet
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.evidence import Reach
from roottrading.runtimes.learning import weights_for
from roottrading.runtimes.linked.candle_memory import CandleMemory
from roottrading.runtimes.linked.recorded import began_at, columns_from
from roottrading.runtimes.linked.weighing import HeardPast, Weigher
from roottrading.runtimes.result import journal
from roottrading.services.analyzer.state import SignalRow
from roottrading.services.gateway.state import Stream
from roottrading.services.signal_aggregator.state import WeightsOfDay
from tests.integration.virtual_time import run_virtually
from tests.parity.learning_runs import TapeHistory, learning_run

D = Decimal
SETTINGS, CAST, MARKET = learning_run(end="2021-04-16T06:00:00Z")
MIDNIGHT = MARKET.start // DAY * DAY  # the run begins at 22:00 of this day


class Asked(TapeHistory):
    """A history that notes what it was asked for, and gives no answer so many times."""

    def __init__(self, silent: int = 0) -> None:
        super().__init__(MARKET)
        self.silent = silent
        self.questions: list[tuple[str, str, Time, Time]] = []

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        self.questions.append((symbol, timeframe, start, end))
        if self.silent:
            self.silent -= 1
            raise HistoryUnavailable("silence")
        return await super().klines(symbol, timeframe, start, end)


def kept(days: Iterable[Time] = ()) -> Loaded:
    rows = tuple(Row("weights", (day,), WeightsOfDay(day, {}, (), day)) for day in days)
    return Loaded({"weights": rows, "analyzer_histories": ()}, {}, (), None, 0, 1)


def given_by(weigher: Weigher) -> list[WeightsSet]:
    given: list[WeightsSet] = []
    asyncio.run(weigher.work(given.append))
    assert not weigher.busy
    return given


@pytest.mark.parametrize(
    ("start", "due"),
    [(0, 30 * MINUTE), (20 * MINUTE, 30 * MINUTE), (45 * MINUTE, 45 * MINUTE), (HOUR, DAY + 30 * MINUTE)],
)
def test_the_first_weights_are_those_of_the_first_one_o_clock_after_the_start(start: Time, due: Time) -> None:
    weigher = Weigher(SETTINGS, CAST, Asked())
    weigher.begin(kept(), (), MIDNIGHT + start, MIDNIGHT + start)
    for at in range(start + MINUTE, due, MINUTE):
        assert not weigher.busy
        weigher.rested(MIDNIGHT + at, ())
    weigher.rested(MIDNIGHT + due, ())
    assert weigher.busy


@pytest.mark.parametrize(("given", "busy"), [([], True), ([1], True), ([0, 1], True), ([1, 2], False)])
def test_a_run_that_was_ended_makes_what_it_did_not_give(given: list[int], busy: bool) -> None:
    weigher = Weigher(SETTINGS, CAST, Asked())
    completed = MIDNIGHT + 2 * DAY + 5 * HOUR
    weigher.begin(kept(MIDNIGHT + day * DAY for day in given), (), MARKET.start, completed)
    assert weigher.busy is busy


def test_a_day_is_given_once_and_then_the_next() -> None:
    left = run_backtest(SETTINGS, CAST, MARKET)
    learned = weights_for(SETTINGS, CAST, MARKET)
    assert learned is not None
    rows: list[SignalRow] = sorted(journal(left, "signals"), key=lambda row: row.timestamp)
    weigher = Weigher(SETTINGS, CAST, TapeHistory(MARKET))
    weigher.begin(kept(), (), MARKET.start, MARKET.start)
    said = [Row("signals", (row.id,), row) for row in rows]
    for day in (1, 2):
        at = MIDNIGHT + day * DAY + 30 * MINUTE
        weigher.rested(at, [row for row in said if at - DAY < row.values.timestamp <= at])
        assert given_by(weigher) == [learned(MIDNIGHT + day * DAY)]
        weigher.rested(at + HOUR, ())
        assert given_by(weigher) == []


def test_while_the_history_gives_no_answer_weights_wait_for_it() -> None:
    history = Asked(silent=100)
    weigher = Weigher(SETTINGS, CAST, history)
    weigher.begin(kept(), (), MARKET.start, MIDNIGHT + 2 * DAY + HOUR)
    given: list[WeightsSet] = []

    async def learn() -> None:
        learning = asyncio.create_task(weigher.run(given.append))
        while weigher.busy:
            await asyncio.sleep(0.1)
        learning.cancel()

    run_virtually(learn())
    assert not history.silent
    assert [each.day for each in given] == [MIDNIGHT + 2 * DAY]


# ---- what is asked for


def test_a_candle_is_asked_for_once() -> None:
    history = Asked()
    memory, stream = CandleMemory(history), ("XRPUSDT", "5m")
    whole = MARKET.candles(*stream)

    def told(since: Time, until: Time) -> None:
        found = asyncio.run(memory.candles({stream: since}, until))[stream]
        first, last = whole.open_time.searchsorted([since, until])
        for ours, theirs in zip(_floats(columns_of(found)), _floats(columns_of(whole.slice(first, last))), strict=True):
            assert np.array_equal(ours, theirs)

    told(MIDNIGHT, MIDNIGHT + DAY)
    asked = len(history.questions)
    told(MIDNIGHT, MIDNIGHT + DAY)
    told(MIDNIGHT + HOUR, MIDNIGHT + 20 * HOUR)
    assert len(history.questions) == asked
    told(MIDNIGHT + 2 * HOUR, MIDNIGHT + DAY + HOUR)
    assert history.questions[asked:] == [(*stream, MIDNIGHT + DAY, MIDNIGHT + DAY + HOUR)]
    told(MIDNIGHT, MIDNIGHT + HOUR)  # forgotten meanwhile
    assert len(history.questions) > asked + 1


def _floats(columns: Columns) -> list[Any]:
    return [getattr(columns, name) for name in ("open_time", "open", "high", "low", "close", "volume")]


def signal(hour: int, kind: str) -> SignalRow:
    return SignalRow(hour, "XRPUSDT", "5m", "dip", kind, D(1), D(1), MIDNIGHT + hour * HOUR, {})  # type: ignore[arg-type]


def test_of_older_signals_the_one_that_stood_is_kept() -> None:
    past = HeardPast(TapeHistory(MARKET))
    past.load([signal(hour, kind) for hour, kind in enumerate(["BUY", "SELL", "BUY", "SELL"])], MIDNIGHT + HOUR)
    past.hear([Row("signals", (5,), signal(5, "BUY")), Row("signals", (3,), signal(3, "SELL"))])

    def changes(since: int, until: int) -> list[int]:
        reach = Reach(MIDNIGHT + since * HOUR, {})
        read = asyncio.run(past.read(reach, MIDNIGHT + until * HOUR)).changes
        return [(change.at - MIDNIGHT) // HOUR for change in read["dip", "XRPUSDT"]]

    assert changes(1, 4) == [1, 2, 3]
    assert changes(3, 9) == [3, 5]
    assert changes(1, 9) == [3, 5]  # forgotten meanwhile
    assert changes(7, 9) == [5]


# ---- candles as columns, and when the run began


def candle(volume: str, price: str = "1.5") -> Candle:
    return Candle("PEPEUSDT", "1d", 0, D(price), D(price), D(price), D(price), D(volume))


@pytest.mark.parametrize(("volume", "digits"), [("1.00000001", 8), ("92233720368", 8), ("9000000000000.5", 6)])
def test_a_volume_of_billions_has_fewer_digits(volume: str, digits: int) -> None:
    found = columns_from([candle(volume)])
    assert found.volume_digits == digits
    assert D(int(found.volume[0])).scaleb(-digits) == D(volume)


@pytest.mark.parametrize("odd", [candle("1", "0.123456789"), candle("9000000000000.1234567")])
def test_what_does_not_fit_is_refused(odd: Candle) -> None:
    with pytest.raises(ValueError, match="digits after the point"):
        columns_from([odd])


def test_a_run_began_before_its_first_candle() -> None:
    streams = [Stream("AAA", "1m", 10 * MINUTE), Stream("BBB", "1m", 12 * MINUTE), Stream("AAA", "5m", 5 * MINUTE)]
    assert began_at([Row("gateway_streams", ("", ""), each) for each in streams], "1m", HOUR) == 9 * MINUTE
    assert began_at((), "1m", HOUR) == HOUR
