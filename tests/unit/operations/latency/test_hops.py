"""The way of a frame, put together from what seven services noted."""

from collections.abc import Sequence
from random import Random

import pytest

from roottrading.operations.latency.figures import percentile, report
from roottrading.operations.latency.hops import HOPS, Batch, batches, ways
from roottrading.runtimes.distributed.observing import INSTANT, Mark, Worked

MINUTE = 60_000_000
T = 1_618_617_600_000_000
Traces = dict[str, list[Batch]]


def batch(
    times: tuple[int, int, int], taken: Sequence[Mark], left: Sequence[Mark] = (), shard: int = 3, asked: int = 0
) -> Batch:
    return Batch(*times, asked or times[-1], shard, tuple(taken), tuple(left))


def traces(at: int = T, start: int = 0, command: int = 1) -> Traces:
    """Return one frame's way: hop number n takes n microseconds, the first one 1."""
    now = [start]
    for number in range(1, len(HOPS) + 1):
        now.append(now[-1] + number * 1_000)
    candle, raw, verdict = ("market/LTCUSDT/1m", at), ("signals:raw/LTCUSDT/1m", at), ("signals:aggregated/LTCUSDT", at)
    told, request = ("trade.commands/LTCUSDT", command), ("sim-a1", at)
    return {
        "gateway": [batch((now[0], now[1], now[4]), [], [candle])],
        "analyzer": [batch((now[2], now[3], now[4]), [candle], [raw])],
        "signal_aggregator": [batch((now[5], now[6], now[7]), [raw], [verdict])],
        "dispatcher": [batch((now[9], now[10], now[10]), [verdict], [verdict])],
        "coordinator": [
            batch((now[8], now[9], now[10]), [verdict, (INSTANT, at)], [told]),
            batch((now[11], now[11], now[11]), [verdict]),  # Kafka's copy
        ],
        "trader": [
            batch((now[11], now[12], now[13]), [told], [request, ("trade.events/LTCUSDT", command)], asked=now[14]),
            batch((now[14], now[14], now[14]), [("", at)], shard=3),
            batch((now[14], now[14], now[14]), [("other", at)], shard=9),
            batch((now[15], now[15], now[15]), [("sim-a1", at)]),
        ],
        "portfolio": [],
    }


def test_every_hop_is_told_apart_and_they_add_up() -> None:
    (way,) = ways(traces(), "1m")
    assert way.hops == tuple(number * 1_000 for number in range(1, len(HOPS) + 1))
    assert (way.symbol, way.at, way.sequence) == ("LTCUSDT", T, 1)
    assert way.total == sum(range(len(HOPS) + 1)) * 1_000


def test_orders_are_followed_to_their_own_frames_in_whatever_order_services_noted_them() -> None:
    first, second = traces(T, 0, 1), traces(T + MINUTE, 10**9, 2)
    second["trader"] = [
        batch(
            (each.began + 7_000, each.decided + 7_000, each.committed + 7_000),
            each.taken,
            each.left,
            each.shard,
            each.asked + 7_000,
        )
        for each in second["trader"]
    ]
    both = {name: [*first[name], *second[name]] for name in first}
    for name, noted in both.items():
        if name != "trader":  # whose first batch after a request is its answer
            Random(1).shuffle(noted)
    found = ways(both, "1m")
    assert [way.at for way in found] == [T, T + MINUTE]
    assert found[1].hops[10] == found[0].hops[10] + 7_000  # Redis to trader


@pytest.mark.parametrize("name", ["gateway", "analyzer", "signal_aggregator", "coordinator"])
def test_a_way_with_a_hole_is_none(name: str) -> None:
    broken = traces()
    broken[name] = []
    assert ways(broken, "1m") == []


def test_a_command_without_a_close_or_an_answer_is_no_way() -> None:
    unasked, unanswered = traces(), traces()
    ordering, _ = unasked["coordinator"]
    unasked["coordinator"] = [batch((ordering.began, ordering.decided, ordering.committed), [], ordering.left)]
    unanswered["trader"].pop()
    assert ways(unasked, "1m") == ways(unanswered, "1m") == []


def test_times_of_several_machines_are_told_by_the_wall() -> None:
    (found,) = batches(10**18, [Worked(4, (5, 6, 7, 8, 9), [("market/LTCUSDT/1m", T)], [])])
    assert (found.began, found.decided, found.committed, found.asked) == tuple(10**18 + at for at in (5, 6, 7, 8))
    assert found.shard == 4


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_of_the_nearest_rank(share: float, expected: int) -> None:
    values = list(range(1, 101))
    Random(2).shuffle(values)
    assert percentile(values, share) == expected
    assert percentile([7], share) == 7


def test_shares_of_the_hops_are_told_in_milliseconds() -> None:
    lines = list(report(ways(traces(), "1m")))
    assert len(lines) == 3 + len(HOPS)
    assert lines[1].split()[-3:] == ["0.12", "0.12", "0.12"]  # 1 + 2 + ... + 15 = 120 us
    assert lines[-1].split()[-3:] == ["0.01", "12", "%"]  # 15 of 120
