"""The pace of an exchange's clock, and how far it can be trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import MILLISECOND, SECOND
from roottrading.runtimes.linked.pace import Answer, measured


@given(
    st.integers(1, 500),
    st.integers(0, 300 * MILLISECOND),
    st.integers(0, 300 * MILLISECOND),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(SECOND // 2, 5 * SECOND),
)
def test_the_true_pace_lies_within_the_doubt(
    pace: int, took: int, took_last: int, when: float, when_last: float, between: int
) -> None:
    """Each answer was made anywhere between its question and its arrival, and tells whole milliseconds."""

    def answer(asked: int, took: int, share: float) -> Answer:
        told = int((asked + took * share) * pace)
        return Answer(told - told % MILLISECOND, asked + took // 2, took)

    first, last = answer(0, took, when), answer(took + between, took_last, when_last)
    found, doubt = measured(first, last)
    assert abs(found - pace) <= doubt * pace / found + 1e-3


def test_a_quiet_machine_leaves_no_doubt() -> None:
    found, doubt = measured(Answer(0, 0, MILLISECOND), Answer(30 * SECOND, SECOND // 2, MILLISECOND))
    assert found == 60
    assert doubt == pytest.approx(0.122)
