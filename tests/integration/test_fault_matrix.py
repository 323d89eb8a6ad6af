"""The fault matrix: whatever goes wrong at whichever step, ledger, books and account agree afterwards.

One cell of each row is played, another step from row to row; `FAULT_MATRIX=full` plays them all.
"""

import os
from typing import Final

import pytest

from roottrading.domain.money import ONE
from roottrading.domain.time import SECOND
from roottrading.runtimes.result import journal
from tests.integration.fault_cell import ENTRY_AT, KEY, PREFIX, SYMBOL, Cell, Played, play
from tests.integration.fault_checks import longest_unprotected, problems
from tests.integration.fault_matrix import NAMES, PAGE, result, shown
from tests.integration.fault_rows import ROWS, cells

FULL: Final = os.environ.get("FAULT_MATRIX") == "full"


def share() -> list[tuple[str, str]]:
    """Return the cells that are always played."""
    found = []
    for place, row in enumerate(ROWS):
        steps = [step.name for step, _ in cells(row)]
        found.append((row.name, steps[place % len(steps)]))
    return found


@pytest.mark.parametrize("names", NAMES if FULL else share(), ids=" at ".join)
def test_all_agrees_afterwards(names: tuple[str, str]) -> None:
    played = result(names)
    print(
        f"{played.row} at {played.step}: struck {played.struck} times, {played.unprotected / SECOND} s without a stop"
    )
    assert not played.problems


def test_the_page_shows_the_matrix() -> None:
    """The cells themselves are as old as the page's last writing; which cells there are is checked."""
    page = shown(PAGE.read_text(encoding="utf-8"))
    assert page.keys() == set(NAMES)
    assert {said.partition(" ")[2] for said in page.values()} == {"ok"}


# ---- the checks themselves: a matrix that cannot fail says nothing


def undisturbed() -> Played:
    return play(Cell("nothing goes wrong", ENTRY_AT, ()))


def test_nothing_is_found_where_nothing_goes_wrong() -> None:
    played = undisturbed()
    assert not problems(played)
    assert longest_unprotected(played) == 0
    assert len(journal(played.store, "fills")) == 3


def test_what_is_wrong_is_found() -> None:
    played = undisturbed()
    ledger = played.exchange.venue.ledger
    stops = [
        each for each in ledger.of_account(KEY, SYMBOL) if each.stop_price and each.client_order_id.startswith(PREFIX)
    ]
    stops[0].created_at += 7 * SECOND
    assert longest_unprotected(played) == 7 * SECOND
    stops[0].status = "FILLED"
    assert any("is FILLED, and booked as CANCELED" in each for each in problems(played))
    stops[0].status = "CANCELED"
    played.foreign["LTC"] = ONE
    assert any(each.startswith("LTC: the account holds") for each in problems(played))
    del played.foreign["LTC"]
    ledger.executions(KEY, SYMBOL).pop()
    assert any(each.startswith("fills:") for each in problems(played))
    entry = next(each for each in ledger.of_account(KEY, SYMBOL) if each.side == "BUY" and each.executions)
    entry.created_at += 4 * SECOND
    assert any("after it had expired" in each for each in problems(played))
    played.raised.append("a task ended")
    assert "raised: a task ended" in problems(played)
