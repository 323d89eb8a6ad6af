"""How the market's streams are listened to: the exchange's limits, and our patience."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.candle_sequence import CandlePatience
from roottrading.adapters.exchange.binance.streams.subscriptions import Kind
from roottrading.domain.time import HOUR, MILLISECOND, MINUTE, SECOND, Time

_LEAST_SILENCE: Final[Mapping[Kind, Time]] = MappingProxyType(
    {
        "candles": 30 * SECOND,
        "aggregate_trades": 15 * SECOND,
        "trades": 15 * SECOND,
        "best_quote": 15 * SECOND,
        "depth": 15 * SECOND,
        "day_ticker": 30 * SECOND,
        "mini_ticker": 30 * SECOND,
    }
)


class SilenceBounds(Struct, frozen=True):
    """When silence means that something is broken; microseconds.

    A stream is taken as stalled when it was silent for `mean_gaps` times its own usual pause between messages, and for
    `least` of its kind at least; a stream that was heard fewer than `usual` times has no usual pause yet and is not
    judged. `candles_missed` closed candles in a row that the history has and the stream did not bring are a stall too.
    A connection that says nothing at all is asked by a ping after `probe` and given up after `connection` (the
    exchange itself pings every 20 s). `first` is how long a new connection may be without any event of its
    streams, twice as long after each that was mute.
    """

    least: Mapping[Kind, Time] = _LEAST_SILENCE
    mean_gaps: int = 30
    usual: int = 32
    candles_missed: int = 2
    probe: Time = 30 * SECOND
    connection: Time = 45 * SECOND
    first: Time = 2 * MINUTE


class Reconnecting(Struct, frozen=True):
    """How often connections are attempted; microseconds.

    After `failures` in a row the pause is `shortest` doubled each time, `longest` at most, less a random part of up to
    a half, so that not everyone comes back at once. All connections together attempt at most `most` times in `window`
    (the exchange allows 300 in 5 minutes to an address, on which other programs may live too). A connection that
    served for `proven` ends a row of failures.
    """

    shortest: Time = 500 * MILLISECOND
    longest: Time = MINUTE
    most: int = 200
    window: Time = 5 * MINUTE
    proven: Time = MINUTE


class StreamSettings(Struct, frozen=True):
    """Where the streams are, and how they are held; times in microseconds.

    `streams_a_connection` and `control_messages` a second are the exchange's limits (1024 and 5; one of the five is
    left for our answer to its ping). The first `streams_in_address` streams are named in the address, the others are
    subscribed to in messages of `streams_a_message`. A connection is replaced after `lifetime` (the exchange cuts it
    at 24 h) by one that overlaps it for `overlap`; one that is to end anyway (it stalled, or the server said that it
    shuts down) ends after `grace` even where its successor is not there yet. `opening` is how long a connection may
    take until all its streams are confirmed. `most_trades_refetched`: a larger hole in the prints is not filled.
    `questions` to the history at most are under way at once. `tick` is how often time is looked at,
    `judging` how often silence is.
    """

    url: str = "wss://stream.binance.com:9443"
    streams_a_connection: int = 1024
    streams_in_address: int = 100
    streams_a_message: int = 200
    control_messages: int = 4
    lifetime: Time = 23 * HOUR + 30 * MINUTE
    overlap: Time = 10 * SECOND
    grace: Time = 15 * SECOND
    opening: Time = 20 * SECOND
    ask_again: Time = 500 * MILLISECOND
    most_trades_refetched: int = 20_000
    questions: int = 8
    tick: Time = 100 * MILLISECOND
    judging: Time = SECOND
    patience: CandlePatience = CandlePatience()
    silence: SilenceBounds = SilenceBounds()
    reconnecting: Reconnecting = Reconnecting()

    def __post_init__(self) -> None:
        """Raise ValueError where a limit of the exchange would be broken."""
        for name, value, most in (
            ("streams_a_connection", self.streams_a_connection, 1024),
            ("control_messages", self.control_messages, 4),
            ("lifetime", self.lifetime, 24 * HOUR),
        ):
            if not 0 < value <= most:
                raise ValueError(f"{name} is {value}: use 1 to {most}")
