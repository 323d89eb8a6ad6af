"""Facts that reports want back are kept, several of one message side by side."""

from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised, TradeCycleMoved, TradeProgressed
from roottrading.messages.service import Row
from roottrading.runtimes.recording import ALERTS, record


def test_two_alerts_of_one_message_are_two_rows() -> None:
    first = AlertRaised("info", "first", "one", "BTCUSDT", 7)
    second = AlertRaised("critical", "second", "two", "BTCUSDT", 7)
    moved = TradeCycleMoved("cycle", "BTCUSDT", "open", "filled", 7)
    rows: list[Row] = []
    record(Envelope("trader", "trade.events/BTCUSDT", 3, 2, 7, "", TradeProgressed((first, moved, second))), rows)
    assert [(row.table, row.values) for row in rows] == [(ALERTS.name, first), (ALERTS.name, second)]
    assert len({row.key for row in rows}) == 2
