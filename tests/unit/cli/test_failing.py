"""What went wrong and was passed over stands in the report's notes."""

from decimal import Decimal

import pytest

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit
from roottrading.cli.failing import notes
from roottrading.domain.time import DAY, parse_time
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.recording import ALERTS
from roottrading.services.analyzer.state import COUNTERS, FailureCount
from roottrading.services.gateway.state import DROPPED, Dropped
from roottrading.services.signal_aggregator.state import WEIGHTS, WeightsOfDay

AT = parse_time("2024-01-31T12:00:00Z")


def test_nothing_wrong_is_no_note() -> None:
    assert notes(MemoryStore(ALL_TABLES), ()) == ()


def test_everything_passed_over_is_said_and_counted() -> None:
    store = MemoryStore(ALL_TABLES)
    failure = FailureCount("mine", "raised", 7, "mine.py", 12, "ValueError: no", "LTCUSDT", "5m", AT)
    alerts = [
        AlertRaised("warning", "manage_failed", "manage of mine raised KeyError: 'x'", "LTCUSDT", AT),
        AlertRaised("warning", "manage_failed", "manage of mine raised KeyError: 'x'", "LTCUSDT", AT),
        AlertRaised("warning", "adjustment_refused", "5 USDT cannot be removed: 1 are free", "", AT),
        AlertRaised("info", "control", "anna used halt", "", AT),
        AlertRaised("critical", "slippage", "the second", "XRPUSDT", AT),
        AlertRaised("critical", "slippage", "the first", "LTCUSDT", AT),
        AlertRaised("critical", "daily_loss", "too much", "", AT + DAY),
    ]
    store.commit(
        Commit(
            [
                Row(COUNTERS, ("mine", "raised"), failure),
                Row(DROPPED, ("XRPUSDT",), Dropped("XRPUSDT", 2, 3)),
                *(Row(ALERTS.name, ("a", number), alert) for number, alert in enumerate(alerts)),
            ]
        )
    )
    assert notes(store, ["strategy broken (broken.py:2): SyntaxError"]) == (
        "strategy broken (broken.py:2): SyntaxError",
        "strategy mine had no opinion 7 times (mine.py:12): ValueError: no",
        "XRPUSDT: 2 candles came again and 3 came after a later one; they were dropped",
        "in 2 cycles: manage of mine raised KeyError: 'x'; the stop stayed",
        "at 2024-01-31T12:00:00Z: 5 USDT cannot be removed: 1 are free",
        "an alert of daily loss, the first at 2024-02-01T12:00:00Z: too much",
        "2 alerts of slippage, the first at 2024-01-31T12:00:00Z: the first",
    )


@pytest.mark.parametrize(("weights", "said"), [(("0", "0"), 1), (("0", "0.5"), 0)])
def test_weights_that_let_nothing_be_bought_are_said(weights: tuple[str, str], said: int) -> None:
    store = MemoryStore(ALL_TABLES)
    earlier = WeightsOfDay(AT - DAY, {"one": Decimal(0), "two": Decimal(1 - said)}, (), AT - DAY)
    last = WeightsOfDay(AT, dict(zip(("one", "two"), map(Decimal, weights), strict=True)), (), AT - DAY)
    store.commit(Commit([Row(WEIGHTS, (day.day,), day) for day in (last, earlier)]))
    assert len(notes(store, ())) == said
    assert all(
        note.startswith("on 2024-01-31, the last day, no strategy was worth its costs") for note in notes(store, ())
    )
