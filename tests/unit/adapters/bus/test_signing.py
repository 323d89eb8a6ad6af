"""Only who has a channel's key is heard there, and only as itself."""

import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.bus.port import Forged, Heads, Unreadable
from roottrading.adapters.bus.signing import Grant, Signed, Unsigned, derive
from roottrading.messages.channels import SIGNALS_AGGREGATED, TRADE_COMMANDS, TRADE_EVENTS, VERDICTS
from roottrading.messages.commands import CancelEntry
from roottrading.messages.envelope import Envelope

SECRET, OLD = "the secret of today", "the secret of yesterday"
GRANTS = (
    Grant("coordinator", TRADE_COMMANDS, frozenset({"coordinator"})),
    Grant("coordinator", TRADE_EVENTS, frozenset({"coordinator"})),
    Grant("trader", TRADE_EVENTS, frozenset({"trader"})),
    Grant("signal_aggregator", SIGNALS_AGGREGATED, frozenset({"signal_aggregator"})),
    Grant("dispatcher", VERDICTS, frozenset({"signal_aggregator"})),
)


def seal(sender: str, *secrets: str, deployment: str = "main", grants: tuple[Grant, ...] = GRANTS) -> Signed:
    return Signed(deployment, sender, derive(secrets or (SECRET,), deployment, grants))


def message(source: str = "coordinator", sequence: int = 7, stream: str = "trade.commands/BTCUSDT") -> Envelope:
    return Envelope(source, stream, sequence, sequence - 1, 1, "c", CancelEntry("a", "BTCUSDT", "because"))


COMMAND = seal("coordinator").pack(TRADE_COMMANDS, message())


def altered(change: Callable[[Any], object]) -> bytes:
    read = json.loads(COMMAND)
    change(read)
    return json.dumps(read, separators=(",", ":")).encode()


def test_what_was_signed_is_read_by_whoever_has_the_key() -> None:
    assert seal("trader").envelope(TRADE_COMMANDS, COMMAND) == message()
    heads = Heads("signal_aggregator", SIGNALS_AGGREGATED, {"signals:aggregated/BTCUSDT": 9})
    packed = seal("signal_aggregator").pack(SIGNALS_AGGREGATED, heads)
    assert seal("dispatcher").heads(SIGNALS_AGGREGATED, packed) == heads


def test_the_message_stays_readable_json() -> None:
    read = json.loads(COMMAND)
    assert list(read) == ["sender", "key", "mac", "frame"]
    assert read["frame"] == json.loads(Unsigned().pack(TRADE_COMMANDS, message()))


def test_no_byte_of_it_can_be_changed() -> None:
    ours = seal("trader")
    for at in range(len(COMMAND)):
        forged = bytearray(COMMAND)
        forged[at] ^= 1
        with pytest.raises(Forged):
            ours.envelope(TRADE_COMMANDS, bytes(forged))


@given(st.binary(max_size=200))
def test_no_other_bytes_are_taken_for_a_message(data: bytes) -> None:
    with pytest.raises(Forged):
        seal("trader").envelope(TRADE_COMMANDS, data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (Unsigned().pack(TRADE_COMMANDS, message()), "is not signed"),
        (altered(lambda read: read["frame"].update(sequence=8)), "is not signed by coordinator"),
        (altered(lambda read: read.update(sender="trader")), "'trader', who has no say there"),
        (altered(lambda read: read.update(key="00000000")), "is not signed by coordinator"),
        (altered(lambda read: read.update(mac="")), "is not signed by coordinator"),
        (json.dumps({**json.loads(COMMAND), "mac": "é"}, ensure_ascii=False).encode(), "is not signed by coordinator"),
        (altered(lambda read: read.update(sender="x" * 10**5)), r"by 'x{40}', who has no say there"),
        (b'{"sender":' + b"[" * 10**5, "is not signed"),
        (COMMAND[: COMMAND.index(b'"frame":')] + b'"frame":' + b"[" * 10**5 + b"]" * 10**5 + b"}", "is not signed"),
        (b"", "is not signed"),
        (seal("coordinator", deployment="other").pack(TRADE_COMMANDS, message()), "same secret and deployment"),
        (seal("coordinator", "another secret of ours").pack(TRADE_COMMANDS, message()), "same secret and deployment"),
        (seal("coordinator").pack(TRADE_EVENTS, message()), "is not signed by coordinator"),
        (seal("coordinator").pack(TRADE_COMMANDS, message("trader")), "'trader' made it, who has no say there"),
    ],
)
def test_what_is_not_what_it_says_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Forged, match=why):
        seal("trader").envelope(TRADE_COMMANDS, data)


def test_what_is_said_by_one_of_us_and_makes_no_sense_is_no_forgery() -> None:
    """It is for a newer release to read, say."""
    key = derive([SECRET], "main", GRANTS)[0].keys[0]
    for frame in (b"{}", b'{"v":2,"body":{"message":"Later"}}', b'{"x":' + b"[" * 500 + b"]" * 500 + b"}"):
        parts = (b"main", TRADE_COMMANDS.encode(), b"coordinator", frame)
        mac = hmac.new(key, b"".join(len(part).to_bytes(8, "big") + part for part in parts), "sha256").hexdigest()
        name = json.loads(COMMAND)["key"]
        sealed = b'{"sender":"coordinator","key":"%s","mac":"%s","frame":%s}' % (name.encode(), mac.encode(), frame)
        with pytest.raises(Unreadable) as raised:
            seal("trader").envelope(TRADE_COMMANDS, sealed)
        assert not isinstance(raised.value, Forged)


def test_heads_are_no_message_and_a_message_is_no_heads() -> None:
    events = message(stream="trade.events/BTCUSDT")
    heads = Heads("coordinator", TRADE_EVENTS, {})
    ours = seal("coordinator")
    with pytest.raises(Forged, match="is not signed by"):
        ours.heads(TRADE_EVENTS, ours.pack(TRADE_EVENTS, events))
    with pytest.raises(Forged, match="is not signed by"):
        ours.envelope(TRADE_EVENTS, ours.pack(TRADE_EVENTS, heads))


def test_a_bridge_signs_for_the_author_at_its_other_end_only() -> None:
    ours = seal("dispatcher")
    carried = message("signal_aggregator", stream="signals:aggregated/BTCUSDT")
    assert seal("coordinator").envelope(VERDICTS, ours.pack(VERDICTS, carried)) == carried
    with pytest.raises(Forged, match="'dispatcher' made it"):
        seal("coordinator").envelope(VERDICTS, ours.pack(VERDICTS, message("dispatcher")))


def test_who_has_no_key_cannot_speak() -> None:
    with pytest.raises(ValueError, match=r"trader has no key for trade\.commands"):
        seal("trader").pack(TRADE_COMMANDS, message("trader"))


def test_retired_secrets_verify_and_the_first_one_signs() -> None:
    both = seal("coordinator", SECRET, OLD)
    old = seal("coordinator", OLD).pack(TRADE_COMMANDS, message())
    assert both.envelope(TRADE_COMMANDS, old) == message()
    assert both.pack(TRADE_COMMANDS, message()) == COMMAND
    with pytest.raises(Forged):
        seal("trader").envelope(TRADE_COMMANDS, old)


def test_a_service_without_a_secret_says_so() -> None:
    with pytest.raises(Unreadable, match="has no secret to check it with") as raised:
        Unsigned().envelope(TRADE_COMMANDS, COMMAND)
    assert not isinstance(raised.value, Forged), "it may well be ours"


def test_keys_are_those_of_hkdf_and_all_different() -> None:
    """RFC 5869 as another implementation has it."""
    keys = derive([SECRET], "main", GRANTS)
    for each in keys:
        info = f"main\n{each.grant.sender}\n{each.grant.channel}".encode()
        oracle = HKDF(algorithm=SHA256(), length=32, salt=b"roottrading messages", info=info)
        assert each.keys == (oracle.derive(SECRET.encode()),)
    assert len({each.keys for each in keys}) == len(GRANTS)
    assert "keys=" not in repr(keys)


def test_a_short_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="shorter than 16") as raised:
        derive(["short-one"], "main", GRANTS)
    assert "short-one" not in str(raised.value)
