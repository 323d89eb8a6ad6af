"""`roottrading research` as a user types it."""

from tests.e2e.conftest import Runner

SPAN = ("--symbols", "LTCUSDT", "--from", "2021-04-13", "--to", "2021-04-19", "--timeframe", "1h")


def test_a_walk_forward_is_a_table(roottrading: Runner) -> None:
    printed = roottrading(
        "research", "walk-forward", *SPAN, "--strategies", "ema_cross,donchian_breakout", "--window", "2"
    )
    assert printed.code == 0, printed.err
    rows = [line.split("|")[1].strip() for line in printed.out.splitlines() if line.startswith("|")]
    assert rows[2:] == ["learned weights", "equal weights", "best single strategy", "buy and hold"]
    assert "2021-04-15 to 2021-04-19 in 2 windows; learned from 2021-04-13 on." in printed.out


def test_too_few_days_are_said_in_a_line(roottrading: Runner) -> None:
    printed = roottrading("research", "walk-forward", *SPAN, "--window", "6")
    assert printed.code == 2
    assert printed.err.splitlines()[-1].startswith("error: the market has 6 whole days: take windows of less than 6")
