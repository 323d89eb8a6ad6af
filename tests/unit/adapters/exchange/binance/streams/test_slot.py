from collections.abc import Callable
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.pacing import Attempts
from roottrading.adapters.exchange.binance.streams.settings import Reconnecting, StreamSettings
from roottrading.adapters.exchange.binance.streams.slot import Action, Slot
from roottrading.domain.time import HOUR, MINUTE, SECOND

SETTINGS = StreamSettings(lifetime=HOUR, overlap=10 * SECOND, grace=15 * SECOND)


def slot(settings: StreamSettings = SETTINGS, chance: Callable[[], float] = lambda: 0.0) -> Slot:
    numbers = count(1)
    return Slot(settings, Attempts(settings.reconnecting), lambda: next(numbers), chance)


def serving() -> Slot:
    """A slot whose connection 1 was opened and served at 0."""
    place = slot()
    assert place.tick(0) == [Action("open", 1)]
    place.serving(1, 0)
    return place


def test_it_opens_a_connection_and_keeps_it() -> None:
    place = serving()
    assert place.tick(HOUR - 1) == []


def test_by_age_a_second_connection_overlaps_and_then_takes_the_place() -> None:
    place = serving()
    assert place.tick(HOUR) == [Action("open", 2)]
    assert place.tick(HOUR + 5 * SECOND) == []
    place.serving(2, HOUR + 5 * SECOND)
    assert place.tick(HOUR + 15 * SECOND - 1) == []
    assert place.tick(HOUR + 15 * SECOND) == [Action("close", 1, "replaced by age")]
    assert place.tick(2 * HOUR - 1) == []
    assert place.tick(2 * HOUR) == [Action("open", 3)]


def test_ages_are_spread_so_that_connections_are_not_all_replaced_at_once() -> None:
    place = slot(chance=lambda: 0.5)
    place.tick(0)
    place.serving(1, 0)
    assert place.tick(HOUR * 95 // 100 - 1) == []
    assert place.tick(HOUR * 95 // 100) == [Action("open", 2)]


def test_a_shutdown_that_was_announced_opens_the_next_at_once() -> None:
    place = serving()
    assert place.replace(1, SECOND, "the server shuts down")
    assert not place.replace(1, SECOND, "again")
    assert place.tick(SECOND) == [Action("open", 2)]
    place.ended(1, 2 * SECOND)  # it is cut before the second one serves
    assert place.tick(2 * SECOND) == []
    assert place.current is not None
    assert place.current.number == 2


def test_a_stalled_connection_ends_even_where_no_other_comes_about() -> None:
    place = serving()
    place.replace(1, MINUTE, "silent")
    assert place.tick(MINUTE) == [Action("open", 2)]
    assert place.tick(MINUTE + 15 * SECOND) == [Action("close", 1, "silent")]
    assert place.current is not None
    assert place.current.number == 2


def test_after_failures_it_waits_longer_and_longer() -> None:
    place, now, opened = slot(), 0, list[int]()
    for number in range(1, 7):
        while not place.tick(now):
            now += 100_000
        opened.append(now)
        place.ended(number, now)
    assert [later - earlier for earlier, later in pairwise(opened)] == [
        500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000,
    ]  # fmt: skip


def test_a_connection_that_served_for_long_is_replaced_at_once_when_it_is_cut() -> None:
    place = serving()
    place.failures = 5
    place.ended(1, MINUTE)
    assert place.tick(MINUTE) == [Action("open", 2)]


def test_a_failed_successor_leaves_the_serving_one_in_place() -> None:
    place = serving()
    assert place.tick(HOUR) == [Action("open", 2)]
    place.ended(2, HOUR + 1)
    assert place.current is not None
    assert place.current.number == 1
    assert place.tick(HOUR + 1) == []
    assert place.tick(HOUR + SECOND) == [Action("open", 3)]


def test_mute_connections_are_waited_for_longer_and_longer() -> None:
    place, waits = slot(), list[int]()
    for mute in (True, True, False, *[True] * 8):
        waits.append(place.first_word // MINUTE)
        place.lived(mute=mute)
    assert waits == [2, 4, 8, 2, 4, 8, 16, 32, 64, 64, 64]


STEPS = st.lists(
    st.tuples(st.sampled_from(["wait", "wait", "serve", "end", "replace"]), st.integers(0, 90)), max_size=200
)


@given(STEPS, st.floats(0, 0.999))
def test_whatever_happens_it_holds_two_at_most_never_leaves_a_serving_one_and_attempts_are_bounded(
    steps: list[tuple[str, int]], chance: float
) -> None:
    settings = StreamSettings(lifetime=5 * MINUTE, reconnecting=Reconnecting(most=20, window=5 * MINUTE))
    place = slot(settings, lambda: chance)
    open_links: dict[int, bool] = {}  # number: whether it serves
    leaving: dict[int, int] = {}
    now, attempts = 0, list[int]()

    def tick() -> None:
        for action in place.tick(now):
            if action.do == "open":
                assert len(open_links) < 2
                open_links[action.link] = False
                attempts.append(now)
            else:
                was_serving = open_links.pop(action.link)
                # make before break, but for one that was to end and had its grace
                assert any(open_links.values()) or now - leaving[action.link] >= settings.grace or not was_serving

    for step, number in [*steps, *[("wait", 90)] * 10]:
        chosen = list(open_links)[number % len(open_links)] if open_links else 0
        if step == "wait":
            for _ in range(number):
                now += SECOND
                tick()
        elif step == "serve":
            open_links.update({chosen: True} if chosen else {})
            place.serving(chosen, now)
        elif step == "end":
            open_links.pop(chosen, None)
            place.ended(chosen, now)
        elif place.replace(chosen, now, "stalled"):
            leaving[chosen] = now
        held = {each.number for each in (place.current, place.successor) if each is not None}
        assert held == set(open_links)
    assert open_links, "after a quarter of an hour it still has no connection"
    assert all(later - earlier >= 5 * MINUTE for earlier, later in zip(attempts, attempts[20:], strict=False))
