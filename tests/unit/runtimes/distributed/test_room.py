"""Room is counted only where it may be used up, and never found where there is none."""

from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.bus.port import Delivery
from roottrading.messages.channels import TRADE_COMMANDS
from roottrading.runtimes.distributed.early_copies import EarlyCopies
from roottrading.runtimes.distributed.room import Room
from tests.contract.bus_carriers import said


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60))))
def test_no_more_than_the_most_waits_before_the_last_take(steps: list[tuple[int, int]]) -> None:
    waiting = 0
    room = Room(lambda: waiting, most=50)
    for taken, done in steps:
        if room.is_there():
            assert waiting < 50
            room.take(taken)
            waiting += taken
        else:
            assert waiting >= 50, "it is only said to be full where it is"
        waiting = max(0, waiting - done)


def test_it_counts_only_when_it_must() -> None:
    counted = 0

    def waiting() -> int:
        nonlocal counted
        counted += 1
        return 0

    room = Room(waiting, most=100)
    for _ in range(99):
        room.take(1)
        assert room.is_there()
    assert counted == 0
    room.take(1)
    assert room.is_there()
    assert counted == 1


def test_early_copies_are_let_be_where_there_is_no_room() -> None:
    heard: list[Delivery] = []
    waiting = 0
    copies = EarlyCopies(heard.extend, Room(lambda: waiting, most=2))
    batch = [Delivery(*said(TRADE_COMMANDS, "AAA", number)) for number in (1, 2, 3)]
    copies.hear(batch[:2])
    waiting = 2
    copies.hear(batch[2:])
    assert heard == batch[:2]
    waiting = 1
    copies.hear(batch[2:])
    assert heard == batch
    assert copies.has_room(), "and nothing is kept back"
