from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from roottrading.cli.live_view import PlainLines, TerminalView
from roottrading.cli.tally import Standing, Tally
from roottrading.domain.fill import Fill
from roottrading.domain.time import DAY, parse_time
from roottrading.domain.trade_cycle import CycleStatus, TradeCycle
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.services.analyzer.state import SignalRow
from tests.e2e.test_control import CYCLE

AT = parse_time("2024-01-31T12:00:00Z")
FILL = Fill(
    "f1", "o1", "c1", "BTCUSDT", "BUY", Decimal("42000.10"), Decimal("0.5"), Decimal("0.0005"), "BTC", False, AT,
    Decimal("0.001"), Decimal("21.00005"), 1,
)  # fmt: skip
SIGNAL = SignalRow(7, "BTCUSDT", "5m", "ema_cross", "BUY", Decimal(1), Decimal(42000), AT, {})
ALERT = AlertRaised("critical", "slippage", "sold far too low", "BTCUSDT", AT)
STANDING = Standing(AT, Decimal("10012.345"), Decimal("9949.95"), (CYCLE,))


def cycle(status: CycleStatus, pnl: str | None) -> TradeCycle:
    earned = None if pnl is None else Decimal(pnl)
    return TradeCycle("c1", "BTCUSDT", status, 7, None, None, None, None, earned, "stop", AT, AT)


def row(record: Fill | TradeCycle | SignalRow) -> Row:
    return Row("any", (record.id,), record)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    monkeypatch.setenv("TERM", "xterm-256color")  # whatever the machine says: a dumb one shows no picture
    return StringIO()


def terminal(screen: StringIO, width: int = 110) -> Console:
    return Console(file=screen, force_terminal=True, color_system=None, width=width, height=40)


def test_the_tally_counts_closed_cycles_only() -> None:
    tally = Tally([cycle("closed", "5"), cycle("open", None)])
    used = Row("alerts", ("a", 1), AlertRaised("info", "control", "anna used halt", "", AT))
    alert = Row("alerts", ("a", 2), ALERT)
    rows = [row(cycle("opening", None)), row(FILL), used, alert, row(SIGNAL), row(cycle("closed", "-2.5"))]
    events = tally.note(rows)
    assert (tally.closed, tally.won, tally.pnl) == (2, 1, Decimal("2.5"))
    assert events == [FILL, ALERT, cycle("closed", "-2.5")]
    assert (list(tally.fills), list(tally.signals)) == ([FILL], [SIGNAL])


def test_the_picture_holds_what_a_person_watches(screen: StringIO) -> None:
    tally = Tally()
    tally.note([row(FILL), row(SIGNAL), row(cycle("closed", "12.5"))])
    console = terminal(screen)
    view = TerminalView(console, tally, AT - DAY, AT + DAY)
    view.show(STANDING)
    picture = screen.getvalue()
    view.close()
    for shown in (
        "2024-01-31T12:00:00Z",
        "10,012.34 (9,949.95 in cash)",
        "1 open, 1 closed, 1 won",
        "+12.50",
        "BTCUSDT  ema_cross",
        "01-31 12:00 BTCUSDT BUY ema_cross 5m",
        "01-31 12:00 BTCUSDT BUY 0.5 at 42000.1",
    ):
        assert shown in picture


def test_on_a_narrow_terminal_signals_are_cut_short_and_fills_are_not(screen: StringIO) -> None:
    tally = Tally()
    long = SignalRow(8, "1000SATSUSDT", "15m", "chaikin_money_flow", "NEUTRAL", Decimal(0), Decimal(1), AT, {})
    tally.note([row(FILL), row(long)])
    view = TerminalView(terminal(screen, 80), tally, AT - DAY, AT + DAY)
    view.show(STANDING)
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    view.close()
    (line,) = [line for line in lines if "1000SATSUSDT" in line]
    assert line.startswith("01-31 12:00 1000SATSUSDT NEUTRAL chai")
    assert line.endswith("…  01-31 12:00 BTCUSDT BUY 0.5 at 42000.1")
    assert max(map(len, lines)) <= 80


def test_an_alert_is_printed_above_the_picture(screen: StringIO) -> None:
    view = TerminalView(terminal(screen), Tally(), AT - DAY, AT + DAY)
    view.event(ALERT)
    view.close()
    assert "2024-01-31T12:00:00Z CRITICAL BTCUSDT sold far too low" in screen.getvalue()


def test_the_picture_is_renewed_a_few_times_a_second_only(screen: StringIO) -> None:
    view = TerminalView(terminal(screen), Tally(), AT - DAY, AT + DAY)
    assert view.wants(AT)
    view.show(STANDING)
    assert not view.wants(AT)
    view.close()


@pytest.mark.parametrize("paced", [True, False])
def test_lines_come_once_a_day_and_events_only_where_there_is_time_to_read(screen: StringIO, paced: bool) -> None:
    view = PlainLines(Console(file=screen, width=80), Tally(), paced)
    assert view.wants(AT)
    view.show(STANDING)
    assert not view.wants(AT + 1)
    assert view.wants(AT + DAY)
    view.event(FILL)
    view.event(cycle("closed", "-2.5"))
    view.event(ALERT)
    *lines, alert = screen.getvalue().splitlines()
    assert alert == "2024-01-31T12:00:00Z CRITICAL BTCUSDT sold far too low"
    assert lines[0] == "2024-01-31T12:00:00Z  equity 10012.34  open 1  closed 0 (0 won)"
    assert lines[1:] == (
        [
            "2024-01-31T12:00:00Z BTCUSDT BUY 0.5 at 42000.1",
            "2024-01-31T12:00:00Z BTCUSDT closed by stop: -2.50",
        ]
        if paced
        else []
    )
