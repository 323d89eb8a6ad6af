"""What is packed ahead is what would have been packed later, once, and never another message's bytes."""

import pytest

from roottrading.adapters.bus.packing_ahead import PackingAhead
from roottrading.adapters.bus.port import Heads
from roottrading.adapters.bus.signing import Signed
from roottrading.messages.channels import TRADE_COMMANDS, TRADE_EVENTS, VERDICTS
from roottrading.messages.envelope import Envelope
from tests.unit.adapters.bus.test_signing import message, seal


class Counting:
    """A seal that counts what it packs."""

    def __init__(self) -> None:
        self.seal: Signed = seal("coordinator")
        self.packed = 0

    def pack(self, channel: str, message: Envelope | Heads) -> bytes:
        self.packed += 1
        return self.seal.pack(channel, message)

    def envelope(self, channel: str, data: bytes) -> Envelope:
        return self.seal.envelope(channel, data)

    def heads(self, channel: str, data: bytes) -> Heads:
        return self.seal.heads(channel, data)


def test_a_message_is_packed_once_for_all_carriers_that_take_it() -> None:
    inner = Counting()
    ahead, said = PackingAhead(inner), message()
    ahead.prepare([(TRADE_COMMANDS, said)])
    assert {ahead.pack(TRADE_COMMANDS, said) for _ in range(2)} == {seal("coordinator").pack(TRADE_COMMANDS, said)}
    assert inner.packed == 1


def test_the_same_message_on_another_channel_is_sealed_for_that() -> None:
    inner = Counting()
    ahead, said = PackingAhead(inner), message()
    ahead.prepare([(TRADE_COMMANDS, said)])
    assert ahead.pack(TRADE_EVENTS, said) == seal("coordinator").pack(TRADE_EVENTS, said)


def test_another_message_of_its_number_is_packed_anew() -> None:
    ahead = PackingAhead(Counting())
    ahead.prepare([(TRADE_COMMANDS, message())])
    for _ in range(1_000):  # new objects, which Python puts where old ones were
        other = message(stream="trade.commands/ETHUSDT")
        assert ahead.envelope(TRADE_COMMANDS, ahead.pack(TRADE_COMMANDS, other)).stream == other.stream


def test_what_was_prepared_long_ago_is_forgotten_and_packed_again() -> None:
    inner = Counting()
    ahead, first = PackingAhead(inner), message()
    ahead.prepare([(TRADE_COMMANDS, first)])
    for number in range(1_000):
        ahead.prepare([(TRADE_COMMANDS, message(sequence=number))])
    packed = inner.packed
    assert ahead.pack(TRADE_COMMANDS, first) == seal("coordinator").pack(TRADE_COMMANDS, first)
    assert inner.packed == packed + 1


def test_many_at_once_are_not_packed_ahead() -> None:
    inner = Counting()
    PackingAhead(inner).prepare([(TRADE_COMMANDS, message(sequence=number)) for number in range(100)])
    assert inner.packed == 0


def test_heads_and_what_comes_in_go_by_the_seal() -> None:
    ahead = PackingAhead(Counting())
    heads = Heads("coordinator", TRADE_COMMANDS, {"trade.commands/BTCUSDT": 7})
    assert ahead.heads(TRADE_COMMANDS, ahead.pack(TRADE_COMMANDS, heads)) == heads


def test_who_has_no_key_is_told_so_ahead() -> None:
    with pytest.raises(ValueError, match="no key"):
        PackingAhead(Counting()).prepare([(VERDICTS, message())])
