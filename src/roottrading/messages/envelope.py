"""Envelopes: who said a message, on which stream, and which message it follows."""

from msgspec import Struct

from roottrading.domain.time import Time


class Message(Struct, frozen=True, gc=False, tag=True, tag_field="message"):
    """A fact (past tense) or a command (imperative) that travels on a channel."""


class Envelope(Struct, frozen=True, gc=False):
    """A message is (source, stream, sequence): nothing random, no growing memory of ids seen.

    `source` is the service, never the instance: a take-over goes on with the stream. `stream` is
    channel/symbol[/timeframe]; `sequence` is T on market-derived streams, else a counter kept in the source's unit;
    `follows` is the sequence before it: anything else than the last one seen is a gap. `cause` is one id from candle
    to fill.
    """

    source: str
    stream: str
    sequence: int
    follows: int
    at: Time
    cause: str
    body: Message
