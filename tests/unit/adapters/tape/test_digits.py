from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.tape.digits import Parts, careful_parts, quick_parts
from roottrading.domain.columns import UNITS, Ints

plain_numbers = st.builds(
    lambda whole, fraction, point: f"{whole}.{fraction}" if fraction or point else str(whole),
    st.integers(0, 10**18 - 1),
    st.text("0123456789", max_size=8),
    st.booleans(),
)
texts = st.one_of(plain_numbers, st.text("0123456789.-+eEN ,\n", max_size=12).filter(lambda text: "\n" not in text))


def read(numbers: list[str]) -> Parts | None:
    text = np.frombuffer(",".join(numbers).encode(), dtype=np.uint8)
    lengths = np.array([len(number) for number in numbers], dtype=np.int64)
    ends: Ints = np.cumsum(lengths + 1) - 1
    return quick_parts(text, ends - lengths, ends)


def exact(parts: Parts, row: int) -> Decimal:
    return Decimal(int(parts.whole[row])) + Decimal(int(parts.fraction[row])) / UNITS


@given(st.lists(plain_numbers, min_size=1, max_size=30))
def test_plain_numbers_are_read_quickly_and_exactly(numbers: list[str]) -> None:
    parts = read(numbers)
    assert parts is not None
    assert [exact(parts, row) for row in range(len(numbers))] == [Decimal(number) for number in numbers]


@given(st.lists(texts.filter(lambda text: "," not in text), min_size=1, max_size=6))
def test_the_quick_way_reads_nothing_that_the_careful_way_reads_otherwise(numbers: list[str]) -> None:
    parts = read(numbers)
    if parts is not None:
        expected = [careful_parts(number) for number in numbers]
        assert list(zip(parts.whole.tolist(), parts.fraction.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "whole", "fraction"),
    [
        ("2.952e-05", 0, 2952),
        ("-1.5", -1, -50_000_000),
        ("-0.1", 0, -10_000_000),
        (' "12.30" ', 12, 30_000_000),
        ("1E3", 1000, 0),
        (".5", 0, 50_000_000),
        ("5.", 5, 0),
        ("1.100000000000", 1, 10_000_000),
        ("435668784134", 435_668_784_134, 0),
    ],
)
def test_the_careful_way_reads_what_people_write(text: str, whole: int, fraction: int) -> None:
    assert careful_parts(text) == (whole, fraction)


@pytest.mark.parametrize(
    "text", ["", "NaN", "inf", "-Infinity", "1,5", "0x10", "1.2.3", ".", "--1", "1e999", "½", "1_000"]
)
def test_the_careful_way_refuses_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        careful_parts(text)


def test_the_careful_way_refuses_what_would_lose_a_digit() -> None:
    with pytest.raises(ValueError, match="more than 8 digits"):
        careful_parts("0.000000001")
    with pytest.raises(ValueError, match="too large"):
        careful_parts("1e18")


def test_numbers_too_large_for_the_finest_units_take_coarser_ones() -> None:
    parts = Parts(np.array([435_668_784_134, 1], dtype=np.int64), np.array([0, 50_000_000], dtype=np.int64))
    column = parts.exact()
    assert (column.units.tolist(), column.digits) == ([4_356_687_841_340_000_000, 15_000_000], 7)
    fine = Parts(parts.whole, np.array([1, 0], dtype=np.int64))
    with pytest.raises(ValueError, match="more than 7 digits"):
        fine.exact()
