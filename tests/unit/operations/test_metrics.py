"""Metrics as the reader that Prometheus itself ships understands them."""

import asyncio
import re
import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from roottrading.operations.metrics import MEASURES, Metrics
from roottrading.runtimes.distributed.observing import Observed, watch_pauses

Found = dict[tuple[str, str], float]


def read(observed: Observed) -> Found:
    found: Found = {}
    for family in text_string_to_metric_families(Metrics("trader", observed).text().decode()):
        for sample in family.samples:
            assert sample.labels["service"] == "trader"
            found[sample.name, sample.labels.get("channel") or sample.labels.get("le", "")] = sample.value
    return found


def test_counts_are_told_by_channel() -> None:
    observed = Observed()
    observed.heard["trade.commands"] += 3
    observed.said["trade.events"] += 5
    observed.gaps, observed.dropped, observed.restarts = 1, 2, 4
    found = read(observed)
    assert found["roottrading_messages_in_total", "trade.commands"] == 3
    assert found["roottrading_messages_out_total", "trade.events"] == 5
    assert found["roottrading_gaps_mended_total", ""] == 1
    assert found["roottrading_duplicates_dropped_total", ""] == 2
    assert found["roottrading_restarts_total", ""] == 4


def test_times_are_seconds_in_buckets_that_add_up() -> None:
    observed = Observed()
    for took in (1_500_000, 1_700_000, 40_000_000, 10**12):
        observed.commits.add(took)
    found = read(observed)
    name = "roottrading_commit_seconds"
    assert found[f"{name}_bucket", "0.001"] == 0
    assert found[f"{name}_bucket", "0.002"] == 2
    assert found[f"{name}_bucket", "0.05"] == 3
    assert found[f"{name}_bucket", "50.0"] == 3
    assert found[f"{name}_bucket", "+Inf"] == found[f"{name}_count", ""] == 4
    assert found[f"{name}_sum", ""] == 1000.0432


def test_what_stands_elsewhere_is_read_when_asked_and_left_out_where_it_is_being_closed() -> None:
    observed = Observed()
    used = [2]

    def closed() -> float:
        raise RuntimeError("closed")

    observed.measures = {"postgres_connections_used": lambda: used[0], "redis_unreadable": closed}
    assert read(observed)["roottrading_postgres_connections_used", ""] == 2
    used[0] = 5
    found = read(observed)
    assert found["roottrading_postgres_connections_used", ""] == 5
    assert ("roottrading_redis_unreadable", "") not in found
    assert found["roottrading_resident_bytes", ""] > 10**6


def test_a_service_is_up_while_it_serves() -> None:
    observed = Observed()
    assert read(observed)["roottrading_up", ""] == 0
    observed.serve(2)
    found = read(observed)
    assert (found["roottrading_up", ""], found["roottrading_units", ""]) == (1, 2)


def test_a_figure_of_several_channels_is_told_by_channel() -> None:
    observed = Observed()
    observed.measures = {"kafka_behind": lambda: {"trade.events": 3, "trade.commands": 0}}
    found = read(observed)
    assert found["roottrading_kafka_behind", "trade.events"] == 3
    assert found["roottrading_kafka_behind", "trade.commands"] == 0


def test_an_event_loop_that_was_held_up_is_told() -> None:
    async def play() -> Observed:
        observed = Observed()
        watching = asyncio.create_task(watch_pauses(observed))
        await asyncio.sleep(0.05)
        time.sleep(0.3)
        await asyncio.sleep(0.05)
        watching.cancel()
        await asyncio.wait([watching])
        return observed

    found = read(asyncio.run(play()))
    assert found["roottrading_event_loop_pause_seconds_count", ""] >= 1
    assert found["roottrading_event_loop_pause_seconds_sum", ""] > 0.15


def test_the_manual_names_every_metric_and_no_other() -> None:
    observed = Observed()
    observed.measures = dict.fromkeys(MEASURES, lambda: 0.0)
    told = Metrics("trader", observed).text().decode()
    made = {family.name.removeprefix("roottrading_") for family in text_string_to_metric_families(told)}
    manual = Path("docs/operations.md").read_text(encoding="utf-8")
    table = manual.partition("| metric | what it counts |")[2].partition("\n\n")[0]
    named = {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1] if line else "")}
    assert named == made
