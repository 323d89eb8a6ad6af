"""What a `signals` row says beside its direction."""

from decimal import Decimal

from roottrading.messages.signals import Opinion
from roottrading.services.analyzer.signal_rows import signal_row

D = Decimal


def test_a_column_that_is_named_like_a_part_of_the_plan_hides_none_of_it() -> None:
    own = {"stop_distance": D("7"), "time_limit": D("8"), "width": D("9")}
    opinion = Opinion("mine", D(1), 1, "ok", D("1.5"), None, None, None, None, "", own)
    row = signal_row(opinion, "BTCUSDT", "1h", 3_600_000_000, D(100))
    assert row.metadata == {
        "stop_distance": "1.5",
        "column.stop_distance": "7",
        "column.time_limit": "8",
        "width": "9",
    }
