"""What went wrong and was passed over stands in the report's notes."""

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit
from roottrading.cli.failing import notes
from roottrading.domain.time import parse_time
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.recording import ALERTS
from roottrading.services.analyzer.state import COUNTERS, FailureCount
from roottrading.services.gateway.state import DROPPED, Dropped

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
    )
