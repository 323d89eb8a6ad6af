"""Rounding at the strategies' door, for whole columns: the same floats as one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from roottrading.runtimes.opinion_records import twelve_digits


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.integers(1, 10**15).map(lambda n: n / 1000 + 5e-13))
)
def test_it_rounds_as_the_text_does(values: list[float]) -> None:
    found = twelve_digits(np.array(values, dtype=np.float64)).tolist()
    assert list(map(repr, found)) == [repr(float(f"{value:.11e}")) for value in values]


def test_halves_and_neighbours_of_powers_of_ten_are_rounded_by_their_text() -> None:
    halves = [(2 * n + 1) / 2 * 10.0**k for n in range(10**11, 10**11 + 50) for k in range(-20, 12)]
    edges = [
        f(10.0**k)
        for k in range(-30, 30)
        for f in (lambda x: np.nextafter(x, 0), float, lambda x: np.nextafter(x, np.inf))
    ]
    for values in (halves, edges):
        found = twelve_digits(np.array(values)).tolist()
        assert found == [float(f"{value:.11e}") for value in values]
