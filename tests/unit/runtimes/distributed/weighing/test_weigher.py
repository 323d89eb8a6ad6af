"""When weights are due: what was heard, what was kept, and where time stands."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Commit, Loaded
from roottrading.domain.time import DAY, HOUR, MINUTE, Time, parse_time
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.exchange import Request
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.quarantine import Quarantine
from roottrading.runtimes.distributed.unit.quarantined import QUARANTINE, Quarantined, of_message
from roottrading.runtimes.distributed.unit.ways import Ways
from roottrading.runtimes.distributed.weighing.past import DatabasePast
from roottrading.runtimes.distributed.weighing.weigher import LEARNING, LearningBegan, Weighed, Weigher
from roottrading.runtimes.step import Unit
from roottrading.services.analyzer.state import TABLES as ANALYZER_TABLES
from roottrading.services.dispatcher import Dispatcher
from roottrading.services.signal_aggregator.state import TABLES, WEIGHTS, WeightsOfDay
from tests.integration.memory_opinions import MemoryOpinions
from tests.parity.learning_runs import learning_run

START = parse_time("2021-04-16T10:00:00Z")
MIDNIGHT = parse_time("2021-04-17")
LTC, XRP = (("analyzer", f"signals:raw/{name}/5m") for name in ("LTCUSDT", "XRPUSDT"))
SETTINGS, CAST, _ = learning_run()
EVERY = [f"signals:raw/{symbol}/{timeframe}" for symbol in CAST.plan.symbols for timeframe in CAST.plan.timeframes]
OTHERS = [stream for stream in EVERY if stream != LTC[1]]


class Bench:
    """A weigher of two units, at a time that is set."""

    def __init__(self, *given: Time, start: Time = START) -> None:
        units = self.units = MemoryUnits((*TABLES, *ANALYZER_TABLES, LEARNING, QUARANTINE))
        self.now = START
        self.learned: list[tuple[str, ...]] = []  # the symbols whose past was to be read, each time
        self.weigher = Weigher(SETTINGS, CAST, MemoryOpinions(units), self._past, lambda: self.now)
        self.actors = []
        weighed = []
        for shard, streams in enumerate(((LTC,), (XRP,))):
            unit = Unit("signal_aggregator", shard, Dispatcher())
            loaded = Loaded({}, {}, (), None, 0, 1)
            self.actors.append(Actor(unit, units.unit(f"signal_aggregator/{shard}"), loaded, ways()))
            rows = {LEARNING.name: (Row(LEARNING.name, ("x",), LearningBegan("x", start)),)} if given else {}
            if given and given[shard]:
                rows[WEIGHTS] = (Row(WEIGHTS, (given[shard],), WeightsOfDay(given[shard], {"a": Decimal(1)}, (), 0)),)
            weighed.append(Weighed(self.actors[shard], streams, rows))
        self.weighed = weighed
        self.weigher.begin(weighed)

    def _past(self, cast: Cast) -> DatabasePast:
        self.learned.append(cast.plan.symbols)
        return DatabasePast(cast, MemoryOpinions(self.units), self.units)

    def is_busy(self) -> bool:
        return self.weigher.busy

    def hears(self, ltc: Time, xrp: Time) -> None:
        self.actors[0].unit.seen[LTC] = ltc
        self.actors[1].unit.seen[XRP] = xrp


def ways() -> Ways:
    async def publish(sent: object) -> None:
        raise AssertionError("nothing is said here")

    async def refetch(source: str, stream: str, after: int, upto: int) -> Sequence[Envelope]:
        raise AssertionError("nothing is missed here")

    def send(requests: Sequence[Request]) -> None:
        raise AssertionError("nothing is asked here")

    return Ways(publish, refetch, lambda: START, send, lambda envelope: ())


def test_a_deployment_that_heard_nothing_waits_for_its_begin() -> None:
    bench = Bench()
    assert not bench.is_busy()
    assert bench.weigher.next_deadline() is None
    bench.hears(START + MINUTE, 0)
    assert bench.is_busy()


def test_weights_are_due_half_an_hour_after_midnight_when_all_of_the_day_was_heard() -> None:
    bench = Bench(0, 0)
    bench.hears(MIDNIGHT, MIDNIGHT)
    bench.now = MIDNIGHT + 30 * MINUTE - 1
    assert not bench.is_busy()
    assert bench.weigher.next_deadline() == MIDNIGHT + 30 * MINUTE
    bench.now += 1
    assert bench.is_busy()
    assert bench.weigher.next_deadline() is None


def test_who_begins_after_midnight_has_heard_nothing_before() -> None:
    bench = Bench(0, 0, start=MIDNIGHT + 20 * MINUTE)
    bench.hears(MIDNIGHT + 25 * MINUTE, 0)
    bench.now = MIDNIGHT + 30 * MINUTE
    assert bench.is_busy()


def test_what_was_not_heard_yet_is_waited_for_and_said(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(0, 0)
    bench.hears(MIDNIGHT + HOUR, MIDNIGHT - 5 * MINUTE)
    bench.now = MIDNIGHT + 40 * MINUTE
    assert not bench.is_busy()
    assert not caplog.records
    bench.now = MIDNIGHT + 50 * MINUTE
    assert not bench.is_busy()
    assert not bench.is_busy()
    (said,) = caplog.messages
    assert "the weights of 2021-04-17 wait for the opinions on signals:raw/XRPUSDT/5m" in said
    bench.hears(MIDNIGHT + HOUR, MIDNIGHT)
    assert bench.is_busy()


@pytest.mark.parametrize(("first", "second", "busy"), [(0, 0, True), (MIDNIGHT, 0, True), (MIDNIGHT, MIDNIGHT, False)])
def test_after_a_death_only_what_some_unit_lacks_is_given_again(first: Time, second: Time, busy: bool) -> None:
    bench = Bench(first, second)
    bench.hears(MIDNIGHT + 6 * HOUR, MIDNIGHT + 6 * HOUR)
    bench.now = MIDNIGHT + 6 * HOUR
    assert bench.is_busy() == busy
    if not busy:
        assert bench.weigher.next_deadline() == MIDNIGHT + DAY + 30 * MINUTE


def test_who_serves_nothing_has_nothing_to_weigh() -> None:
    bench = Bench(0, 0)
    bench.hears(MIDNIGHT, MIDNIGHT)
    bench.now = MIDNIGHT + 30 * MINUTE
    assert bench.is_busy()
    bench.weigher.begin(())
    assert not bench.is_busy()


def test_what_another_instance_hears_has_to_be_stored_too() -> None:
    """One hears LTCUSDT only: it waits until the analyzer's last word of the day on all else is in the outbox."""

    async def play() -> None:
        bench = Bench(0, 0)
        bench.weigher.begin(bench.weighed[:1])
        bench.hears(MIDNIGHT, 0)
        bench.now = MIDNIGHT + 30 * MINUTE
        others = bench.units.unit("analyzer/1")
        await others.load()
        running = asyncio.create_task(bench.weigher.run())
        for at in (MIDNIGHT - 5 * MINUTE, MIDNIGHT):
            await asyncio.sleep(0.3)
            assert bench.is_busy()
            assert len(bench.actors[0].inbox) == 1  # that it was loaded
            body = AlertRaised("info", "said", "", "XRPUSDT", at)
            said = [Envelope("analyzer", stream, at, 0, at, "cause", body) for stream in OTHERS]
            await others.commit(Commit(outbox=[("signals:raw", each) for each in said]))
        async with asyncio.timeout(10):
            while bench.is_busy():
                await asyncio.sleep(0.01)
        assert [len(actor.inbox) for actor in bench.actors] == [2, 1]
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(play())


def test_a_unit_that_came_later_is_given_what_it_lacks() -> None:
    bench = Bench(MIDNIGHT, 0)
    bench.hears(MIDNIGHT + HOUR, MIDNIGHT + HOUR)
    bench.now = MIDNIGHT + HOUR
    bench.weigher.begin(bench.weighed[:1])
    assert not bench.is_busy()
    bench.weigher.begin(bench.weighed)
    assert bench.is_busy()


def test_what_a_unit_itself_could_not_process_was_said_and_is_learned_from() -> None:
    bench = Bench(0, 0)
    bench.hears(MIDNIGHT, MIDNIGHT - 5 * MINUTE)
    bench.now = MIDNIGHT + 30 * MINUTE
    assert not bench.is_busy()
    body = AlertRaised("info", "said", "", "XRPUSDT", MIDNIGHT)
    held = Envelope(*XRP, MIDNIGHT, MIDNIGHT - 5 * MINUTE, MIDNIGHT, "cause", body)
    kept = of_message(held, "XRPUSDT", "message", "ValueError", MIDNIGHT)
    bench.actors[1].quarantine = Quarantine(bench.actors[1].unit, [Row(QUARANTINE.name, kept.key, kept)])
    assert bench.is_busy()


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_symbol_that_is_set_aside_is_waited_for_and_then_left_out(
    is_ours: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The unit that would hear XRPUSDT is this process's, or another instance's."""
    kept = Quarantined("XRPUSDT", "message", "gateway", "market/XRPUSDT/1m", 5, "", "ValueError", 5)

    async def play() -> None:
        bench = Bench(0, 0)
        bench.weigher.begin(bench.weighed if is_ours else bench.weighed[:1])
        analyzer = bench.units.unit("analyzer/1")
        await analyzer.load()
        own = [stream for stream in EVERY if "LTCUSDT" in stream]
        body = AlertRaised("info", "said", "", "LTCUSDT", MIDNIGHT)
        said = [Envelope("analyzer", stream, MIDNIGHT, 0, MIDNIGHT, "cause", body) for stream in own]
        row = Row(QUARANTINE.name, kept.key, kept)
        await analyzer.commit(Commit(rows=[row], outbox=[("signals:raw", each) for each in said]))
        bench.hears(MIDNIGHT, MIDNIGHT - HOUR)
        bench.now = MIDNIGHT + 44 * MINUTE
        running = asyncio.create_task(bench.weigher.run())
        await asyncio.sleep(0.3)
        assert [len(actor.inbox) for actor in bench.actors] == [1, 1], "there is time to answer"
        bench.now = MIDNIGHT + 45 * MINUTE
        async with asyncio.timeout(10):
            while len(bench.actors[0].inbox) < 2:
                await asyncio.sleep(0.01)
        assert len(bench.actors[1].inbox) == (2 if is_ours else 1)
        assert bench.learned[-2:] == [("LTCUSDT",), CAST.plan.symbols], "and the next day from all again"
        bench.now = MIDNIGHT + DAY + 30 * MINUTE
        await asyncio.sleep(0.1)
        assert len(bench.actors[0].inbox) == 2
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(play())
    assert sum("2021-04-17 are learned without XRPUSDT" in text for text in caplog.messages) == 1
