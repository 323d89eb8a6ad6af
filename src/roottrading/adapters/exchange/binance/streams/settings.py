"""How the market's streams are listened to: the exchange's limits, and our patience."""

from typing import Annotated

from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.candle_sequence import CandlePatience
from roottrading.adapters.exchange.binance.streams.subscriptions import Kind
from roottrading.domain.bounds import Bounds
from roottrading.domain.time import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Time


class LeastSilence(Struct, frozen=True):
    """How long a stream of each kind may be silent in any case, in microseconds."""

    candles: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds, of candles")] = 30 * SECOND
    aggregate_trades: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds, of joined trades")] = 15 * SECOND
    trades: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds, of single trades")] = 15 * SECOND
    best_quote: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds, of best bid and ask")] = 15 * SECOND
    depth: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds, of changes of the book")] = 15 * SECOND
    day_ticker: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds, of daily statistics")] = 30 * SECOND
    mini_ticker: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds, of short daily statistics")] = (
        30 * SECOND
    )

    def of(self, kind: Kind) -> Time:
        """Return the bound of a kind of stream."""
        found: Time = getattr(self, kind)
        return found


class SilenceBounds(Struct, frozen=True):
    """When silence of the streams means that something is broken.

    A stream is taken as stalled when it was silent for `mean_gaps` times its own usual pause between messages, and for
    `least` of its kind at least; a stream that was heard fewer than `usual` times has no usual pause yet and is not
    judged. `candles_missed` closed candles in a row that the history has and the stream did not bring are a stall too.
    A connection that says nothing at all is asked by a ping after `probe` and given up after `connection` (the
    exchange itself pings every 20 s). `first` is how long a new connection may be without any event of its
    streams, twice as long after each that was mute.
    """

    least: LeastSilence = LeastSilence()
    mean_gaps: Annotated[
        int, Bounds(ge=1, le=10_000, description="times its usual pause that a stream may be silent")
    ] = 30
    usual: Annotated[
        int, Bounds(ge=1, le=2**62, description="messages after which a stream's usual pause is known")
    ] = 32
    candles_missed: Annotated[
        int, Bounds(ge=1, le=1_000, description="closed candles in a row that a stream may leave out")
    ] = 2
    probe: Annotated[
        Time, Bounds(gt=0, le=DAY, description="microseconds of a connection's silence before it is asked by a ping")
    ] = 30 * SECOND
    connection: Annotated[
        Time, Bounds(gt=0, le=DAY, description="microseconds of a connection's silence after which it is given up")
    ] = 45 * SECOND
    first: Annotated[
        Time, Bounds(gt=0, le=DAY, description="microseconds that a new connection may be without any event")
    ] = 2 * MINUTE


class Reconnecting(Struct, frozen=True):
    """How often connections of the streams are attempted.

    After `failures` in a row the pause is `shortest` doubled each time, `longest` at most, less a random part of up to
    a half, so that not everyone comes back at once. All connections together attempt at most `most` times in `window`
    (the exchange allows 300 in 5 minutes to an address, on which other programs may live too). A connection that
    served for `proven` ends a row of failures.
    """

    shortest: Annotated[Time, Bounds(gt=0, le=HOUR, description="microseconds of pause after the first failure")] = (
        500 * MILLISECOND
    )
    longest: Annotated[Time, Bounds(gt=0, le=HOUR, description="microseconds of pause at most")] = MINUTE
    most: Annotated[int, Bounds(ge=1, le=300, description="tries to connect in a window at most")] = 200
    window: Annotated[Time, Bounds(gt=0, le=HOUR, description="microseconds of that window")] = 5 * MINUTE
    proven: Annotated[Time, Bounds(gt=0, le=DAY, description="microseconds of service that end a row of failures")] = (
        MINUTE
    )


class StreamSettings(Struct, frozen=True):
    """How the market's streams are held.

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
    streams_a_connection: Annotated[int, Bounds(ge=1, le=1024, description="streams on one connection")] = 1024
    streams_in_address: Annotated[
        int, Bounds(ge=1, le=1024, description="streams that are named in a connection's address")
    ] = 100
    streams_a_message: Annotated[int, Bounds(ge=1, le=1024, description="streams that one message subscribes to")] = 200
    control_messages: Annotated[int, Bounds(ge=1, le=4, description="control messages a second")] = 4
    lifetime: Annotated[
        Time, Bounds(gt=0, le=24 * HOUR, description="microseconds after which a connection is replaced")
    ] = 23 * HOUR + 30 * MINUTE
    overlap: Annotated[
        Time, Bounds(ge=0, le=HOUR, description="microseconds for which old and new connection overlap")
    ] = 10 * SECOND
    grace: Annotated[
        Time, Bounds(ge=0, le=HOUR, description="microseconds that an ending connection waits for its successor")
    ] = 15 * SECOND
    opening: Annotated[Time, Bounds(gt=0, le=HOUR, description="microseconds until all streams must be confirmed")] = (
        20 * SECOND
    )
    ask_again: Annotated[
        Time, Bounds(gt=0, le=HOUR, description="microseconds before an unanswered question is repeated")
    ] = 500 * MILLISECOND
    most_trades_refetched: Annotated[
        int, Bounds(ge=0, le=10**7, description="missing trades that are fetched; a larger hole stays")
    ] = 20_000
    questions: Annotated[int, Bounds(ge=1, le=1_000, description="questions to the history at once")] = 8
    tick: Annotated[Time, Bounds(gt=0, le=SECOND, description="microseconds between two looks at what is due")] = (
        100 * MILLISECOND
    )
    judging: Annotated[Time, Bounds(gt=0, le=MINUTE, description="microseconds between two looks at who is silent")] = (
        SECOND
    )
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
