"""Frames into observations: nothing that comes over the wire raises here."""

import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.adapters.exchange.binance.strangers import Strangers
from roottrading.adapters.exchange.binance.streams.observations import StreamBody
from roottrading.adapters.exchange.binance.streams.payloads import READERS
from roottrading.adapters.exchange.binance.streams.subscriptions import SERVER_SHUTDOWN, Subscription, read_name
from roottrading.adapters.exchange.binance.streams.wire import DOCUMENTED, DOCUMENTED_CANDLE, Frame
from roottrading.domain.time import Time

_LOG: Final = logging.getLogger(__name__)
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
_MOST_STREAMS: Final = 20_000  # names that are remembered; a peer that invents names must not fill our memory
_LOOKED_AT: Final = 1024  # every so many messages of a stream are looked through for fields that are new


class Heard(Struct, frozen=True, gc=False):
    """An event of a stream; `said_at` is the exchange's time of saying it, 0 where the stream tells none."""

    stream: str
    said_at: Time
    body: StreamBody


class Reply(Struct, frozen=True, gc=False):
    """The answer to a control message of ours; `refusal` is empty where it was done."""

    id: int | str | None
    refusal: str = ""


class ShuttingDown(Struct, frozen=True, gc=False):
    """The server is about to end this connection: open another one at once."""


class _Stream(Struct):
    """A stream's reader, and how many of its messages were read."""

    subscription: Subscription
    read: Callable[[Any, Subscription], tuple[Time, StreamBody]]
    count: int = 0


class Parser:
    """Reads frames of combined streams; what it can not read it counts in `strangers` and returns None for."""

    def __init__(self) -> None:
        self.strangers = Strangers()
        self._frame = msgspec.json.Decoder(Frame).decode
        self._streams: dict[str, _Stream] = {}

    def read(self, frame: bytes) -> Heard | Reply | ShuttingDown | None:
        """Return what a frame says; None for what is not understood."""
        try:
            outer = self._frame(frame)
            stream = self._streams.get(outer.stream)
            if stream is None:
                known = self._known(outer)
                if not isinstance(known, _Stream):
                    return known
                stream = known
            if not stream.count % _LOOKED_AT:
                self._look_through(stream, outer.data)
            stream.count += 1
            said_at, body = stream.read(outer.data, stream.subscription)
            return Heard(outer.stream, said_at, body)
        except _UNREADABLE as error:
            self.strangers.note("frames that make no sense", type(error).__name__)
            _LOG.debug("a frame that makes no sense (%s): %r", error, frame[:500])
            return None

    def _known(self, outer: Frame) -> "_Stream | Reply | ShuttingDown | None":
        """Make the reader of a stream heard for the first time, or read what is no event of a stream."""
        if not outer.stream:
            return self._beside(outer)
        if outer.stream == SERVER_SHUTDOWN:
            return ShuttingDown()
        subscription = read_name(outer.stream)
        if subscription is None:
            self.strangers.note("streams", outer.stream.partition("@")[2] or outer.stream)
            return None
        stream = _Stream(subscription, READERS[subscription.kind])
        if len(self._streams) < _MOST_STREAMS:
            self._streams[outer.stream] = stream
        return stream

    def _beside(self, outer: Frame) -> Reply | ShuttingDown | None:
        if outer.event == "serverShutdown":
            return ShuttingDown()
        if outer.event:
            self.strangers.note("events", outer.event)
            return None
        if outer.error is not None:
            return Reply(outer.id, f"{outer.error.code} {outer.error.msg}")
        if outer.code is not None:
            return Reply(outer.id, f"{outer.code} {outer.msg}")
        if outer.id is None:
            self.strangers.note("frames", "without stream, event and id")
            return None
        return Reply(outer.id)

    def _look_through(self, stream: _Stream, data: msgspec.Raw) -> None:
        """Count the fields of a message that are not documented."""
        kind = stream.subscription.kind
        payload = msgspec.json.decode(data)
        if not isinstance(payload, dict):
            return
        self.strangers.note_fields(kind, payload, DOCUMENTED[kind])
        if kind == "candles" and isinstance(payload.get("k"), dict):
            self.strangers.note_fields("the k of candles", payload["k"], DOCUMENTED_CANDLE)
