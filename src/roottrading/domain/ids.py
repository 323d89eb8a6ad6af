"""Ids computed from what caused them, never random: a retry is the same order (consistency-rules 2)."""

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from roottrading.domain.time import Time

CLIENT_ORDER_ID: Final = re.compile(r"^[a-zA-Z0-9-_]{1,36}$")
_SEPARATOR: Final = "\x1f"
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648, in small letters
_TEN_BITS: Final = tuple(first + second for first in _BASE32 for second in _BASE32)
_SHIFTS: Final = tuple(range(70, -1, -10))  # of the 80 bits of a hash, ten at a time: base64.b32encode is slow
_EMPTY: Final = blake2b(digest_size=16)  # a copy of it is there sooner than a new one
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}  # its first two bits are 10


def uuid8(*parts: str) -> str:
    """Return the version 8 UUID (RFC 9562) of the blake2b hash of the parts."""
    hashed = _EMPTY.copy()
    hashed.update(_SEPARATOR.join(parts).encode())
    digest = hashed.hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:]}"


def verdict_id(symbol: str, at: Time) -> str:
    """Return the id of a symbol's verdict at T: the only id without the deployment (trading-rules 7.2)."""
    return f"{symbol}/{at}"


def cycle_id(deployment: str, verdict: str) -> str:
    """Return the id of the trade cycle that a verdict causes."""
    return uuid8(deployment, "cycle", verdict)


def client_order_id(deployment: str, cycle: str, leg: str, attempt: int) -> str:
    """Return the id under which a leg's attempt is known at the exchange.

    It is `deployment-hash-legattempt`: at most 8 + 1 + 16 + 1 + 10 characters, in the alphabet Binance allows.
    `leg` is one letter: e entry, s stop, t target, x exit, l list, c cancel, q query.
    """
    return client_order_ids(deployment, cycle, leg, attempt)[0]


def client_order_ids(deployment: str, cycle: str, legs: str, attempt: int) -> list[str]:
    """Return the client order ids of several legs' same attempt, in the order of `legs`; the hash is taken once."""
    bits = int.from_bytes(blake2b(cycle.encode(), digest_size=10).digest(), "big")
    digest = "".join([_TEN_BITS[bits >> shift & 1023] for shift in _SHIFTS])
    return [f"{deployment}-{digest}-{leg}{attempt}" for leg in legs]


def order_id(deployment: str, client_id: str) -> str:
    """Return the row id of an order; its client order id is used once only (the ledger of what was sent is ours)."""
    return uuid8(deployment, "order", client_id)


def fill_id(deployment: str, symbol: str, trade_id: int) -> str:
    """Return the row id of a fill; trade ids are unique within a symbol at the exchange."""
    return uuid8(deployment, "fill", symbol, str(trade_id))


def signal_id(deployment: str, strategy: str, settings: str, symbol: str, timeframe: str, at: Time) -> int:
    """Return the id of the opinion that begins at T: 63 bits of a hash (consistency-rules 2.4).

    `settings` is the strategy's version and parameters as text; JSON carries the id as a string.
    """
    return signal_ids(deployment, strategy, settings, symbol, timeframe)(at)


def signal_ids(deployment: str, strategy: str, settings: str, symbol: str, timeframe: str) -> Callable[[Time], int]:
    """Return `signal_id` as a function of T alone: many ids of one strategy share the start of what is hashed."""
    text = _SEPARATOR.join((deployment, strategy, settings, symbol, timeframe, ""))
    begun = blake2b(text.encode(), digest_size=8)

    def id_at(at: Time) -> int:
        ended = begun.copy()
        ended.update(b"%d" % at)
        return int.from_bytes(ended.digest(), "big") >> 1

    return id_at
