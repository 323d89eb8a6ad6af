"""What went wrong in a run and was passed over, in sentences for its report."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from roottrading.adapters.store.port import Store
from roottrading.domain.time import iso
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.runtimes.controlling import REFUSED
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.result import journal
from roottrading.services.analyzer.state import COUNTERS, FailureCount
from roottrading.services.gateway.state import DROPPED, Dropped
from roottrading.services.signal_aggregator.state import WEIGHTS, WeightsOfDay

MANAGE_FAILED: Final = "manage_failed"  # the coordinator's alert, one for each cycle


def notes(store: Store, faults: Iterable[str]) -> tuple[str, ...]:
    """Return the faults found before the run, how often which strategy failed in it, and what was not taken."""
    rows = store.load().rows
    failures = sorted(rows[COUNTERS], key=lambda row: row.key)
    dropped = sorted(rows[DROPPED], key=lambda row: row.key)
    alerts: Sequence[AlertRaised] = journal(store, ALERTS.name)
    managed = Counter(alert.text for alert in alerts if alert.subject == MANAGE_FAILED)
    return (
        *faults,
        *(_sentence(row.values) for row in failures),
        *(_dropped(row.values) for row in dropped),
        *(f"in {count} cycles: {text}; the stop stayed" for text, count in sorted(managed.items())),
        *(f"at {iso(alert.at)}: {alert.text}" for alert in alerts if alert.subject == REFUSED),
        *_alarms(alerts),
        *_unlearned(rows[WEIGHTS]),
    )


def _sentence(failure: FailureCount) -> str:
    place = f"{failure.file}:{failure.line}" if failure.line else failure.file
    where = f" ({place})" if place else ""
    return f"strategy {failure.strategy} had no opinion {failure.count} times{where}: {failure.reason}"


def _alarms(alerts: Iterable[AlertRaised]) -> Iterator[str]:
    """Say of each kind of critical alert how often there was one, and what the first one said."""
    first: dict[str, AlertRaised] = {}
    count: Counter[str] = Counter()
    for alert in alerts:
        if alert.severity == "critical":
            count[alert.subject] += 1
            known = first.get(alert.subject)
            if known is None or (alert.at, alert.symbol) < (known.at, known.symbol):
                first[alert.subject] = alert
    for subject, alert in sorted(first.items()):
        times = f"{count[subject]} alerts" if count[subject] > 1 else "an alert"
        yield f"{times} of {subject.replace('_', ' ')}, the first at {iso(alert.at)}: {alert.text}"


def _unlearned(rows: Iterable[Row]) -> Iterator[str]:
    """Say where learned weights let nothing be bought any more: it looks like a run in which nothing happens."""
    days: list[WeightsOfDay] = [row.values for row in rows]
    if not days:
        return
    last = max(days, key=lambda each: each.day)
    if not any(last.weights.values()):
        yield (
            f"on {iso(last.day)[:10]}, the last day, no strategy was worth its costs: all learned weights were 0, so "
            'nothing was bought; use other strategies, a longer timeframe, or aggregator.weighting = "equal"'
        )


def _dropped(dropped: Dropped) -> str:
    return (
        f"{dropped.symbol}: {dropped.duplicate} candles came again and {dropped.late} came after a later one; "
        "they were dropped"
    )
