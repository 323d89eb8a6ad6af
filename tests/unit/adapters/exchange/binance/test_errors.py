"""What answers without success mean."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.errors import Meaning, failure
from tests.recorded import shared_data

RECORDED = Path(__file__).parents[4] / "data" / "binance"


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, -1013, "refused"),
        (400, -2010, "refused"),
        (401, -2015, "refused"),
        (400, -1021, "clock"),
        (400, -2013, "absent"),
        (400, -2026, "absent"),
        (400, -1007, "unknown"),
        (400, -1006, "unknown"),
        (408, -1007, "unknown"),
        (500, -2010, "unknown"),
        (503, -1008, "unknown"),
        (429, -1008, "limited"),
        (429, -1003, "limited"),
        (429, -1015, "limited"),
        (400, -1003, "limited"),
        (418, -1003, "banned"),
        (400, -1008, "refused"),
    ],
)
def test_meanings(status: int, code: int, meaning: Meaning) -> None:
    body = msgspec.json.encode({"code": code, "msg": "words"})
    read = failure(status, body, "7")
    assert (read.code, read.message, read.meaning, read.retry_after) == (code, "words", meaning, 7)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(403, "refused"), (429, "limited"), (418, "banned"), (451, "refused"), (400, "refused"), (502, "unknown")],
)
@pytest.mark.parametrize("body", [b"", b"<html>blocked</html>", b'{"code":', b"[1]", b"[" * 100_000, b'{"code":"x"}'])
def test_a_body_without_the_exchanges_words_is_told_by_its_status(status: int, meaning: Meaning, body: bytes) -> None:
    assert failure(status, body).meaning == meaning


@given(st.integers(300, 600), st.binary(max_size=200), st.none() | st.text(max_size=30))
def test_nothing_makes_reading_raise(status: int, body: bytes, retry_after: str | None) -> None:
    read = failure(status, body, retry_after)
    assert read.retry_after >= 0
    if status >= 500:
        assert read.meaning == "unknown"


def test_the_recorded_ban() -> None:
    recorded = msgspec.json.decode((RECORDED / "ban.jsonl").read_bytes())
    read = failure(recorded["http_status"], msgspec.json.encode(recorded["body"]))
    assert read.meaning == "banned"
    assert "IP banned until" in read.message


@pytest.mark.shared_data
def test_every_documented_code_has_a_meaning() -> None:
    path = shared_data("messages", "errors", "official_error_codes.json")
    for each in msgspec.json.decode(path.read_bytes())["codes"]:
        read = failure(400, msgspec.json.encode({"code": each["code"], "msg": each["name"]}))
        assert read.code == each["code"]
        assert (read.meaning == "unknown") == (each["code"] in {-1000, -1001, -1006, -1007, -1016})
