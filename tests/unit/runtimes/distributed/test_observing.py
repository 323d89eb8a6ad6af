"""What a process counts of itself."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import MINUTE
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import CancelOrder, ExchangeReply, OrderAbsent, OrderTriggered
from roottrading.messages.market import CandleAbsent
from roottrading.messages.service import InstantComplete
from roottrading.runtimes.distributed.observing import BOUNDS, INSTANT, Durations, Observed
from roottrading.runtimes.step import Effects

T = 1_618_617_600_000_000


def said(stream: str, sequence: int, at: int = T) -> Envelope:
    return Envelope("gateway", stream, sequence, 0, at, "", CandleAbsent("LTCUSDT", "1m", sequence - MINUTE))


def note(observed: Observed, taken: Sequence[object], done: Effects, now: int, dropped: int = 0) -> None:
    observed.work(7, (1_000, 21_000, 21_000, 21_000, 521_000), taken, done, [], dropped, now)


@given(st.lists(st.integers(min_value=0, max_value=10**11)))
def test_a_histogram_counts_what_an_ordered_list_would(times: list[int]) -> None:
    durations = Durations()
    for took in times:
        durations.add(took)
    assert durations.total == sum(times)
    so_far = 0
    for bound, count in zip(BOUNDS, durations.counts, strict=False):
        so_far += count
        assert so_far == sum(took <= bound for took in times)
    assert sum(durations.counts) == len(times)


def test_messages_are_counted_by_channel_and_their_age_by_the_close_that_they_are_about() -> None:
    observed = Observed()
    done = Effects(envelopes=[("signals:raw", said("signals:raw/LTCUSDT/1m", T))])
    heard = [said("market/LTCUSDT/1m", T, at=T + 400), said("market/LTCUSDT/5m", T, at=T + 400)]
    note(observed, [*heard, None], done, now=T + 3_000, dropped=1)
    assert dict(observed.heard) == {"market": 2}
    assert dict(observed.said) == {"signals:raw": 1}
    assert observed.dropped == 1
    assert observed.ages.total == 3_000_000  # three milliseconds after the close, in nanoseconds
    assert observed.orders.total == 0


def test_times_of_step_and_publishing_are_told_apart_and_what_was_not_done_took_no_time() -> None:
    observed = Observed()
    note(observed, [], Effects(), now=T)
    assert (observed.steps.total, observed.publishes.total) == (20_000, 500_000)
    assert sum(observed.commits.counts) == 0


def test_the_trace_links_a_command_to_the_request_it_led_to_and_a_reply_to_the_request() -> None:
    observed = Observed()
    request = CancelOrder("LTCUSDT", "sim-a1", 1, T + 900, "sim-b1")
    note(observed, [said("trade.commands/LTCUSDT", 3)], Effects(requests=[request]), now=T + 1_000)
    reply = ExchangeReply((OrderTriggered("LTCUSDT", "sim-b1", T + 1, 5), OrderAbsent("LTCUSDT", "sim-a1", T + 2)))
    note(observed, [reply, InstantComplete(T, {"LTCUSDT": Decimal(1)})], Effects(), now=T)
    first, second = observed.trace
    assert (first.shard, first.taken, first.left) == (7, [("trade.commands/LTCUSDT", 3)], [("sim-a1", T + 900)])
    assert second.taken == [("sim-b1", T + 1), ("sim-a1", T + 2), (INSTANT, T)]
    assert observed.requests == 1
    assert observed.orders.total == 1_000_000


def test_who_stops_leads_no_more() -> None:
    observed = Observed()
    observed.leads = True
    observed.serve(3)
    assert (observed.stage, observed.units, observed.leads) == ("serving", 3, True)
    observed.reach("stopped", "Redis is gone")
    assert (observed.stage, observed.units, observed.leads, observed.why) == ("stopped", 0, False, "Redis is gone")
