"""Messages on the wire: what comes back, what is refused, and what an earlier release wrote."""

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roottrading.domain.candle import Candle
from roottrading.messages import codec
from roottrading.messages.codec import UnreadableMessage, bodies, decode, decode_body, encode, encode_body
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleClosed
from tools.message_schemas import schemas

VERSIONS = Path(__file__).parents[2] / "data/messages"
GOLDEN = sorted(path for path in VERSIONS.glob("v*/*.json") if path.name != "schemas.json")
CURRENT = VERSIONS / f"v{codec.VERSION}"
CHANGED = (
    "a message changed that an earlier release would not read: give it a new version in codec.py, with golden files "
    "(before the first release: rewrite those of version 1)"
)
CANDLE = Envelope(
    "gateway",
    "market/BTCUSDT/1m",
    120_000_000,
    60_000_000,
    120_000_000,
    "c-1",
    CandleClosed(
        Candle(
            "BTCUSDT",
            "1m",
            60_000_000,
            Decimal("1.10"),
            Decimal("2.0"),
            Decimal("0.00000001"),
            Decimal("1E+3"),
            Decimal("12345678901234567.89"),
        )
    ),
)


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_nothing_is_made_at_the_first_message_which_may_come_in_two_threads_at_once() -> None:
    """Two carriers bring a first message at once: decoders made in two threads end the process (signal 11)."""
    script = f"""
import sys, threading
import msgspec
from roottrading.messages import codec

def refuse(*given, **named):
    raise AssertionError("a decoder is made when a message comes")

def decode():
    for _ in range(20):
        assert codec.encode(codec.decode(data)) == data
        for broken in (data[:-2], data.replace(b'"v":1', b'"v":7')):
            try:
                codec.decode(broken)
            except codec.UnreadableMessage:
                continue
            raise AssertionError("read what is broken")
    finished.append(codec.decode_body(msgspec.json.encode(codec.decode(data).body)))

data, finished = {encode(CANDLE)!r}, []
msgspec.json.Decoder = refuse
msgspec.json.decode = refuse
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=decode) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(finished) == 3
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_envelope_comes_back_to_the_last_digit() -> None:
    back = decode(encode(CANDLE))
    assert back == CANDLE
    assert repr(back) == repr(CANDLE), "zeros at the end and exponents are kept, too"


def test_the_bytes_are_the_documented_ones() -> None:
    assert json.loads(encode(CANDLE)) == {
        "v": 1,
        "source": "gateway",
        "stream": "market/BTCUSDT/1m",
        "sequence": 120_000_000,
        "follows": 60_000_000,
        "at": 120_000_000,
        "cause": "c-1",
        "body": {
            "message": "CandleClosed",
            "candle": {
                "symbol": "BTCUSDT",
                "timeframe": "1m",
                "open_time": 60_000_000,
                "open": "1.10",
                "high": "2.0",
                "low": "1E-8",
                "close": "1E+3",
                "volume": "12345678901234567.89",
                "closed": True,
            },
        },
    }


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(encode(CANDLE)) | fields).encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no message"),
        (b"\xff\xfe", "no message"),
        (b"[]", "no message"),
        (b"{}", "no message"),
        (encode(CANDLE)[:-3], "no message"),
        (b'{"nested":' + b"[" * 10**5 + b"]" * 10**5 + b"}", "no message"),
        (changed(v=2), "version 2, this release reads up to 1: upgrade it"),
        (changed(v=2, body={"message": "CandleFolded", "new": 1}), "version 2, this release reads up to 1: upgrade it"),
        (changed(v=0), "reads none before 1"),
        (changed(body={"message": "CandleFolded"}), "'CandleFolded', which this release does not know: upgrade it"),
        (changed(body={"message": "CandleAbsent", "symbol": 1}), "CandleAbsent of version 1, not as this release"),
        (changed(sequence="1"), "not as this release knows it"),
        (changed(stream="market"), "names no symbol"),
    ],
)
def test_what_is_no_message_of_ours_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableMessage, match=why):
        decode(data)


def test_a_field_of_a_later_release_is_left_out() -> None:
    assert decode(changed(color="red")) == CANDLE


def test_a_body_alone_comes_back() -> None:
    assert decode_body(encode_body(CANDLE.body)) == CANDLE.body
    with pytest.raises(UnreadableMessage):
        decode_body("{}")


# ---- versions


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_what_was_once_written_is_read(path: Path) -> None:
    """It comes back as it was written; only fields that came later may be added, with their defaults."""
    written = json.loads(path.read_bytes())
    back = json.loads(encode(decode(path.read_bytes())))
    if written["v"] == codec.VERSION:
        assert list(lost(written, back)) == [], CHANGED


def test_every_version_that_is_read_has_golden_files() -> None:
    read = {f"v{version}" for version in range(codec.OLDEST, codec.VERSION + 1)}
    assert {path.parent.name for path in GOLDEN} == read


@pytest.mark.parametrize("body", bodies(), ids=lambda body: body.__name__)
def test_every_message_has_a_golden_file_with_every_field(body: type[msgspec.Struct]) -> None:
    written = json.loads((CURRENT / f"{body.__name__}.json").read_bytes())["body"]
    assert set(written) == {"message", *body.__struct_fields__}


def test_no_message_changed_without_a_new_version() -> None:
    frozen = json.loads((CURRENT / "schemas.json").read_bytes())
    assert list(breaks(frozen, json.loads(json.dumps(schemas())))) == [], CHANGED


@pytest.mark.parametrize(
    ("old", "new", "safe"),
    [
        ({"type": "string"}, {"type": "string", "description": "better said"}, True),
        ({"type": "string"}, {"type": "integer"}, False),
        ({"properties": {"a": {}}, "required": ["a"]}, {"properties": {"a": {}, "b": {}}, "required": ["a"]}, True),
        ({"properties": {"a": {}}, "required": []}, {"properties": {"a": {}, "b": {}}, "required": ["b"]}, False),
        ({"properties": {"a": {}, "b": {}}}, {"properties": {"a": {}}}, False),
        ({"properties": {"a": {"default": 1}}}, {"properties": {"a": {"default": 2}}}, False),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, False),
        ({"anyOf": [{"$ref": "A"}]}, {"anyOf": [{"$ref": "A"}, {"$ref": "B"}]}, False),
    ],
)
def test_what_counts_as_a_change(old: Any, new: Any, safe: bool) -> None:
    assert (list(breaks(old, new)) == []) == safe


def lost(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Tell what stands in `old` and not in `new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            yield from lost(value, new.get(key), f"{at}/{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from lost(one, other, f"{at}/{number}")
    elif old != new:
        yield f"{at}: {old!r} became {new!r}"


def breaks(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Tell which differences of two schemas a release that knows only one of them would stumble over."""
    if isinstance(old, dict) and isinstance(new, dict):
        may_grow = at.endswith(("/properties", "/$defs"))
        for key in old.keys() | (set() if may_grow else new.keys()):
            if key in {"description", "title"} and not may_grow:
                continue
            yield from breaks(old.get(key), new.get(key), f"{at}/{key}")
    elif old != new:
        yield f"{at}: {old!r} became {new!r}"
