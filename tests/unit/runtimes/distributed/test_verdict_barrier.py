"""An instant is complete when every symbol's verdict of T is in, or after five seconds."""

from decimal import Decimal

from roottrading.domain.time import MINUTE, SECOND, Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import InstantComplete, Row
from roottrading.messages.signals import AggregatedSignal
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED, Completed, Place, VerdictBarrier

T = 100 * MINUTE


def verdict(symbol: str, at: Time, close: str | None, offset: int) -> tuple[Envelope, Place]:
    price = None if close is None else Decimal(close)
    body = AggregatedSignal(symbol, "1m", at, Decimal(0), True, price, price, price, (), -1, at + MINUTE)
    envelope = Envelope("signal_aggregator", f"signals:aggregated/{symbol}", at, at - MINUTE, at, "", body)
    return envelope, (("signals.aggregated", offset % 2), offset + 1)


def barrier(hears: bool = True) -> VerdictBarrier:
    return VerdictBarrier("coordinator", ("AAA", "BBB"), MINUTE, hears)


def names(given: list[Given]) -> list[str]:
    return [
        f"complete {each.given.at // MINUTE}"
        if isinstance(each.given, InstantComplete)
        else each.given.stream.rpartition("/")[2]
        for each in given
        if isinstance(each.given, InstantComplete | Envelope)
    ]


def test_later_verdicts_wait_for_the_end_of_the_instant() -> None:
    held = barrier()
    assert names(held.arrive(*verdict("AAA", T, "1", 0))) == ["AAA"]
    assert held.waits
    assert held.complete(T) == []
    assert held.arrive(*verdict("AAA", T + MINUTE, "2", 2)) == []
    assert names(held.arrive(*verdict("BBB", T, "5", 1))) == ["BBB"]
    ended = held.complete(T)
    assert names(ended) == ["complete 100", "AAA"]
    assert isinstance(ended[0].given, InstantComplete)
    assert ended[0].given.closes == {"AAA": Decimal(1), "BBB": Decimal(5)}
    assert ended[0].places == {("signals.aggregated", 0): 1, ("signals.aggregated", 1): 2}


def test_what_does_not_come_is_waited_for_five_seconds() -> None:
    held = barrier()
    held.arrive(*verdict("AAA", T, "1", 0))
    assert held.due_at(T) == T + 5 * SECOND
    assert held.complete(T + 5 * SECOND - 1) == []
    assert names(held.complete(T + 5 * SECOND)) == ["complete 100"]
    assert held.given_up == 1
    late = held.arrive(*verdict("BBB", T, "5", 1))
    assert names(late) == ["BBB"]


def test_the_books_are_told_the_end_alone() -> None:
    held = barrier(hears=False)
    assert held.arrive(*verdict("AAA", T, "1", 0)) == []
    assert held.arrive(*verdict("BBB", T, None, 1)) == []
    (ended,) = held.complete(T)
    assert isinstance(ended.given, InstantComplete)
    assert ended.given.closes == {"AAA": Decimal(1)}
    assert held.seen == {
        ("signal_aggregator", "signals:aggregated/AAA"): T,
        ("signal_aggregator", "signals:aggregated/BBB"): T,
    }


def test_a_restart_goes_on_after_the_last_complete_instant() -> None:
    first = barrier()
    first.arrive(*verdict("AAA", T, "1", 0))
    first.arrive(*verdict("BBB", T, "5", 1))
    (ended,) = first.complete(T)
    again = barrier()
    again.restore(ended.rows)
    assert names(again.arrive(*verdict("AAA", T, "1", 0))) == ["AAA"]  # it was heard before: the unit drops it
    assert again.complete(T) == []
    again.arrive(*verdict("AAA", T + MINUTE, None, 2))
    again.arrive(*verdict("BBB", T + MINUTE, "6", 3))
    (second,) = again.complete(T + MINUTE)
    assert isinstance(second.given, InstantComplete)
    assert (second.given.at, second.given.closes) == (T + MINUTE, {"AAA": Decimal(1), "BBB": Decimal(6)})


def test_early_copies_end_an_instant_and_the_others_bring_the_places() -> None:
    held = barrier()
    first, second = verdict("AAA", T, "1", 0), verdict("BBB", T, "5", 1)
    assert held.arrive(first[0]) == []  # which T is the first is not for them to say
    assert names(held.arrive(*first)) == ["AAA"]
    assert names(held.arrive(second[0])) == ["BBB"]
    (ended,) = held.complete(T)
    assert ended.places == {("signals.aggregated", 0): 1}
    assert names(held.arrive(*second)) == ["BBB"]  # the unit drops it
    early, late = verdict("AAA", T + MINUTE, "2", 2), verdict("BBB", T + MINUTE, "6", 3)
    assert names([*held.arrive(early[0]), *held.arrive(late[0])]) == ["AAA", "BBB"]
    (next_end,) = held.complete(T + MINUTE)
    assert next_end.places == {("signals.aggregated", 1): 2}
    assert isinstance(next_end.given, InstantComplete)
    assert next_end.given.closes == {"AAA": Decimal(2), "BBB": Decimal(6)}


def test_a_symbol_that_is_not_traded_yet_is_nobodys() -> None:
    held = barrier()
    assert held.arrive(*verdict("CCC", T, "1", 0)) == []
    assert (held.at, held.waits, held.seen) == (0, False, {})
    held.arrive(*verdict("AAA", T, "1", 2))
    held.arrive(*verdict("BBB", T, "5", 1))
    (ended,) = held.complete(T)
    assert isinstance(ended.given, InstantComplete)
    assert ended.given.closes == {"AAA": Decimal(1), "BBB": Decimal(5)}


def test_another_step_begins_with_its_own_next_close() -> None:
    held = VerdictBarrier("coordinator", ("AAA",), 5 * MINUTE, True)
    held.restore([Row(COMPLETED.name, ("coordinator",), Completed("coordinator", 103 * MINUTE, {}))])
    assert held.at == 105 * MINUTE
    held.restore([Row(COMPLETED.name, ("coordinator",), Completed("coordinator", 105 * MINUTE, {}))])
    assert held.at == 110 * MINUTE
