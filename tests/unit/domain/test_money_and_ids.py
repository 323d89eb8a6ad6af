"""Exact money: what may round does so in the direction its name says, all else raises. Ids are computed."""

from base64 import b32encode
from decimal import Decimal, Inexact
from fractions import Fraction
from hashlib import blake2b
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain import ids
from roottrading.domain.money import ceil_to, conviction_of, floor_to, plain, quotient, quotient_down
from roottrading.domain.time import iso, parse_time
from roottrading.domain.trade_cycle import Dust, IllegalMove, cycle_pnl, dust_left, move

AMOUNT = st.decimals(min_value=0, max_value=10**9, allow_nan=False, allow_infinity=False, places=8)
POSITIVE = st.decimals(min_value="0.00000001", max_value=10**9, allow_nan=False, allow_infinity=False, places=8)
STEP = st.sampled_from([Decimal(s) for s in ("0.00000001", "0.00001", "0.01", "0.5", "1", "100")])


@given(AMOUNT, STEP)
def test_floor_and_ceil_enclose_the_value_on_the_grid(value: Decimal, step: Decimal) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    assert low <= value <= high
    assert high - low in (0, step)
    assert Fraction(low) / Fraction(step) == floor(Fraction(value) / Fraction(step))


@given(AMOUNT, POSITIVE)
def test_quotients_round_as_fractions_say(dividend: Decimal, divisor: Decimal) -> None:
    exact = Fraction(dividend) / Fraction(divisor)
    assert Fraction(quotient(dividend, divisor)) == Fraction(round(exact * 10**8), 10**8)
    assert Fraction(quotient_down(dividend, divisor)) == Fraction(floor(exact * 10**8), 10**8)


def test_a_division_nobody_rounds_raises() -> None:
    with pytest.raises(Inexact):
        Decimal(1) / Decimal(3)


@given(AMOUNT)
def test_plain_text_is_exact_and_never_exponential(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert "." not in text or not text.endswith("0")


def test_plain_text_of_awkward_decimals() -> None:
    assert [plain(Decimal(t)) for t in ("1E+3", "0E-8", "-0.0", "100", "1.50")] == ["1000", "0", "0", "100", "1.5"]


def test_convictions_have_six_decimals_and_no_negative_zero() -> None:
    assert str(conviction_of(-0.0)) == "0.000000"
    assert str(conviction_of(0.1234565)) in ("0.123456", "0.123457")
    assert conviction_of(-1.0) == -1


def test_uuids_are_version_8_and_depend_on_every_part() -> None:
    one = ids.uuid8("sim", "cycle", "BTCUSDT/1")
    assert one == ids.uuid8("sim", "cycle", "BTCUSDT/1")
    assert one != ids.uuid8("sim", "cycle/BTCUSDT", "1")
    assert (one[14], one[19] in "89ab", len(one)) == ("8", True, 36)


@given(st.text(max_size=50))
def test_the_hash_in_a_client_order_id_is_base32_of_blake2b(cycle: str) -> None:
    expected = b32encode(blake2b(cycle.encode(), digest_size=10).digest()).decode().lower()
    assert ids.client_order_ids("sim", cycle, "es", 3) == [f"sim-{expected}-e3", f"sim-{expected}-s3"]


@given(st.integers(1, 10**9 - 1), st.sampled_from("estxlcq"))
def test_client_order_ids_have_the_exchanges_form(attempt: int, leg: str) -> None:
    name = ids.client_order_id("sim12345", "a-cycle", leg, attempt)
    assert ids.CLIENT_ORDER_ID.match(name)
    assert name.startswith("sim12345-")
    assert name != ids.client_order_id("sim12345", "a-cycle", leg, attempt + 1)


def test_instants_are_written_and_read_in_utc() -> None:
    assert iso(parse_time("2021-04-18T03:00:00Z")) == "2021-04-18T03:00:00Z"
    assert iso(parse_time("2021-04-18") + 250_000) == "2021-04-18T00:00:00.250000Z"
    with pytest.raises(ValueError, match="offset from UTC"):
        parse_time("2021-04-18T03:00:00")


def test_a_cycle_cannot_reopen() -> None:
    assert move("c", "opening", "open") == "open"
    with pytest.raises(IllegalMove, match="cycle c cannot go from closed to open"):
        move("c", "closed", "open")


def test_cycles_and_dust_sum_to_the_cash() -> None:
    """Two cycles by hand: the first leaves 0.5 of 10 bought for 100, the second takes it over (trading-rules 5.7)."""
    left = dust_left(Decimal(100), Decimal(10), Decimal("9.5"), Dust())
    assert left == Dust(Decimal("0.5"), Decimal(5))
    first = cycle_pnl(Decimal(95), Decimal(100), Decimal(1), Dust(), left)
    assert first == Decimal(-1)
    after = dust_left(Decimal(50), Decimal(5), Decimal("5.5"), left)
    second = cycle_pnl(Decimal(66), Decimal(50), Decimal(0), left, after)
    assert after == Dust(Decimal(0), Decimal(0))
    assert first + second == Decimal(95) - 100 - 1 + 66 - 50
