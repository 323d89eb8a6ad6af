"""What is made ahead belongs to one object, and not much of it is kept."""

from roottrading.adapters.exchange.binance.ahead import Ahead


class Made:
    """Counts what is made."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, of: list[int]) -> list[int]:
        self.times += 1
        return [*of, self.times]


def test_it_is_made_once_and_taken_once() -> None:
    make = Made()
    ahead, of = Ahead(make), [7]
    assert ahead.prepare(of) is ahead.take(of)
    assert make.times == 1
    assert ahead.take(of) == [7, 2]


def test_an_equal_object_is_another_one() -> None:
    ahead, of = Ahead(Made()), [7]
    ahead.prepare(of)
    assert ahead.take([7]) == [7, 2]
    assert ahead.take(of) == [7, 1]


def test_what_nobody_takes_goes_when_others_come() -> None:
    make = Made()
    ahead, first, last = Ahead(make), [0], [1_000]
    for of in (first, *([number] for number in range(500)), last):
        ahead.prepare(of)
    assert ahead.take(last) == [1_000, 502]
    assert ahead.take(first) == [0, 503]
